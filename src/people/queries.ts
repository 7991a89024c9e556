import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import { listOf, oneOf, rowOf, rowsOf, selected, unnest } from "../platform/sql.ts";
import { joined, type Statement, statement, verbatim } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type Account, type AccountFacts, IDENTITIES, type Identity, type Person, type PersonFacts } from "./model.ts";
import { accounts, people } from "./table.ts";

const account = {
  id: accounts.id,
  externalId: accounts.externalId,
  name: accounts.name,
  segment: accounts.segment,
  annualValue: accounts.annualValue,
  currency: accounts.currency,
  renewsOn: accounts.renewsOn,
  owner: accounts.owner,
  churnedOn: accounts.churnedOn,
};

const person = {
  id: people.id,
  externalId: people.externalId,
  email: people.email,
  phone: people.phone,
  name: people.name,
  properties: people.properties,
  accountId: people.accountId,
};

/** Whether the rows found are also locked against change until the transaction ends; AT_ONCE or not at all. */
export type Lock = "UNLOCKED" | "WAITING" | "AT_ONCE";

/** An account or a person with their times, and the person's account by its id. */
export type StoredAccount = Account;
export type StoredPerson = PersonFacts & Pick<Person, "createdAt" | "updatedAt">;

const accountTimes = { createdAt: accounts.createdAt, updatedAt: accounts.updatedAt };
const personTimes = { createdAt: people.createdAt, updatedAt: people.updatedAt };

const [ACCOUNT, PERSON] = [selected(account), selected(person)];
const [ACCOUNT_TIMES, PERSON_TIMES] = [selected(accountTimes), selected(personTimes)];

interface Times {
  createdAt: Date;
  updatedAt: Date;
}

function withTimes<Row extends Times>({ createdAt, updatedAt, ...row }: Row) {
  return { ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}

export async function listAccounts(tx: WorkspaceTx, ids: readonly string[]): Promise<StoredAccount[]> {
  if (ids.length === 0) return [];
  const rows = await tx.prepared<AccountFacts & Times>(statement`/* people.listAccounts */
    select ${ACCOUNT}, ${ACCOUNT_TIMES} from ${rowsOf("accounts", tx.workspaceId, listOf("uuid", ids))}`);
  return rows.map(withTimes);
}

export async function listPeople(tx: WorkspaceTx, ids: readonly string[]): Promise<StoredPerson[]> {
  if (ids.length === 0) return [];
  const rows = await tx.prepared<PersonFacts & Times>(statement`/* people.listPeople */
    select ${PERSON}, ${PERSON_TIMES} from ${rowsOf("people", tx.workspaceId, listOf("uuid", ids))}`);
  return rows.map(withTimes);
}

/** A page of a list: newest first, one row more than `limit` where there are more. */
export interface NewestPage {
  limit: number;
  after?: Cursor | undefined;
}

/** Each list means any of its values, in the form in which identities are kept. */
export type PeopleFilter = Partial<Record<Identity, readonly string[] | undefined>>;

/** The condition on `people` that a filter means, within the workspace of the transaction. */
export function wherePeople(tx: WorkspaceTx, filter: PeopleFilter): SQL | undefined {
  const terms = Object.entries(filter).map(([kind, values]) => oneOf(people[kind as Identity], values));
  return and(eq(people.workspaceId, tx.workspaceId), ...terms);
}

export async function listPeoplePage(
  tx: WorkspaceTx,
  filter: PeopleFilter,
  { limit, after }: NewestPage,
): Promise<StoredPerson[]> {
  const rows = await tx.db
    .select({ ...person, ...personTimes })
    .from(people)
    .where(and(wherePeople(tx, filter), isBefore(people, after)))
    .orderBy(desc(people.createdAt), desc(people.id))
    .limit(limit + 1);
  return rows.map(withTimes);
}

export interface AccountFilter {
  externalIds?: readonly string[] | undefined;
  segments?: readonly string[] | undefined;
}

/** The condition on `accounts` that a filter means, within the workspace of the transaction. */
export function whereAccounts(tx: WorkspaceTx, { externalIds, segments }: AccountFilter): SQL | undefined {
  return and(
    eq(accounts.workspaceId, tx.workspaceId),
    oneOf(accounts.externalId, externalIds),
    oneOf(accounts.segment, segments),
  );
}

export async function listAccountsPage(
  tx: WorkspaceTx,
  filter: AccountFilter,
  { limit, after }: NewestPage,
): Promise<StoredAccount[]> {
  const rows = await tx.db
    .select({ ...account, ...accountTimes })
    .from(accounts)
    .where(and(whereAccounts(tx, filter), isBefore(accounts, after)))
    .orderBy(desc(accounts.createdAt), desc(accounts.id))
    .limit(limit + 1);
  return rows.map(withTimes);
}

function isBefore(table: typeof people | typeof accounts, after: Cursor | undefined): SQL | undefined {
  return after && sql`(${table.createdAt}, ${table.id}) < (${after.value}::timestamptz, ${after.id}::uuid)`;
}

/** Of each of these accounts, the people who belong to it, newest first, at most `limit` of each. */
export async function listPeopleOfAccounts(
  tx: WorkspaceTx,
  accountIds: readonly string[],
  limit: number,
): Promise<StoredPerson[]> {
  const newest = tx.db
    .select({ id: people.id })
    .from(people)
    .where(and(eq(people.workspaceId, tx.workspaceId), sql`${people.accountId} = input.account_id`))
    .orderBy(desc(people.createdAt), desc(people.id))
    .limit(limit);
  const ids = sql`array(select newest.id from ${unnest({ account_id: ["uuid", accountIds] })} cross join lateral ${newest} as newest)`;
  const rows = await tx.db
    .select({ ...person, ...personTimes })
    .from(people)
    .where(and(eq(people.workspaceId, tx.workspaceId), sql`${people.id} = any (${ids})`))
    .orderBy(desc(people.createdAt), desc(people.id));
  return rows.map(withTimes);
}

const COLUMN: Record<Identity, Statement> = {
  externalId: verbatim("external_id"),
  email: verbatim("email"),
  phone: verbatim("phone"),
};
const locking: Record<Lock, Statement> = {
  UNLOCKED: verbatim(""),
  WAITING: verbatim("for no key update"),
  AT_ONCE: verbatim("for no key update nowait"),
};

/** Values of each kind, as they are kept. */
export type Identities = Record<Identity, readonly string[]>;

/**
 * The ids of everybody who is known by one of these, as a statement; undefined where that is nobody. Each is looked up by itself in the
 * unique index of its kind: a table that has grown faster than its statistics would be read from end to end for all of them.
 */
export function idsByIdentity(tx: WorkspaceTx, known: Identities): Statement | undefined {
  const kinds = IDENTITIES.filter((kind) => known[kind].length > 0);
  if (kinds.length === 0) return undefined;
  const ids = kinds.map(
    (kind) => statement`select found.id from ${unnest({ identity: ["text", known[kind]] })} cross join lateral (
      select id from people where workspace_id = ${tx.workspaceId} and ${COLUMN[kind]} = input.identity limit 1
    ) as found`,
  );
  return statement`select distinct id from (${joined(ids, " union all ")}) as each_kind`;
}

/** One by one, as people below. */
export async function listAccountsByExternalId(
  tx: WorkspaceTx,
  externalIds: readonly string[],
  lock: Lock,
): Promise<AccountFacts[]> {
  if (externalIds.length === 0) return [];
  return tx.prepared(statement`/* people.listAccountsByExternalId */
    select ${ACCOUNT} from (select distinct external_id from ${unnest({ external_id: ["text", externalIds] })} order by external_id) as known
    cross join lateral (
      select * from accounts where workspace_id = ${tx.workspaceId} and external_id = known.external_id limit 1
      ${locking[lock]}
    ) as accounts`);
}

/** Everybody who is known by one of these. */
export async function listPeopleByIdentity(tx: WorkspaceTx, known: Identities, lock: Lock): Promise<PersonFacts[]> {
  const ids = idsByIdentity(tx, known);
  if (ids === undefined) return [];
  return tx.prepared(statement`/* people.listPeopleByIdentity */
    select ${PERSON} from (${ids} order by id) as known
    cross join lateral ${rowOf("people", tx.workspaceId, "known.id", locking[lock])}`);
}

import { and, asc, eq, inArray, or, type SQL, sql } from "drizzle-orm";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Account, Identity, Person } from "./model.ts";
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

/** Whether the rows found are also locked against change until the transaction ends. */
export type Lock = "unlocked" | "for update";

export async function listAccounts(tx: WorkspaceTx, ids: readonly string[]): Promise<Account[]> {
  if (ids.length === 0) return [];
  return tx.db
    .select(account)
    .from(accounts)
    .where(and(eq(accounts.workspaceId, tx.workspaceId), sql`${accounts.id} = ${anyOf("uuid", ids)}`));
}

export async function listPeople(tx: WorkspaceTx, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return [];
  return tx.db
    .select(person)
    .from(people)
    .where(and(eq(people.workspaceId, tx.workspaceId), sql`${people.id} = ${anyOf("uuid", ids)}`));
}

export async function listAccountsByExternalId(
  tx: WorkspaceTx,
  externalIds: readonly string[],
  lock: Lock,
): Promise<Account[]> {
  const query = tx.db
    .select(account)
    .from(accounts)
    .where(and(eq(accounts.workspaceId, tx.workspaceId), sql`${accounts.externalId} = ${anyOf("text", externalIds)}`))
    .orderBy(asc(accounts.externalId));
  return lock === "for update" ? query.for("update") : query;
}

/** Everybody who is known by one of these, each kind looked up in its own unique index. */
export async function listPeopleByIdentity(
  tx: WorkspaceTx,
  known: Record<Identity, readonly string[]>,
  lock: Lock,
): Promise<Person[]> {
  const kinds = (["externalId", "email", "phone"] as const).filter((kind) => known[kind].length > 0);
  const terms: SQL[] = kinds.map((kind) => sql`${people[kind]} = ${anyOf("text", known[kind])}`);
  const query = tx.db
    .select(person)
    .from(people)
    .where(and(eq(people.workspaceId, tx.workspaceId), or(...terms)))
    .orderBy(asc(people.id));
  return lock === "for update" ? query.for("update") : query;
}

function accountColumns(rows: readonly Account[]): Parameters<typeof unnest>[0] {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    external_id: ["text", rows.map(({ externalId }) => externalId)],
    name: ["text", rows.map(({ name }) => name)],
    segment: ["text", rows.map(({ segment }) => segment)],
    annual_value: ["double precision", rows.map(({ annualValue }) => annualValue)],
    currency: ["text", rows.map(({ currency }) => currency)],
    renews_on: ["date", rows.map(({ renewsOn }) => renewsOn)],
    owner: ["text", rows.map(({ owner }) => owner)],
    churned_on: ["date", rows.map(({ churnedOn }) => churnedOn)],
  };
}

/** Somebody else who was quicker is a unique violation: the transaction runs again and finds what they made. */
export async function insertAccounts(tx: WorkspaceTx, rows: readonly Account[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* people.insertAccounts */
    insert into accounts (workspace_id, id, external_id, name, segment, annual_value, currency, renews_on, owner, churned_on, created_at, updated_at)
    select ${tx.workspaceId}, id, external_id, name, segment, annual_value, currency, renews_on, owner, churned_on, ${tx.now}, ${tx.now}
    from ${unnest(accountColumns(rows))} order by external_id`);
}

export async function updateAccounts(tx: WorkspaceTx, rows: readonly Account[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* people.updateAccounts */
    update accounts set name = input.name, segment = input.segment, annual_value = input.annual_value,
      currency = input.currency, renews_on = input.renews_on, owner = input.owner, churned_on = input.churned_on,
      updated_at = ${tx.now}
    from ${unnest(accountColumns(rows))}
    where accounts.workspace_id = ${tx.workspaceId} and accounts.id = input.id`);
}

function personColumns(rows: readonly Person[]): Parameters<typeof unnest>[0] {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    external_id: ["text", rows.map(({ externalId }) => externalId)],
    email: ["text", rows.map(({ email }) => email)],
    phone: ["text", rows.map(({ phone }) => phone)],
    name: ["text", rows.map(({ name }) => name)],
    properties: ["jsonb", rows.map(({ properties }) => JSON.stringify(properties))],
    account_id: ["uuid", rows.map(({ accountId }) => accountId)],
  };
}

/** Somebody else who was quicker is a unique violation: the transaction runs again and finds what they made. */
export async function insertPeople(tx: WorkspaceTx, rows: readonly Person[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* people.insertPeople */
    insert into people (workspace_id, id, external_id, email, phone, name, properties, account_id, created_at, updated_at)
    select ${tx.workspaceId}, id, external_id, email, phone, name, properties, account_id, ${tx.now}, ${tx.now}
    from ${unnest(personColumns(rows))} order by external_id, email, phone`);
}

/** Lets go of the identities of people who lose one, so that the update after it can give it to another. */
export async function releaseIdentities(tx: WorkspaceTx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.db
    .update(people)
    .set({ externalId: null, email: null, phone: null })
    .where(and(eq(people.workspaceId, tx.workspaceId), inArray(people.id, [...ids])));
}

export async function updatePeople(tx: WorkspaceTx, rows: readonly Person[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* people.updatePeople */
    update people set external_id = input.external_id, email = input.email, phone = input.phone, name = input.name,
      properties = input.properties, account_id = input.account_id, updated_at = ${tx.now}
    from ${unnest(personColumns(rows))}
    where people.workspace_id = ${tx.workspaceId} and people.id = input.id`);
}

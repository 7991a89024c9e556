import { and, asc, eq, gt, sql } from "drizzle-orm";
import {
  type AccountFilter,
  accounts,
  listAccounts,
  listPeople,
  type PeopleFilter,
  people,
  whereAccounts,
  wherePeople,
} from "../people/index.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, responses, whereResponses } from "../responses/index.ts";
import { surveys } from "../surveys/index.ts";

/** Where a page of answers goes on: after this one. */
export interface AnswerPlace {
  respondedAt: Date;
  id: string;
}

/** Answers with all that is known of who gave them, in the order in which they were given. */
export async function listAnswers(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  { limit, after }: { limit: number; after: AnswerPlace | undefined },
) {
  const beyond =
    after && sql`(${responses.respondedAt}, ${responses.id}) > (${after.respondedAt}::timestamptz, ${after.id}::uuid)`;
  return tx.db
    .select({ response: responses, surveyKind: surveys.kind, person: people, account: accounts })
    .from(responses)
    .innerJoin(surveys, and(eq(surveys.workspaceId, tx.workspaceId), eq(surveys.key, responses.surveyKey)))
    .leftJoin(people, and(eq(people.workspaceId, tx.workspaceId), eq(people.id, responses.personId)))
    .leftJoin(accounts, and(eq(accounts.workspaceId, tx.workspaceId), eq(accounts.id, responses.accountId)))
    .where(and(whereResponses(tx.workspaceId, filter), beyond))
    .orderBy(asc(responses.respondedAt), asc(responses.id))
    .limit(limit);
}

/** People with the accounts they belong to, in the order in which we met them, after this id. */
export async function listAllPeople(tx: WorkspaceTx, filter: PeopleFilter, limit: number, after: string | undefined) {
  const found = await tx.db
    .select({ id: people.id })
    .from(people)
    .where(and(wherePeople(tx, filter), after === undefined ? undefined : gt(people.id, after)))
    .orderBy(asc(people.id))
    .limit(limit);
  const stored = await listPeople(tx, idsOf(found));
  const belonging = await listAccounts(tx, distinct(stored.map(({ accountId }) => accountId)));
  const byId = new Map(belonging.map((account) => [account.id, account]));
  return inOrder(stored).map(({ accountId, ...person }) => ({ ...person, account: byId.get(accountId ?? "") ?? null }));
}

/** Accounts in the order in which we met them, after this id. */
export async function listAllAccounts(
  tx: WorkspaceTx,
  filter: AccountFilter,
  limit: number,
  after: string | undefined,
) {
  const found = await tx.db
    .select({ id: accounts.id })
    .from(accounts)
    .where(and(whereAccounts(tx, filter), after === undefined ? undefined : gt(accounts.id, after)))
    .orderBy(asc(accounts.id))
    .limit(limit);
  return inOrder(await listAccounts(tx, idsOf(found)));
}

function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

function inOrder<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

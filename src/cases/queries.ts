import { and, asc, desc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { accounts, people } from "../people/index.ts";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type CaseSummary, responses } from "../responses/index.ts";
import { categoryOf } from "../scoring/index.ts";
import { type CaseFilter, whereCases } from "./filter.ts";
import { type Clock, stateOf } from "./firstContact.ts";
import type { Case } from "./model.ts";
import { sumOf, termsAt } from "./priority.ts";
import { caseClocks, caseResponses, cases } from "./table.ts";

export const CASE_ORDERS = ["PRIORITY", "FIRST_CONTACT_DUE", "OLDEST", "NEWEST"] as const;
export type CaseOrder = (typeof CASE_ORDERS)[number];

const ORDERS = {
  PRIORITY: { column: cases.queueRank, direction: desc, comparison: "<", type: "double precision" },
  FIRST_CONTACT_DUE: { column: cases.firstContactDueAt, direction: asc, comparison: ">", type: "timestamptz" },
  OLDEST: { column: cases.openedAt, direction: asc, comparison: ">", type: "timestamptz" },
  NEWEST: { column: cases.openedAt, direction: desc, comparison: "<", type: "timestamptz" },
} as const;

export interface CasePage {
  filter: CaseFilter;
  order: CaseOrder;
  limit: number;
  after?: Cursor | undefined;
}

/** A case with the value it is sorted by, for the cursor. */
export interface ListedCase {
  node: Case;
  sortValue: string;
}

/** One row more than `limit` where there are more. */
export async function listCases(tx: WorkspaceTx, { filter, order, limit, after }: CasePage): Promise<ListedCase[]> {
  const { column, direction, comparison, type } = ORDERS[order];
  const beyond =
    after && sql`(${column}, ${cases.id}) ${sql.raw(comparison)} (${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  const rows = await selectRows(tx, and(whereCases(tx, filter), beyond))
    .orderBy(direction(column), direction(cases.id))
    .limit(limit + 1);
  const found = await toCases(tx, rows);
  return found.map((node, index) => ({ node, sortValue: sortValueOf(rows[index]?.case, order) }));
}

export async function countCases(tx: WorkspaceTx, filter: CaseFilter): Promise<number> {
  return tx.db.$count(cases, whereCases(tx, filter));
}

/** Those of the ids that exist here, in no order. */
export async function listCasesById(tx: WorkspaceTx, ids: readonly string[]): Promise<Case[]> {
  if (ids.length === 0) return [];
  return toCases(
    tx,
    await selectRows(tx, and(eq(cases.workspaceId, tx.workspaceId), sql`${cases.id} = ${anyOf("uuid", ids)}`)),
  );
}

/** Of each of these people, their cases, newest first, at most `limit` of each. */
export async function listCasesOfPeople(tx: WorkspaceTx, personIds: readonly string[], limit: number): Promise<Case[]> {
  const ids = await tx.run<{ id: string }>(sql`/* cases.listCasesOfPeople */
    select newest.id from ${unnest({ person_id: ["uuid", personIds] })}
    cross join lateral (
      select id from cases
      where workspace_id = ${tx.workspaceId} and cases.person_id = input.person_id
      order by opened_at desc, id desc limit ${limit}
    ) as newest`);
  const found = await listCasesById(
    tx,
    ids.map(({ id }) => id),
  );
  return found.toSorted((a, b) =>
    a.openedAt === b.openedAt ? (a.id < b.id ? 1 : -1) : a.openedAt < b.openedAt ? 1 : -1,
  );
}

/** The case of each of these responses that has one, by response id. */
export async function caseSummaryOf(
  tx: WorkspaceTx,
  responseIds: readonly string[],
): Promise<Map<string, CaseSummary>> {
  const { id, status, priority, firstContactDueAt } = cases;
  const rows = await tx.db
    .select({ responseId: caseResponses.responseId, case: { id, status, priority, firstContactDueAt } })
    .from(caseResponses)
    .innerJoin(cases, and(eq(cases.workspaceId, caseResponses.workspaceId), eq(cases.id, caseResponses.caseId)))
    .where(
      and(
        eq(caseResponses.workspaceId, tx.workspaceId),
        sql`${caseResponses.responseId} = ${anyOf("uuid", responseIds)}`,
      ),
    );
  return new Map(
    rows.map(({ responseId, case: { firstContactDueAt: dueAt, ...summary } }) => [
      responseId,
      { ...summary, firstContactDueAt: dueAt.toISOString() },
    ]),
  );
}

/** The id of the case of each of these responses that has one, by response id. */
export async function caseIdsOf(tx: WorkspaceTx, responseIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await tx.db
    .select({ responseId: caseResponses.responseId, caseId: caseResponses.caseId })
    .from(caseResponses)
    .where(
      and(
        eq(caseResponses.workspaceId, tx.workspaceId),
        sql`${caseResponses.responseId} = ${anyOf("uuid", responseIds)}`,
      ),
    );
  return new Map(rows.map(({ responseId, caseId }) => [responseId, caseId]));
}

/** The ids of the responses of each of these cases. */
export async function listResponseIdsOf(tx: WorkspaceTx, caseIds: readonly string[]) {
  if (caseIds.length === 0) return [];
  return tx.db
    .select({ caseId: caseResponses.caseId, id: caseResponses.responseId })
    .from(caseResponses)
    .where(
      and(eq(caseResponses.workspaceId, tx.workspaceId), sql`${caseResponses.caseId} = ${anyOf("uuid", caseIds)}`),
    );
}

function sortValueOf(row: typeof cases.$inferSelect | undefined, order: CaseOrder): string {
  if (row === undefined) throw new Error("a case has no row");
  if (order === "PRIORITY") return String(row.queueRank);
  return (order === "FIRST_CONTACT_DUE" ? row.firstContactDueAt : row.openedAt).toISOString();
}

function selectRows(tx: WorkspaceTx, where: SQL | undefined) {
  return tx.db
    .select({
      case: cases,
      person: { id: people.id, externalId: people.externalId, email: people.email, name: people.name },
      account: { id: accounts.id, externalId: accounts.externalId, name: accounts.name },
    })
    .from(cases)
    .leftJoin(people, and(eq(people.workspaceId, cases.workspaceId), eq(people.id, cases.personId)))
    .leftJoin(accounts, and(eq(accounts.workspaceId, cases.workspaceId), eq(accounts.id, cases.accountId)))
    .where(where)
    .$dynamic();
}

async function toCases(tx: WorkspaceTx, rows: Awaited<ReturnType<typeof selectRows>>): Promise<Case[]> {
  const ids = rows.map((row) => row.case.id);
  const clocks = await listClocks(tx, ids);
  const answers = await listAnswers(tx, ids);
  return rows.map(({ case: row, person, account }) => {
    const terms = termsAt(row.priorityTerms, row.firstContactStartedAt, tx.now);
    const own = clocks.filter(({ caseId }) => caseId === row.id).map((clock) => toClock(clock, tx.now));
    const firstContact = own.at(-1);
    if (firstContact === undefined) throw new Error("a case has no clock");
    return {
      id: row.id,
      version: row.version,
      status: row.status,
      priority: row.priority,
      priorityScore: sumOf(terms),
      priorityTerms: terms,
      reasons: row.reasons,
      person,
      account,
      responses: answers
        .filter(({ caseId }) => caseId === row.id)
        .map(({ id, score, respondedAt }) => ({
          id,
          score,
          category: categoryOf(score),
          respondedAt: respondedAt.toISOString(),
        })),
      assignee: row.assignee,
      openedAt: row.openedAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
      firstContact,
      clocks: own,
      outcome: row.outcome,
      resolution: row.resolution,
      previousCaseId: row.previousCaseId,
    };
  });
}

function toClock(clock: Omit<Clock, "n" | "hoursAllowed">, now: Date): Case["firstContact"] {
  return {
    startedAt: clock.startedAt.toISOString(),
    dueAt: clock.dueAt.toISOString(),
    metAt: clock.metAt?.toISOString() ?? null,
    state: stateOf(clock, now),
    cause: clock.cause,
  };
}

async function listClocks(tx: WorkspaceTx, caseIds: readonly string[]) {
  return tx.db
    .select()
    .from(caseClocks)
    .where(and(eq(caseClocks.workspaceId, tx.workspaceId), inArray(caseClocks.caseId, [...caseIds])))
    .orderBy(asc(caseClocks.n));
}

async function listAnswers(tx: WorkspaceTx, caseIds: readonly string[]) {
  return tx.db
    .select({
      caseId: caseResponses.caseId,
      id: responses.id,
      score: responses.score,
      respondedAt: responses.respondedAt,
    })
    .from(caseResponses)
    .innerJoin(
      responses,
      and(eq(responses.workspaceId, caseResponses.workspaceId), eq(responses.id, caseResponses.responseId)),
    )
    .where(and(eq(caseResponses.workspaceId, tx.workspaceId), inArray(caseResponses.caseId, [...caseIds])))
    .orderBy(asc(responses.respondedAt), asc(responses.id));
}

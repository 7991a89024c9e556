import { and, eq, type SQL, sql } from "drizzle-orm";
import { inOrderOf } from "../platform/byId.ts";
import { pagesOfIds } from "../platform/pages.ts";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf, unnest } from "../platform/sql.ts";
import { type Statement, statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { CASE_STATUSES, type CaseSummary } from "../responses/index.ts";
import { type CaseFilter, whereCases } from "./filter.ts";
import type { Case } from "./model.ts";
import { listCasesById } from "./reading.ts";
import { caseResponses, cases } from "./table.ts";
import { idsOf, isLiveOf } from "./writes.ts";

export const CASE_ORDERS = ["PRIORITY", "FIRST_CONTACT_DUE", "OLDEST", "NEWEST"] as const;
export type CaseOrder = (typeof CASE_ORDERS)[number];

/** What each order sorts by, and what its cursors hold. */
const ORDERS = {
  PRIORITY: { column: cases.queueRank, descending: true, type: "double precision", cursor: "number" },
  FIRST_CONTACT_DUE: { column: cases.firstContactDueAt, descending: false, type: "timestamptz", cursor: "time" },
  OLDEST: { column: cases.openedAt, descending: false, type: "timestamptz", cursor: "time" },
  NEWEST: { column: cases.openedAt, descending: true, type: "timestamptz", cursor: "time" },
} as const;

export function cursorValuesOf(order: CaseOrder) {
  return ORDERS[order].cursor;
}

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

/**
 * One row more than `limit` where there are more. Each status is read in the order of its index and the
 * best of all are taken, so that a page costs the same however many cases there are, or are closed.
 */
export async function listCases(tx: WorkspaceTx, page: CasePage): Promise<ListedCase[]> {
  const rows = await tx.run<{ id: string; value: number | Date }>(pageQuery(tx, page));
  const found = await listCasesById(
    tx,
    rows.map(({ id }) => id),
  );
  const byId = new Map(found.map((node) => [node.id, node]));
  return rows.flatMap(({ id, value }) => {
    const node = byId.get(id);
    return node === undefined ? [] : [{ node, sortValue: value instanceof Date ? value.toISOString() : String(value) }];
  });
}

/** The statement that finds the ids of a page; a test looks at its plan. */
export function pageQuery(tx: WorkspaceTx, { filter, order, limit, after }: CasePage): SQL {
  const { column, descending, type } = ORDERS[order];
  const { statuses = CASE_STATUSES, ...terms } = filter;
  const [direction, comparison] = descending ? [sql.raw("desc"), sql.raw("<")] : [sql.raw("asc"), sql.raw(">")];
  const beyond =
    after && sql`(${column}, ${cases.id}) ${comparison} (${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  const best = [...new Set(statuses)].map(
    (status) => sql`(select id, ${column} as value from cases
      where ${and(whereCases(tx, terms), eq(cases.status, status), beyond)}
      order by ${column} ${direction}, ${cases.id} ${direction} limit ${limit + 1})`,
  );
  const none = sql`(select id, ${column} as value from cases where false)`;
  return sql`/* cases.listCases */ select id, value from (${sql.join(best.length === 0 ? [none] : best, sql` union all `)}) as best
    order by value ${direction}, id ${direction} limit ${limit + 1}`;
}

/** Those that a filter lets through, the first opened first, so many at a time. */
export async function* pagesOfCases(tx: WorkspaceTx, filter: CaseFilter, size: number): AsyncGenerator<Case[]> {
  const ids = sql`select id from cases where ${whereCases(tx, filter)} order by ${cases.openedAt}, ${cases.id}`;
  for await (const page of pagesOfIds(tx, ids, size)) yield inOrderOf(page, await listCasesById(tx, page));
}

export async function countCases(tx: WorkspaceTx, filter: CaseFilter): Promise<number> {
  return tx.db.$count(cases, whereCases(tx, filter));
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
    .innerJoin(cases, and(eq(cases.workspaceId, tx.workspaceId), eq(cases.id, caseResponses.caseId)))
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
export async function listResponseIdsOf(
  tx: WorkspaceTx,
  caseIds: readonly string[],
): Promise<{ caseId: string; id: string }[]> {
  return tx.prepared(
    statement`/* cases.listResponseIdsOf */ select case_id as "caseId", id from ${linksOf(tx, idsOf(caseIds))}`,
  );
}

/** The ids of the responses of the cases of these ids, as a list for a statement about them. */
export function responseIdsOf(tx: WorkspaceTx, caseIds: Statement): Statement {
  return statement`array(select id from ${linksOf(tx, caseIds)})`;
}

/** Case by case, so that a plan which is kept never reads the links of all cases. */
function linksOf(tx: WorkspaceTx, caseIds: Statement): Statement {
  return statement`(select distinct id as case_id from (${caseIds}) as found) as wanted cross join lateral (
    select response_id as id from case_responses
    where workspace_id = ${tx.workspaceId} and case_responses.case_id = wanted.case_id offset 0
  ) as linked`;
}

/** The case of this person that is being worked, if there is one. */
export async function findLiveCaseId(tx: WorkspaceTx, personId: string): Promise<string | undefined> {
  const rows = await tx.db
    .select({ id: cases.id })
    .from(cases)
    .where(and(eq(cases.workspaceId, tx.workspaceId), isLiveOf("person_id", [personId])));
  return rows[0]?.id;
}

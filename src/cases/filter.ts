import { and, eq, gte, isNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type CasePriority, type CaseStatus, responses } from "../responses/index.ts";
import { DANGER_ZONE_MAX } from "../scoring/index.ts";
import type { FirstContactState } from "./firstContact.ts";
import type { CaseReason } from "./model.ts";
import { caseResponses, cases } from "./table.ts";

/** Which cases: all given terms must hold, and a list means any of its values. */
export interface CaseFilter {
  statuses?: readonly CaseStatus[] | undefined;
  assignee?: string | undefined;
  unassigned?: boolean | undefined;
  priorities?: readonly CasePriority[] | undefined;
  reasons?: readonly CaseReason[] | undefined;
  dangerZone?: boolean | undefined;
  surveyKeys?: readonly string[] | undefined;
  segments?: readonly string[] | undefined;
  firstContact?: readonly FirstContactState[] | undefined;
  dueBefore?: Date | undefined;
  openedFrom?: Date | undefined;
  openedTo?: Date | undefined;
  /** Inclusive. */
  updatedSince?: Date | undefined;
  accountIds?: readonly string[] | undefined;
  personIds?: readonly string[] | undefined;
}

/** The condition on `cases` that a filter means, within the workspace of the transaction. */
export function whereCases(tx: WorkspaceTx, filter: CaseFilter): SQL | undefined {
  const oneOf = (column: typeof cases.status | typeof cases.priority, values: readonly string[] | undefined) =>
    values && sql`${column} = ${anyOf("text", values)}`;
  return and(
    eq(cases.workspaceId, tx.workspaceId),
    oneOf(cases.status, filter.statuses),
    oneOf(cases.priority, filter.priorities),
    filter.assignee === undefined ? undefined : eq(cases.assignee, filter.assignee),
    filter.unassigned === undefined ? undefined : sql`(${cases.assignee} is null) = ${filter.unassigned}`,
    filter.reasons && sql`${cases.reasons} && ${sql.param(filter.reasons)}::text[]`,
    filter.firstContact && or(...filter.firstContact.map((state) => isInState(state, tx.now)), sql`false`),
    filter.dueBefore && lt(cases.firstContactDueAt, filter.dueBefore),
    filter.openedFrom && gte(cases.openedAt, filter.openedFrom),
    filter.openedTo && lt(cases.openedAt, filter.openedTo),
    filter.updatedSince && gte(cases.updatedAt, filter.updatedSince),
    filter.accountIds && sql`${cases.accountId} = ${anyOf("uuid", filter.accountIds)}`,
    filter.personIds && sql`${cases.personId} = ${anyOf("uuid", filter.personIds)}`,
    filter.surveyKeys && hasResponse(tx, sql`${responses.surveyKey} = ${anyOf("text", filter.surveyKeys)}`),
    filter.segments && hasResponse(tx, sql`${responses.segment} = ${anyOf("text", filter.segments)}`),
    filter.dangerZone === undefined
      ? undefined
      : sql`${hasResponse(tx, lte(responses.score, DANGER_ZONE_MAX))} = ${filter.dangerZone}`,
  );
}

/** The same rule as `stateOf`, for the latest clock. */
function isInState(state: FirstContactState, now: Date): SQL {
  const { firstContactDueAt: due, firstContactMetAt: met } = cases;
  if (state === "MET") return sql`${met} <= ${due}`;
  if (state === "PENDING") return sql`(${isNull(met)} and ${due} >= ${now})`;
  return sql`(${met} > ${due} or (${isNull(met)} and ${due} < ${now}))`;
}

function hasResponse(tx: WorkspaceTx, condition: SQL): SQL {
  const belonging = tx.db
    .select({ one: sql`1` })
    .from(caseResponses)
    .innerJoin(
      responses,
      and(eq(responses.workspaceId, caseResponses.workspaceId), eq(responses.id, caseResponses.responseId)),
    )
    .where(and(eq(caseResponses.workspaceId, cases.workspaceId), eq(caseResponses.caseId, cases.id), condition));
  return sql`exists ${belonging}`;
}

import { and, eq, gte, isNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import { keysBelow } from "../causes/index.ts";
import { holds, oneOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type CasePriority, type CaseStatus, responses } from "../responses/index.ts";
import { CATEGORY_SCORES, type Category, DANGER_ZONE_MAX } from "../scoring/index.ts";
import type { FirstContactState } from "./firstContact.ts";
import type { CaseOutcome, CaseReason } from "./model.ts";
import { caseCommitments, caseReferences, caseResponses, cases } from "./table.ts";

/** Which cases: all given terms must hold, and a list means any of its values. */
export interface CaseFilter {
  statuses?: readonly CaseStatus[] | undefined;
  assignees?: readonly string[] | undefined;
  unassigned?: boolean | undefined;
  priorities?: readonly CasePriority[] | undefined;
  reasons?: readonly CaseReason[] | undefined;
  dangerZone?: boolean | undefined;
  categories?: readonly Category[] | undefined;
  surveyKeys?: readonly string[] | undefined;
  segments?: readonly string[] | undefined;
  firstContact?: readonly FirstContactState[] | undefined;
  dueBefore?: Date | undefined;
  openedFrom?: Date | undefined;
  openedTo?: Date | undefined;
  /** Stated or actual, these or any below them. */
  rootCauses?: readonly string[] | undefined;
  improvementIds?: readonly string[] | undefined;
  outcomes?: readonly CaseOutcome[] | undefined;
  /** With a commitment that is due before this day and not settled. */
  commitmentDueBefore?: string | undefined;
  freshlyTipped?: boolean | undefined;
  references?: readonly { system: string; externalId: string }[] | undefined;
  /** Inclusive. */
  updatedSince?: Date | undefined;
  accountIds?: readonly string[] | undefined;
  personIds?: readonly string[] | undefined;
}

/**
 * The condition on `cases` that a filter means, within the workspace of the transaction.
 * @param isFigure whether only answers that count choose cases: of a list also those that were excluded do
 */
export function whereCases(tx: WorkspaceTx, filter: CaseFilter, isFigure = false): SQL | undefined {
  const hasAnswer = (condition: SQL | undefined) =>
    hasResponse(tx, and(isFigure ? isNull(responses.exclusionReason) : undefined, condition));
  return and(
    eq(cases.workspaceId, tx.workspaceId),
    oneOf(cases.status, filter.statuses),
    oneOf(cases.priority, filter.priorities),
    oneOf(cases.assignee, filter.assignees),
    oneOf(cases.outcome, filter.outcomes),
    oneOf(cases.improvementId, filter.improvementIds, "uuid"),
    oneOf(cases.accountId, filter.accountIds, "uuid"),
    oneOf(cases.personId, filter.personIds, "uuid"),
    holds(isNull(cases.assignee), filter.unassigned),
    filter.reasons && sql`${cases.reasons} && ${sql.param(filter.reasons)}::text[]`,
    holds(sql`${cases.priorityTerms} @> '[{"term":"FRESHLY_TIPPED"}]'`, filter.freshlyTipped),
    filter.firstContact && or(...filter.firstContact.map((state) => isInState(state, tx.now)), sql`false`),
    filter.dueBefore && lt(cases.firstContactDueAt, filter.dueBefore),
    filter.openedFrom && gte(cases.openedAt, filter.openedFrom),
    filter.openedTo && lt(cases.openedAt, filter.openedTo),
    filter.updatedSince && gte(cases.updatedAt, filter.updatedSince),
    filter.rootCauses && hasCause(tx, filter.rootCauses),
    filter.commitmentDueBefore === undefined ? undefined : hasCommitment(tx, filter.commitmentDueBefore),
    filter.references && or(...filter.references.map((reference) => hasReference(tx, reference)), sql`false`),
    filter.surveyKeys && hasAnswer(oneOf(responses.surveyKey, filter.surveyKeys)),
    filter.segments && hasAnswer(oneOf(responses.segment, filter.segments)),
    filter.categories && hasAnswer(or(...filter.categories.map(isOfCategory), sql`false`)),
    holds(hasAnswer(lte(responses.score, DANGER_ZONE_MAX)), filter.dangerZone),
  );
}

/** The same rule as `stateOf`, for the latest clock. */
function isInState(state: FirstContactState, now: Date): SQL {
  const { firstContactDueAt: due, firstContactMetAt: met } = cases;
  if (state === "MET") return sql`${met} <= ${due}`;
  if (state === "PENDING") return sql`(${isNull(met)} and ${due} >= ${now})`;
  return sql`(${met} > ${due} or (${isNull(met)} and ${due} < ${now}))`;
}

function isOfCategory(category: Category): SQL {
  const { min, max } = CATEGORY_SCORES[category];
  return sql`${responses.score} between ${min} and ${max}`;
}

function hasCause(tx: WorkspaceTx, keys: readonly string[]): SQL {
  const below = keysBelow(tx, sql`select unnest(${sql.param(keys)}::text[])`);
  return sql`(${cases.statedCause} in ${below} or ${cases.actualCause} in ${below})`;
}

function hasResponse(tx: WorkspaceTx, condition: SQL | undefined): SQL {
  const belonging = tx.db
    .select({ one: sql`1` })
    .from(caseResponses)
    .innerJoin(responses, and(eq(responses.workspaceId, tx.workspaceId), eq(responses.id, caseResponses.responseId)))
    .where(and(eq(caseResponses.workspaceId, tx.workspaceId), eq(caseResponses.caseId, cases.id), condition));
  return sql`exists ${belonging}`;
}

function hasCommitment(tx: WorkspaceTx, before: string): SQL {
  const open = tx.db
    .select({ one: sql`1` })
    .from(caseCommitments)
    .where(
      and(
        eq(caseCommitments.workspaceId, tx.workspaceId),
        eq(caseCommitments.caseId, cases.id),
        isNull(caseCommitments.kept),
        lt(caseCommitments.dueOn, before),
      ),
    );
  return sql`exists ${open}`;
}

function hasReference(tx: WorkspaceTx, { system, externalId }: { system: string; externalId: string }): SQL {
  const ticket = tx.db
    .select({ caseId: caseReferences.caseId })
    .from(caseReferences)
    .where(
      and(
        eq(caseReferences.workspaceId, tx.workspaceId),
        eq(caseReferences.system, system),
        eq(caseReferences.externalId, externalId),
      ),
    );
  return sql`${cases.id} in ${ticket}`;
}

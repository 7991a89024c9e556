import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { type ClockCause, joinClock, type Reason, startClock } from "./firstContact.ts";
import { statusAfter } from "./lifecycle.ts";
import type { Policies } from "./policyStore.ts";
import type { Open } from "./settling.ts";
import { type CaseRow, latestClock } from "./writes.ts";

/** An answer to follow up, and the case it has already. */
export interface Call {
  response: RecordedResponse;
  caseId: string | null;
  /** As it was, where it was changed. */
  before?: RecordedResponse;
  /** Why somebody wants it to be called by hand. */
  note?: string | null;
}

/** What a clock that these calls start is started by. */
export interface Causes {
  open: ClockCause;
  join: ClockCause;
}

/** A new case for this answer. */
export function openCase(
  tx: WorkspaceTx,
  { response, note }: Call,
  previousCaseId: string | null,
  policies: Policies,
  causes: Causes,
): Open {
  const { version, policy } = policies.today;
  const clock = startClock(1, causes.open, tx.now, reasonOf(response), policy);
  const row: CaseRow = {
    id: newId(),
    version: 1,
    status: "OPEN",
    personId: response.person?.id ?? null,
    accountId: response.account?.id ?? null,
    assignee: null,
    previousCaseId,
    policyVersion: version,
    clocks: [clock],
    outcome: null,
    resolution: null,
    statedCause: null,
    actualCause: null,
    improvementId: null,
    feasibility: null,
    alignment: null,
    publicRisk: false,
    // By its answers, once all are there.
    reasons: note === undefined ? [] : ["MANUAL"],
    priority: "LOW",
    priorityTerms: [],
    queueRank: 0,
  };
  const { respondedAt } = response;
  const details = { responseId: response.id, respondedAt, cause: causes.open, arrivedLate: clock.arrivedLate };
  return {
    row,
    before: null,
    responses: [response],
    joining: [response.id],
    leaving: [],
    activities: [{ type: "OPENED", text: note ?? null, details }],
    events: ["case.opened"],
  };
}

/** Another answer, or the same with something new, comes to a case that is being worked. */
export function joinCase(
  tx: WorkspaceTx,
  draft: Open,
  { response, caseId, note }: Call,
  policies: Policies,
  causes: Causes,
): void {
  const { row } = draft;
  const latest = latestClock(row);
  const clock = joinClock(latest, causes.join, tx.now, reasonOf(response), policies.of(row.policyVersion));
  const clocks = clock.n > latest.n ? [...row.clocks, clock] : [...row.clocks.slice(0, -1), clock];
  const reasons =
    note === undefined || row.reasons.includes("MANUAL") ? row.reasons : [...row.reasons, "MANUAL" as const];
  draft.row = { ...row, clocks, reasons, status: clock.n > latest.n ? "OPEN" : row.status };
  const type = caseId === row.id ? "RESPONSE_CHANGED" : "RESPONSE_JOINED";
  const details = { responseId: response.id, respondedAt: response.respondedAt, clocks: clocks.length };
  draft.activities.push({ type, text: note ?? null, details });
}

/** An answer of a case that has ended is a reason to call again. */
export function reopenCase(tx: WorkspaceTx, draft: Open, { response }: Call, policies: Policies, causes: Causes): void {
  const { row } = draft;
  const policy = policies.of(row.policyVersion);
  const clock = startClock(latestClock(row).n + 1, causes.join, tx.now, reasonOf(response), policy);
  const status = statusAfter(row.status, "reopening");
  draft.row = { ...row, status, outcome: null, resolution: null, clocks: [...row.clocks, clock] };
  draft.activities.push({ type: "REOPENED", details: { responseId: response.id, cause: causes.join } });
  draft.events.push("case.reopened");
}

/** An answer says something else, and nothing that is a reason to call anew. */
export function changeAnswer(draft: Open, { id }: RecordedResponse): void {
  draft.activities.push({ type: "RESPONSE_CHANGED", details: { responseId: id } });
}

/** An answer turned out to be somebody else's. */
export function leaveCase(draft: Open, { id }: RecordedResponse): void {
  draft.responses = draft.responses.filter((response) => response.id !== id);
  draft.isEmptied = draft.responses.every(({ exclusion }) => exclusion !== null);
  draft.leaving.push(id);
  draft.activities.push({ type: "RESPONSE_LEFT", details: { responseId: id } });
}

/** A case that is nobody's, or whose person nobody has reached, turned out to be about another: since it was opened. */
export function handOver(draft: Open, personId: string | null, previousCaseId: string | null): void {
  draft.row = { ...draft.row, personId, previousCaseId };
}

/** What a clock must know of an answer. */
export function reasonOf({ category, dangerZone, respondedAt, receivedAt }: RecordedResponse): Reason {
  return { category, dangerZone, respondedAt: new Date(respondedAt), receivedAt: new Date(receivedAt) };
}

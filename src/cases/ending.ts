import { getImprovement, isSettled, lockImprovement } from "../causes/index.ts";
import { listAccounts } from "../people/index.ts";
import { AppError } from "../platform/errors.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { listResponsesById, type RecordedResponse } from "../responses/index.ts";
import { changeCase, type Target } from "./changing.ts";
import type { Closure, Resolution, Verification } from "./commands.ts";
import { type Reason, silence, startClock } from "./firstContact.ts";
import { statusAfter } from "./lifecycle.ts";
import type { Case } from "./model.ts";
import { reasonOf } from "./placing.ts";
import { hoursFor, type Policy } from "./policy.ts";
import { loadPolicies } from "./policyStore.ts";
import { findLiveCaseId, listResponseIdsOf } from "./queries.ts";
import { reasonsToCall } from "./reasons.ts";
import { rank } from "./settling.ts";
import { requireKnown } from "./working.ts";
import { type CaseRow, idsOf, latestClock } from "./writes.ts";

/**
 * Parks the case until an improvement ships or is dropped.
 * @throws {AppError} `invalid_transition`; `not_found` or `conflict` for an improvement that will not come
 */
export async function parkCase(
  tx: WorkspaceTx,
  target: Target,
  { improvementId }: { improvementId: string },
): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    const status = statusAfter(row.status, "parking");
    await lockImprovement(tx, improvementId);
    const improvement = await getImprovement(tx, improvementId);
    if (isSettled(improvement.status)) {
      throw new AppError("conflict", `The improvement is ${improvement.status}: nothing waits for it any more.`);
    }
    return {
      row: { ...row, status, improvementId: improvement.id },
      activities: [{ type: "PARKED", details: { improvementId: improvement.id } }],
      events: ["case.parked"],
    };
  });
}

/** @throws {AppError} `invalid_transition`; `invalid_request` for an unknown root cause */
export async function resolveCase(tx: WorkspaceTx, target: Target, input: Resolution): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    const status = statusAfter(row.status, "resolution");
    await requireKnown(tx, input);
    const { outcome, resolution, actualCause = row.actualCause } = input;
    return {
      row: { ...row, status, outcome, resolution, actualCause },
      activities: [{ type: "RESOLVED", text: resolution, details: { outcome, actualCause } }],
      events: ["case.resolved"],
    };
  });
}

/**
 * The customer was asked whether it is resolved: if so the case is closed, else it is worked again. What
 * they say as a score stays with the case, apart from the scores of surveys.
 * @throws {AppError} `invalid_transition`; `conflict` when it would be worked again while the person has
 *   another case that is
 */
export async function verifyCase(tx: WorkspaceTx, target: Target, input: Verification): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    const { satisfied, verbalScore = null, note = null } = input;
    const status = statusAfter(row.status, satisfied ? "satisfiedVerification" : "unsatisfiedVerification");
    if (!satisfied) await requireOnlyCase(tx, row);
    const activities = [{ type: "VERIFIED" as const, text: note, details: { satisfied, verbalScore } }];
    if (satisfied) return { row: { ...row, status }, activities, events: ["case.verified", "case.closed"] };
    const worked = { ...row, status, outcome: null, resolution: null };
    return { row: await rankAnew(tx, worked, await listAnswers(tx, row)), activities, events: ["case.verified"] };
  });
}

/** Ends the case as it is; nobody is called any more. @throws {AppError} `invalid_transition` */
export async function closeCase(tx: WorkspaceTx, target: Target, { outcome, reason }: Closure): Promise<Case> {
  return changeCase(tx, target, (row) => {
    const status = statusAfter(row.status, "closure");
    const clocks = row.clocks.map(silence);
    return {
      row: { ...row, status, outcome, resolution: row.resolution ?? reason, clocks },
      activities: [{ type: "CLOSED", text: reason, details: { outcome } }],
      events: ["case.closed"],
    };
  });
}

/**
 * Opens the case again, with a clock of its own; those it had stay as they were.
 * @throws {AppError} `invalid_transition`; `conflict` while the person has another case that is worked
 */
export async function reopenCase(tx: WorkspaceTx, target: Target, { reason }: { reason: string }): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    const status = statusAfter(row.status, "reopening");
    await requireOnlyCase(tx, row);
    const policy = (await loadPolicies(tx, idsOf([row.id]))).of(row.policyVersion);
    const answers = await listAnswers(tx, row);
    const clock = startClock(latestClock(row).n + 1, "REOPENED", tx.now, mostUrgent(answers, policy, tx.now), policy);
    const clocks = [...row.clocks.map(silence), clock];
    return {
      row: await rankAnew(tx, { ...row, status, outcome: null, resolution: null, clocks }, answers),
      activities: [{ type: "REOPENED", text: reason, details: { cause: "REOPENED" } }],
      events: ["case.reopened"],
    };
  });
}

async function requireOnlyCase(tx: WorkspaceTx, { id, personId }: CaseRow): Promise<void> {
  const existingId = personId === null ? undefined : await findLiveCaseId(tx, personId);
  if (existingId === undefined || existingId === id) return;
  throw new AppError("conflict", "The person has another case that is being worked.", { existingId });
}

async function listAnswers(tx: WorkspaceTx, { id }: CaseRow): Promise<RecordedResponse[]> {
  return listResponsesById(
    tx,
    (await listResponseIdsOf(tx, [id])).map((link) => link.id),
  );
}

/** Of the case's answers the one to be called about first; the reason is as new as the reopening. */
function mostUrgent(answers: readonly RecordedResponse[], policy: Policy, now: Date): Reason {
  const [first] = answers.map(reasonOf).toSorted((a, b) => hoursFor(policy, a) - hoursFor(policy, b));
  return { ...(first ?? { category: "DETRACTOR", dangerZone: false }), respondedAt: now, receivedAt: now };
}

/**
 * The case that is worked again, by its answers and its account as they are now: while it had ended, nobody looked. Where
 * no answer is a reason to call any more, it is worked because somebody says so.
 */
async function rankAnew(tx: WorkspaceTx, row: CaseRow, answers: readonly RecordedResponse[]): Promise<CaseRow> {
  const isCalled = row.reasons.includes("MANUAL") || answers.some((answer) => reasonsToCall(answer).length > 0);
  const reasons = isCalled ? row.reasons : [...row.reasons, "MANUAL" as const];
  const accountIds = distinct(answers.map(({ account }) => account?.id));
  const accounts = (await listAccounts(tx, accountIds)).map((account) => [account.id, account] as const);
  return rank({ ...row, reasons }, answers, new Map(accounts));
}

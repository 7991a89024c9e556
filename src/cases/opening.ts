import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse, ResponseChange } from "../responses/index.ts";
import { followUp } from "./followUp.ts";
import { caseIdsOf } from "./queries.ts";
import { reasonsToCall } from "./reasons.ts";

/**
 * Opens a case for every detractor and for everybody who asks to be contacted, in the transaction that
 * records the answers. An answer of somebody whose case is being worked joins it instead; an answer
 * without a person has a case of its own. Excluded answers, and history, open none.
 */
export async function openCases(tx: WorkspaceTx, recorded: readonly RecordedResponse[]): Promise<void> {
  const calling = recorded.filter((response) => reasonsToCall(response).length > 0);
  await followUp(
    tx,
    calling.map((response) => ({ response, caseId: null, isMoved: false, news: reasonsToCall(response) })),
    { open: "OPENED", join: "NEW_RESPONSE" },
  );
}

/** What whoever works a case goes by. */
const SHOWN = ["score", "comment", "followUpRequested", "respondedAt"] as const;

/**
 * The same rules for answers that were changed: what has become a reason to call opens a case or joins
 * one, never a second; an answer that turned out to be somebody else's goes over to their case; a case
 * without any reason left is closed as INVALID, and what remains is ranked anew.
 */
export async function reviewCases(tx: WorkspaceTx, changes: readonly ResponseChange[]): Promise<void> {
  const caseIds = await caseIdsOf(
    tx,
    changes.map(({ after }) => after.id),
  );
  const calls = changes.map(({ before, after }) => {
    const caseId = caseIds.get(after.id) ?? null;
    const known = caseId === null ? [] : reasonsToCall(before);
    return {
      response: after,
      caseId,
      isMoved: before.person?.id !== after.person?.id,
      news: reasonsToCall(after).filter((reason) => !known.includes(reason)),
      isOtherwise: SHOWN.some((name) => before[name] !== after[name]),
    };
  });
  await followUp(
    tx,
    calls.filter(({ caseId, news }) => caseId !== null || news.length > 0),
    { open: "RESPONSE_CHANGED", join: "RESPONSE_CHANGED" },
  );
}

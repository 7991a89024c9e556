import { AppError } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { listResponsesById, lockResponses } from "../responses/index.ts";
import { getCase } from "./changing.ts";
import type { OpenCase } from "./commands.ts";
import { findCasesOf, followUp } from "./followUp.ts";
import { isLive } from "./lifecycle.ts";
import type { Case } from "./model.ts";
import { caseSummaryOf } from "./queries.ts";

/**
 * Opens a case because somebody says so: for a comment that names a problem, whatever the score, history
 * too. Where the person has a case that is worked, the answer joins it.
 * @throws {AppError} `not_found`; `conflict` for an excluded answer, or one that has a case
 */
export async function openCaseByHand(
  tx: WorkspaceTx,
  { responseId, note }: OpenCase,
): Promise<{ opened: Case; isNew: boolean }> {
  // Locked, so that of two people who open one at the same moment the second sees the first's.
  await lockResponses(tx, [responseId]);
  const [response] = await listResponsesById(tx, [responseId]);
  if (response === undefined) {
    const invalidParams = [{ name: "responseId", reason: "is the id of no response" }];
    throw new AppError("not_found", "There is no response with this id.", { invalidParams });
  }
  if (response.exclusion !== null) {
    throw new AppError("conflict", "The response is excluded, and an excluded response has no case: include it first.");
  }
  const existing = (await caseSummaryOf(tx, [response.id])).get(response.id);
  if (existing !== undefined) {
    const advice = isLive(existing.status) ? "it is being worked" : "reopen that one";
    throw new AppError("conflict", `The response has a case already: ${advice}.`, { existingId: existing.id });
  }
  const call = { response, caseId: null, note: note ?? null };
  await followUp(tx, [call], { open: "OPENED", join: "NEW_RESPONSE" }, await findCasesOf(tx, [call]));
  await tx.flush();
  const summary = (await caseSummaryOf(tx, [response.id])).get(response.id);
  const opened = await getCase(tx, summary?.id ?? "");
  return { opened, isNew: opened.version === 1 };
}

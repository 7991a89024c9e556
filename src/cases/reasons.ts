import type { RecordedResponse, RecordInput, RecordingOptions } from "../responses/index.ts";
import { categoryOf } from "../scoring/index.ts";
import type { CaseReason } from "./model.ts";

/** Whether an answer will be one when it is recorded. */
export function isReasonToCall(input: RecordInput, { followUp }: RecordingOptions): boolean {
  if (followUp === "NONE" || input.test === true || (input.exclusion ?? null) !== null) return false;
  return categoryOf(input.score) === "DETRACTOR" || input.followUpRequested === true;
}

/** Why the customer is to be called; none for an answer that is excluded or history. */
export function reasonsToCall(response: RecordedResponse): CaseReason[] {
  if (response.exclusion !== null || response.followUp === "NONE") return [];
  return [
    ...(response.category === "DETRACTOR" ? (["DETRACTOR"] as const) : []),
    ...(response.dangerZone ? (["DANGER_ZONE"] as const) : []),
    ...(response.followUpRequested ? (["FOLLOW_UP_REQUESTED"] as const) : []),
  ];
}

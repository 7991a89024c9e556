import type { RecordedResponse } from "../responses/index.ts";
import type { CaseReason } from "./model.ts";

/** Why the customer is to be called; none for an answer that is excluded or history. */
export function reasonsToCall(response: RecordedResponse): CaseReason[] {
  if (response.exclusion !== null || response.followUp === "NONE") return [];
  return [
    ...(response.category === "DETRACTOR" ? (["DETRACTOR"] as const) : []),
    ...(response.dangerZone ? (["DANGER_ZONE"] as const) : []),
    ...(response.followUpRequested ? (["FOLLOW_UP_REQUESTED"] as const) : []),
  ];
}

import type { RecordedResponse, RecordInput, RecordingOptions } from "../responses/index.ts";
import { categoryOf, isDangerZone } from "../scoring/index.ts";
import type { CaseReason } from "./model.ts";

/** What the rule goes by. */
interface Judged extends Pick<RecordedResponse, "score" | "followUpRequested" | "followUp"> {
  exclusion: unknown;
}

/** Why the customer is to be called; none for an answer that is excluded or history. */
export function reasonsToCall({ score, followUpRequested, exclusion, followUp }: Judged): CaseReason[] {
  if (exclusion !== null || followUp === "NONE") return [];
  return [
    ...(categoryOf(score) === "DETRACTOR" ? (["DETRACTOR"] as const) : []),
    ...(isDangerZone(score) ? (["DANGER_ZONE"] as const) : []),
    ...(followUpRequested ? (["FOLLOW_UP_REQUESTED"] as const) : []),
  ];
}

/** The same for an answer that is yet to be recorded. */
export function reasonsAhead(input: RecordInput, { followUp }: RecordingOptions): CaseReason[] {
  const { score, followUpRequested = false, test = false, exclusion = null } = input;
  return reasonsToCall({ score, followUpRequested, exclusion: test ? "TEST" : exclusion, followUp });
}

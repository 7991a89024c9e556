// One problem for each code: those that a caller brings about, and those that only the service can.
import { AppError, type ErrorCode } from "../../../src/platform/errors.ts";
import { newId } from "../../../src/platform/ids.ts";
import { toProblem } from "../../../src/platform/problem.ts";
import type { Story } from "./telling.ts";

const OURS: Partial<Record<ErrorCode, string>> = {
  idempotency_in_progress: "A request with this Idempotency-Key is still being answered. Try again.",
  rate_limited: "More requests than 2,000 a second. Try again after Retry-After.",
  internal: "Something went wrong here. It was logged under the request id.",
  unavailable: "There is too much to do at once. Try again.",
};

export async function refuse(
  { tell, problems }: Story,
  { response, caseId }: { response: { id: string }; caseId: string },
): Promise<void> {
  await tell("recordResponse", { body: { score: 11, scale: 10 }, refused: "invalid_request" });
  await tell("listCases", { apiKey: null, refused: "unauthenticated" });
  await tell("getResponse", { ids: { id: newId() }, refused: "not_found" });
  const answer = { score: 5, source: "shop", externalId: "resp_81" };
  await tell("recordResponse", { body: answer, refused: "conflict" });
  await tell("parkCase", { ids: { id: caseId }, body: { improvementId: newId() }, refused: "invalid_transition" });
  const headers = { "idempotency-key": "1f7c0d6e" };
  await tell("recordResponse", { body: answer, headers, refused: "idempotency_mismatch" });
  const comment = "x".repeat(300_000);
  await tell("changeResponse", { ids: { id: response.id }, body: { comment }, refused: "payload_too_large" });
  const asText = { "content-type": "text/plain" };
  await tell("recordResponse", { body: "score=3", headers: asText, refused: "unsupported_media_type" });
  for (const [code, detail] of Object.entries(OURS)) {
    const request = { path: "/v1/responses", id: newId() };
    problems[code] = toProblem(new AppError(code as ErrorCode, detail), request);
  }
}

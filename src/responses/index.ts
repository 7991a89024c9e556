export { acknowledgeResponses, markReached } from "./acknowledging.ts";
export { recordBatch } from "./batch.ts";
export { changeResponse, putResponse } from "./changing.ts";
export { isInRange } from "./contradictions.ts";
export {
  eraseResponses,
  isSilent,
  type KnownAnswer,
  listAnswersOf,
  listSilentPeople,
  lockAnswersOf,
  type OldAnswer,
  removeOldComments,
} from "./erasing.ts";
export { listExclusions } from "./exclusionLedger.ts";
export { type ResponseFilter, textsOf, whereResponses } from "./filter.ts";
export { ResponseFilterQuery, toResponseFilter } from "./filterQuery.ts";
export { findWrongFields } from "./inputs.ts";
export {
  CASE_PRIORITIES,
  CASE_STATUSES,
  type CasePriority,
  type CaseStatus,
  type CaseSummary,
  CHANNELS,
  COMMENT_LENGTH_MAX,
  DEFAULT_SOURCE,
  type ExclusionInput,
  ExclusionInputSchema,
  FOLLOW_UPS,
  type FollowUp,
  type RecordedResponse,
  type Response,
  type ResponseChange,
  type ResponseInput,
  ResponseInputSchema,
  ResponsePatchSchema,
  ResponseSchema,
  type ResponseUpsert,
  ResponseUpsertSchema,
} from "./model.ts";
export { listResponsesById, listResponsesOf } from "./queries.ts";
export { recordResponses } from "./service.ts";
export {
  LIVE,
  type NewResponse,
  type RecordInput,
  type RecordingOptions,
  type RecordingStep,
  type RecordingSteps,
  type RecordResult,
  withCases,
} from "./steps.ts";
export { listStoredAnswers } from "./storedAnswers.ts";
export { responses } from "./table.ts";
export { lockResponses } from "./writes.ts";

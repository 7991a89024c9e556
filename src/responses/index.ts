export { acknowledgeResponses, markReached } from "./acknowledging.ts";
export { changeResponse, putResponse } from "./changing.ts";
export { type ResponseFilter, whereResponses } from "./filter.ts";
export {
  CASE_PRIORITIES,
  CASE_STATUSES,
  type CasePriority,
  type CaseStatus,
  type CaseSummary,
  CHANNELS,
  FOLLOW_UPS,
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
export { listResponsesById, listStoredAnswers } from "./queries.ts";
export { type RecordingOptions, type RecordingSteps, type RecordResult, withCases } from "./service.ts";
export { responses } from "./table.ts";
export { lockResponses } from "./writes.ts";

export { acknowledgeResponses, markReached } from "./acknowledging.ts";
export { recordBatch } from "./batch.ts";
export { restoreExclusions } from "./excluding.ts";
export { type ResponseFilter, whereResponses } from "./filter.ts";
export { ResponseFilterQuery, toResponseFilter } from "./filterQuery.ts";
export {
  CASE_PRIORITIES,
  CASE_STATUSES,
  type CasePriority,
  type CaseStatus,
  type CaseSummary,
  type ExclusionInput,
  ExclusionInputSchema,
  FOLLOW_UPS,
  type FollowUp,
  type RecordedResponse,
  type ResponseChange,
  type ResponseInput,
  ResponseInputSchema,
  ResponsePatchSchema,
  ResponseSchema,
  ResponseUpsertSchema,
} from "./model.ts";
export { listResponsesById } from "./queries.ts";
export { type RecordingSteps, type RecordResult } from "./service.ts";
export { responses } from "./table.ts";
export { lockResponses } from "./writes.ts";

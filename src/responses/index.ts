export { type ResponseFilter, whereResponses } from "./filter.ts";
export {
  CASE_PRIORITIES,
  CASE_STATUSES,
  type CasePriority,
  type CaseStatus,
  type CaseSummary,
  type RecordedResponse,
  ResponseInputSchema,
  ResponseSchema,
} from "./model.ts";
export { type RecordingSteps, type RecordResult } from "./service.ts";
export { responses } from "./table.ts";

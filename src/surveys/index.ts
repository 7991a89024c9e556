export {
  SURVEY_KINDS,
  type Survey,
  SurveyInputSchema,
  type SurveyKind,
  SurveyPutSchema,
  SurveySchema,
} from "./model.ts";
export { listSurveys } from "./queries.ts";
export { findSurveys, recordSurveys } from "./service.ts";

export { SURVEY_KINDS, type Survey, SurveyInputSchema, SurveyPutSchema, SurveySchema } from "./model.ts";
export { listSurveys } from "./queries.ts";
export { recordSurveys } from "./service.ts";
export { surveys } from "./table.ts";

export { SURVEY_KINDS, type Survey, SurveyInputSchema } from "./model.ts";
export { recordSurveys } from "./service.ts";
export { surveys } from "./table.ts";

export { openCases, reviewCases } from "./opening.ts";
export { caseSummaryOf } from "./queries.ts";

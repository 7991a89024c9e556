export { openCases } from "./opening.ts";
export { caseSummaryOf } from "./queries.ts";

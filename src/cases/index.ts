export { openCases, reviewCases } from "./opening.ts";
export { caseSummaryOf } from "./queries.ts";
export { cases } from "./table.ts";
export { LIVE_STATUSES } from "./writes.ts";

export { type CaseFilter, whereCases } from "./filter.ts";
export { LIVE_STATUSES } from "./lifecycle.ts";
export type { CaseOutcome } from "./model.ts";
export { openCases, reviewCases } from "./opening.ts";
export { caseSummaryOf } from "./queries.ts";
export { rankCasesOfAccounts, returnParkedCases } from "./returning.ts";
export { sweep } from "./sweeping.ts";
export { caseClocks, cases } from "./table.ts";

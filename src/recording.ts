import { countRecorded, recountChanged } from "./aggregates/index.ts";
import { caseSummaryOf, openCases, rankCasesOfAccounts, reviewCases } from "./cases/index.ts";
import type { RecordingSteps } from "./responses/index.ts";
import { tagChanged, tagRecorded } from "./themes/index.ts";

/** What happens with every answer, in the transaction that records or changes it. */
export const RECORDING: RecordingSteps = {
  onRecorded: [tagRecorded, openCases, countRecorded],
  onChanged: [tagChanged, reviewCases, recountChanged],
  onAccountsChanged: [rankCasesOfAccounts],
  caseSummaryOf,
};

import { type AccountFacts, listAccounts } from "../people/index.ts";
import { canonicalJson } from "../platform/json.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { silence } from "./firstContact.ts";
import { isLive, statusAfter } from "./lifecycle.ts";
import { CASE_REASONS } from "./model.ts";
import { assess, factTerms, priorityOf, queueRankOf } from "./priority.ts";
import { factsOf } from "./priorityFacts.ts";
import { reasonsToCall } from "./reasons.ts";
import type { Draft, Known } from "./writeDrafts.ts";
import { type CaseRow, latestClock } from "./writes.ts";

/** A case with the answers it has after the change. */
export interface Open extends Draft {
  responses: RecordedResponse[];
  /** The id of an answer of it that changed, whatever that means for the case. */
  touchedBy?: string;
  /** By this change it has no answer left that counts: there is nobody to be called, whoever opened it. */
  isEmptied?: boolean;
}

/** Reasons, account and rank of each case, by its answers as they are now. Without a reason left, it is closed. */
export async function settle(tx: WorkspaceTx, drafts: Open[], known: Known): Promise<Open[]> {
  const [live, ended] = [
    drafts.filter(({ row }) => isLive(row.status)),
    drafts.filter(({ row }) => !isLive(row.status)),
  ];
  const accountIds = live.flatMap(({ responses }) => responses.map(({ account }) => account?.id));
  const missing = distinct(accountIds).filter((id) => !known.accounts.has(id));
  const listed = await listAccounts(tx, missing);
  const accounts = new Map([...known.accounts, ...listed.map((account) => [account.id, account] as const)]);
  const settled = live.map((draft) => {
    const row = rank(draft.row, draft.responses, accounts);
    if (row.reasons.length === 0 || draft.isEmptied === true) return closeInvalid(draft);
    const isNewAccount = draft.before === null || (draft.before.accountId === null && row.assignee === null);
    if (isNewAccount) row.assignee = accounts.get(row.accountId ?? "")?.owner ?? null;
    if (draft.before === null) return { ...draft, row, account: accounts.get(row.accountId ?? "") ?? null };
    const isOtherwise = draft.touchedBy !== undefined && draft.activities.length === 0 && !isSame(row, draft.before);
    const changed = { type: "RESPONSE_CHANGED", details: { responseId: draft.touchedBy } } as const;
    return { ...draft, row, activities: isOtherwise ? [changed] : draft.activities };
  });
  return [...ended, ...settled];
}

/** A case by its answers and its account as they are now. */
export function rank(
  row: CaseRow,
  responses: readonly RecordedResponse[],
  accounts: ReadonlyMap<string, AccountFacts>,
): CaseRow {
  const isManual = row.reasons.includes("MANUAL");
  const calling = responses.filter((response) =>
    isManual ? response.exclusion === null : reasonsToCall(response).length > 0,
  );
  // Of the newest that is a reason to call, else of any.
  const accounted = [...newestFirst(calling), ...newestFirst(responses)].find((response) => response.account);
  const account = accounts.get(accounted?.account?.id ?? "");
  const reasons = CASE_REASONS.filter(
    (reason) =>
      (isManual && reason === "MANUAL") || calling.some((response) => reasonsToCall(response).includes(reason)),
  );
  const priorityTerms = assess(factTerms(factsOf(calling, account)), row);
  return requeue({ ...row, reasons, accountId: account?.id ?? null, priorityTerms });
}

function newestFirst(responses: readonly RecordedResponse[]): RecordedResponse[] {
  return responses.toSorted((a, b) => (a.respondedAt < b.respondedAt ? 1 : -1));
}

const NO_REASON_LEFT = "No answer of it is a reason to call any more.";

/** Whether it was closed because its answers had no reason left, and not by somebody. */
export function isClosedByRule({ status, outcome, resolution }: CaseRow): boolean {
  return status === "CLOSED" && outcome === "INVALID" && resolution === NO_REASON_LEFT;
}

function closeInvalid(draft: Open): Open {
  const resolution = NO_REASON_LEFT;
  const row: CaseRow = {
    ...draft.row,
    status: statusAfter(draft.row.status, "closure"),
    outcome: "INVALID",
    resolution,
    clocks: draft.row.clocks.map(silence),
  };
  const activity = { type: "CLOSED", text: resolution, details: { outcome: "INVALID" } } as const;
  return { ...draft, row, activities: [...draft.activities, activity], events: [...draft.events, "case.closed"] };
}

/** The case at the place in the queue that its terms and its latest clock give it. */
export function requeue(row: CaseRow): CaseRow {
  const { priorityTerms: terms } = row;
  return { ...row, priority: priorityOf(terms), queueRank: queueRankOf(terms, latestClock(row).startedAt) };
}

function isSame(a: CaseRow, b: CaseRow): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

import { type Account, listAccounts } from "../people/index.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { listResponsesById, type RecordedResponse } from "../responses/index.ts";
import { type ClockCause, joinClock, startClock } from "./firstContact.ts";
import { CASE_REASONS, type CaseReason } from "./model.ts";
import { baseTermsOf, priorityOf, queueRankOf } from "./priority.ts";
import { factsOf, mergeFacts } from "./priorityFacts.ts";
import { listResponseIdsOf } from "./queries.ts";
import { reasonsToCall } from "./reasons.ts";
import { type Draft, writeDrafts } from "./writeDrafts.ts";
import { type CaseRow, listLatestCaseIds, listLiveCases } from "./writes.ts";

/** An answer to follow up, the case it has already, and which of its reasons nobody knew yet. */
export interface Call {
  response: RecordedResponse;
  caseId: string | null;
  /** It belongs to another person than before. */
  isMoved: boolean;
  news: CaseReason[];
}

/** What a clock that these calls start is started by. */
interface Causes {
  open: ClockCause;
  join: ClockCause;
}

/** Brings each answer to the case it belongs to, and each case that this touches to where it belongs. */
export async function followUp(tx: WorkspaceTx, calls: readonly Call[], causes: Causes): Promise<void> {
  if (calls.length === 0) return;
  const personIds = unique(calls.map(({ response }) => response.person?.id));
  const live = await listLiveCases(tx, personIds, unique(calls.map(({ caseId }) => caseId)));
  const earlier = await listLatestCaseIds(tx, personIds);
  const drafts = await draftsOf(tx, live);

  for (const { response, caseId, isMoved, news } of calls.toSorted(byTime)) {
    const personId = response.person?.id ?? null;
    const own = caseId === null ? undefined : drafts.get(caseId);
    // A case that is resolved or closed keeps its answers as they were when it was worked.
    if (caseId !== null && own === undefined) continue;
    if (own !== undefined && !isMoved) {
      if (news.length > 0) own.row = join(tx, own.row, response, causes);
      continue;
    }
    const isAlone = own !== undefined && own.responses.length === 1;
    own?.responses.splice(
      own.responses.findIndex(({ id }) => id === response.id),
      1,
    );
    const target = [...drafts.values()].find(
      ({ row }) => personId !== null && row.personId === personId && row !== own?.row,
    );
    if (target !== undefined) {
      target.row = join(tx, target.row, response, causes);
      target.responses.push(response);
      target.joining.push(response.id);
    } else if (own !== undefined && isAlone) {
      own.row = { ...own.row, personId };
      own.responses.push(response);
    } else if (reasonsToCall(response).length > 0) {
      const row = open(tx, response, earlier.get(personId ?? ""), causes);
      drafts.set(row.id, { row, before: null, responses: [response], joining: [response.id] });
    }
  }
  await writeDrafts(tx, await settle(tx, [...drafts.values()]));
}

async function draftsOf(tx: WorkspaceTx, live: readonly CaseRow[]): Promise<Map<string, Draft>> {
  const belonging = await listResponseIdsOf(
    tx,
    live.map(({ id }) => id),
  );
  const found = await listResponsesById(
    tx,
    belonging.map(({ id }) => id),
  );
  const responses = new Map(found.map((response) => [response.id, response]));
  return new Map(
    live.map((row) => {
      const own = belonging.filter(({ caseId }) => caseId === row.id).flatMap(({ id }) => responses.get(id) ?? []);
      return [row.id, { row, before: row, responses: own, joining: [] }];
    }),
  );
}

/** Reasons, account and rank of each case, by its answers as they are now. Without a reason left, it is closed. */
async function settle(tx: WorkspaceTx, drafts: Draft[]): Promise<Draft[]> {
  const accountIds = drafts.flatMap(({ row, responses }) => [
    row.accountId,
    ...responses.map(({ account }) => account?.id),
  ]);
  const accounts = new Map((await listAccounts(tx, unique(accountIds))).map((account) => [account.id, account]));
  return drafts.map((draft) => {
    const calling = draft.responses.filter((response) => reasonsToCall(response).length > 0);
    if (calling.length === 0) {
      const resolution = "No answer of it is a reason to call any more.";
      return { ...draft, row: { ...draft.row, status: "CLOSED", outcome: "INVALID", resolution } };
    }
    return { ...draft, row: rank(draft.row, calling, accounts) };
  });
}

function rank(row: CaseRow, calling: readonly RecordedResponse[], accounts: ReadonlyMap<string, Account>): CaseRow {
  const accountId = calling.toSorted((a, b) => byText(b.respondedAt, a.respondedAt)).find(({ account }) => account)
    ?.account?.id;
  const account = accounts.get(accountId ?? row.accountId ?? "");
  const facts = calling.map((response) => factsOf(response, account?.annualValue ?? null)).reduce(mergeFacts);
  const terms = baseTermsOf(facts);
  return {
    ...row,
    reasons: CASE_REASONS.filter((reason) => calling.some((response) => reasonsToCall(response).includes(reason))),
    accountId: account?.id ?? null,
    assignee: row.assignee ?? account?.owner ?? null,
    priority: priorityOf(terms),
    priorityTerms: terms,
    queueRank: queueRankOf(terms, row.clock.startedAt),
  };
}

function open(
  tx: WorkspaceTx,
  response: RecordedResponse,
  previousCaseId: string | undefined,
  causes: Causes,
): CaseRow {
  return {
    id: newId(),
    status: "OPEN",
    personId: response.person?.id ?? null,
    previousCaseId: previousCaseId ?? null,
    clock: startClock(1, causes.open, tx.now, response),
    assignee: null,
    outcome: null,
    resolution: null,
    ...UNSETTLED,
  };
}

/** Until `settle` has looked at all the answers. */
const UNSETTLED = {
  reasons: [],
  accountId: null,
  priority: "LOW",
  priorityTerms: [],
  queueRank: 0,
} satisfies Partial<CaseRow>;

function join(tx: WorkspaceTx, row: CaseRow, response: RecordedResponse, causes: Causes): CaseRow {
  const clock = joinClock(row.clock, causes.join, tx.now, response);
  return { ...row, clock, status: clock.n > row.clock.n ? "OPEN" : row.status };
}

function unique(values: readonly (string | null | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => value ?? []))].toSorted();
}

function byTime({ response: a }: Call, { response: b }: Call): number {
  return byText(a.respondedAt, b.respondedAt);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

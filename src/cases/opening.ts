import { type Account, listAccounts } from "../people/index.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import { caseOpened } from "./events.ts";
import { type Clock, joinClock, startClock } from "./firstContact.ts";
import type { CaseReason } from "./model.ts";
import { baseTermsOf, type PriorityTerm, priorityOf, queueRankOf } from "./priority.ts";
import { factsOf, factsOfTerms, mergeFacts } from "./priorityFacts.ts";
import { listCasesById } from "./queries.ts";
import {
  type CaseRow,
  insertCaseResponses,
  insertCases,
  listLatestCaseIds,
  listLiveCases,
  updateJoinedCases,
  upsertClocks,
} from "./writes.ts";

/**
 * Opens a case for every detractor and for everybody who asks to be contacted, in the transaction that
 * records the answers. An answer of somebody whose case is being worked joins it instead; an answer
 * without a person has a case of its own. Excluded answers open none.
 */
export async function openCases(tx: WorkspaceTx, recorded: readonly RecordedResponse[]): Promise<void> {
  const calling = recorded.filter((response) => reasonsOf(response).length > 0 && response.exclusion === null);
  if (calling.length === 0) return;
  const accounts = await accountsOf(tx, calling);
  const byCustomer = Map.groupBy(sortByTime(calling), ({ id, person }) => person?.id ?? id);
  const personIds = [...new Set(calling.flatMap(({ person }) => person?.id ?? []))].toSorted();

  const live = new Map((await listLiveCases(tx, personIds)).map((found) => [found.personId, found]));
  const earlier = await listLatestCaseIds(tx, personIds);
  const drafts = [...byCustomer].map(([customer, responses]): Draft => {
    const found = live.get(customer);
    let row = found;
    for (const response of responses) {
      const account = accounts.get(response.account?.id ?? "");
      row = row === undefined ? open(tx, response, account, earlier.get(customer)) : join(tx, row, response, account);
    }
    if (row === undefined) throw new Error("a customer without answers");
    return { row, isNew: found === undefined, responses };
  });
  await write(tx, drafts);
}

interface Draft {
  row: CaseRow;
  isNew: boolean;
  responses: RecordedResponse[];
}

async function write(tx: WorkspaceTx, drafts: readonly Draft[]): Promise<void> {
  const created = drafts.filter(({ isNew }) => isNew).map(({ row }) => row);
  await insertCases(tx, created);
  await updateJoinedCases(
    tx,
    drafts.filter(({ isNew }) => !isNew).map(({ row }) => row),
  );
  await upsertClocks(
    tx,
    drafts.map(({ row }) => row),
  );
  await insertCaseResponses(
    tx,
    drafts.flatMap(({ row, responses }) => responses.map(({ id }) => ({ caseId: row.id, responseId: id }))),
  );
  const opened = await listCasesById(
    tx,
    created.map(({ id }) => id),
  );
  await recordEvents(tx, opened.map(caseOpened));
  await recordAudit(
    tx,
    drafts.map(({ row: { id, status, priority, clock, reasons }, isNew }) => ({
      action: isNew ? "case.opened" : "case.joined",
      subjectType: "case",
      subjectId: id,
      after: { status, priority, reasons, firstContactDueAt: clock.dueAt },
    })),
  );
}

function open(
  tx: WorkspaceTx,
  response: RecordedResponse,
  account: Account | undefined,
  previousCaseId: string | undefined,
): CaseRow {
  const clock = startClock(1, "OPENED", tx.now, response);
  const terms = baseTermsOf(factsOf(response, account?.annualValue ?? null));
  return {
    id: newId(),
    status: "OPEN",
    reasons: reasonsOf(response),
    personId: response.person?.id ?? null,
    accountId: account?.id ?? null,
    assignee: account?.owner ?? null,
    previousCaseId: previousCaseId ?? null,
    clock,
    ...ranked(terms, clock),
  };
}

function join(tx: WorkspaceTx, row: CaseRow, response: RecordedResponse, account: Account | undefined): CaseRow {
  const clock = joinClock(row.clock, tx.now, response);
  const annualValue = account?.annualValue ?? null;
  const facts = mergeFacts(factsOfTerms(row.priorityTerms), factsOf(response, annualValue));
  return {
    ...row,
    status: clock.n > row.clock.n ? "OPEN" : row.status,
    reasons: [...new Set([...row.reasons, ...reasonsOf(response)])],
    accountId: row.accountId ?? account?.id ?? null,
    clock,
    ...ranked(baseTermsOf({ ...facts, annualValue }), clock),
  };
}

function ranked(terms: PriorityTerm[], clock: Clock): Pick<CaseRow, "priority" | "priorityTerms" | "queueRank"> {
  return { priority: priorityOf(terms), priorityTerms: terms, queueRank: queueRankOf(terms, clock.startedAt) };
}

function reasonsOf({ category, dangerZone, followUpRequested }: RecordedResponse): CaseReason[] {
  return [
    ...(category === "DETRACTOR" ? (["DETRACTOR"] as const) : []),
    ...(dangerZone ? (["DANGER_ZONE"] as const) : []),
    ...(followUpRequested ? (["FOLLOW_UP_REQUESTED"] as const) : []),
  ];
}

async function accountsOf(tx: WorkspaceTx, responses: readonly RecordedResponse[]): Promise<Map<string, Account>> {
  const ids = [...new Set(responses.flatMap(({ account }) => account?.id ?? []))];
  return new Map((await listAccounts(tx, ids)).map((account) => [account.id, account]));
}

function sortByTime(responses: readonly RecordedResponse[]): RecordedResponse[] {
  return responses.toSorted((a, b) => (a.respondedAt < b.respondedAt ? -1 : 1));
}

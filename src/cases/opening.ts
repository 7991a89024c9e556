import { type Account, listAccounts } from "../people/index.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { listResponsesById, type RecordedResponse, type ResponseChange } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import { caseOpened } from "./events.ts";
import { joinClock, startClock } from "./firstContact.ts";
import type { CaseReason } from "./model.ts";
import { baseTermsOf, priorityOf, queueRankOf } from "./priority.ts";
import { factsOf, mergeFacts } from "./priorityFacts.ts";
import { caseIdsOf, listCasesById, listResponseIdsOf } from "./queries.ts";
import {
  type CaseRow,
  insertCaseResponses,
  insertCases,
  listLatestCaseIds,
  listLiveCases,
  updateCases,
  upsertClocks,
} from "./writes.ts";

/**
 * Opens a case for every detractor and for everybody who asks to be contacted, in the transaction that
 * records the answers. An answer of somebody whose case is being worked joins it instead; an answer
 * without a person has a case of its own. Excluded answers, and history, open none.
 */
export async function openCases(tx: WorkspaceTx, recorded: readonly RecordedResponse[]): Promise<void> {
  const calling = recorded.filter((response) => reasonsToCall(response).length > 0);
  await followUp(
    tx,
    calling.map((response) => ({ response, caseId: null, news: reasonsToCall(response) })),
    { open: "OPENED", join: "NEW_RESPONSE" },
  );
}

/**
 * The same rules for answers that were changed: what has become a reason to call opens a case or joins
 * one, never a second; a case that is being worked is ranked anew.
 */
export async function reviewCases(tx: WorkspaceTx, changes: readonly ResponseChange[]): Promise<void> {
  const caseIds = await caseIdsOf(
    tx,
    changes.map(({ after }) => after.id),
  );
  const reviewed = changes.flatMap(({ before, after }) => {
    const [old, reasons] = [reasonsToCall(before), reasonsToCall(after)];
    const caseId = caseIds.get(after.id) ?? null;
    const news = caseId === null ? reasons : reasons.filter((reason) => !old.includes(reason));
    return reasons.length > 0 ? [{ response: after, caseId, news }] : [];
  });
  await followUp(tx, reviewed, { open: "RESPONSE_CHANGED", join: "RESPONSE_CHANGED" });
}

/** An answer to follow up, the case it has already, and which of its reasons nobody knew yet. */
interface Call {
  response: RecordedResponse;
  caseId: string | null;
  news: CaseReason[];
}

interface Causes {
  open: "OPENED" | "RESPONSE_CHANGED";
  join: "NEW_RESPONSE" | "RESPONSE_CHANGED";
}

interface Draft {
  row: CaseRow;
  isNew: boolean;
  joining: RecordedResponse[];
}

async function followUp(tx: WorkspaceTx, calls: readonly Call[], causes: Causes): Promise<void> {
  if (calls.length === 0) return;
  const personIds = [...new Set(calls.flatMap(({ response }) => response.person?.id ?? []))].toSorted();
  const live = await listLiveCases(tx, personIds, [...new Set(calls.flatMap(({ caseId }) => caseId ?? []))].toSorted());
  const earlier = await listLatestCaseIds(tx, personIds);
  const accounts = await accountsOf(tx, calls, live);
  const drafts = new Map<string, Draft>(live.map((row) => [row.id, { row, isNew: false, joining: [] }]));

  for (const { response, caseId, news } of calls.toSorted(byTime)) {
    const personId = response.person?.id ?? null;
    const ofPerson = () => [...drafts.values()].find(({ row }) => personId !== null && row.personId === personId);
    const draft = caseId === null ? ofPerson() : drafts.get(caseId);
    if (draft !== undefined) {
      if (news.length > 0) draft.row = join(tx, draft.row, response, causes);
      // Who answered became known later: unless they have a case of their own, this one is theirs.
      if (draft.row.personId === null && ofPerson() === undefined) draft.row = { ...draft.row, personId };
      if (caseId === null) draft.joining.push(response);
    } else if (caseId === null) {
      const account = accounts.get(response.account?.id ?? "");
      const row = open(tx, response, account, earlier.get(personId ?? ""), causes);
      drafts.set(row.id, { row, isNew: true, joining: [response] });
    }
  }
  const ranked = await rank(tx, [...drafts.values()], accounts);
  const before = new Map(live.map((row) => [row.id, JSON.stringify(row)]));
  await write(
    tx,
    ranked.filter(({ row, joining }) => joining.length > 0 || before.get(row.id) !== JSON.stringify(row)),
  );
}

/** Ranks each case by all of its answers as they are now. */
async function rank(tx: WorkspaceTx, drafts: Draft[], accounts: ReadonlyMap<string, Account>): Promise<Draft[]> {
  const belonging = await listResponseIdsOf(
    tx,
    drafts.filter(({ isNew }) => !isNew).map(({ row }) => row.id),
  );
  const before = new Map(
    (
      await listResponsesById(
        tx,
        belonging.map(({ id }) => id),
      )
    ).map((found) => [found.id, found]),
  );
  return drafts.map((draft) => {
    const ids = belonging.filter(({ caseId }) => caseId === draft.row.id).flatMap(({ id }) => before.get(id) ?? []);
    const annualValue = accounts.get(draft.row.accountId ?? "")?.annualValue ?? null;
    const facts = [...ids, ...draft.joining].map((response) => factsOf(response, annualValue)).reduce(mergeFacts);
    const terms = baseTermsOf(facts);
    const queueRank = queueRankOf(terms, draft.row.clock.startedAt);
    return { ...draft, row: { ...draft.row, priority: priorityOf(terms), priorityTerms: terms, queueRank } };
  });
}

async function write(tx: WorkspaceTx, drafts: readonly Draft[]): Promise<void> {
  if (drafts.length === 0) return;
  const created = drafts.filter(({ isNew }) => isNew).map(({ row }) => row);
  await insertCases(tx, created);
  await updateCases(
    tx,
    drafts.filter(({ isNew }) => !isNew).map(({ row }) => row),
  );
  await upsertClocks(
    tx,
    drafts.map(({ row }) => row),
  );
  await insertCaseResponses(
    tx,
    drafts.flatMap(({ row, joining }) => joining.map(({ id }) => ({ caseId: row.id, responseId: id }))),
  );
  const opened = await listCasesById(
    tx,
    created.map(({ id }) => id),
  );
  await recordEvents(tx, opened.map(caseOpened));
  await recordAudit(
    tx,
    drafts.map(({ row: { id, status, priority, clock, reasons }, isNew }) => ({
      action: isNew ? "case.opened" : "case.updated",
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
  causes: Causes,
): CaseRow {
  return {
    id: newId(),
    status: "OPEN",
    reasons: reasonsToCall(response),
    personId: response.person?.id ?? null,
    accountId: account?.id ?? null,
    assignee: account?.owner ?? null,
    previousCaseId: previousCaseId ?? null,
    clock: startClock(1, causes.open, tx.now, response),
    ...UNRANKED,
  };
}

/** Until `rank` has looked at all the answers. */
const UNRANKED = { priority: "LOW", priorityTerms: [], queueRank: 0 } satisfies Partial<CaseRow>;

function join(tx: WorkspaceTx, row: CaseRow, response: RecordedResponse, causes: Causes): CaseRow {
  const clock = joinClock(row.clock, causes.join, tx.now, response);
  return {
    ...row,
    status: clock.n > row.clock.n ? "OPEN" : row.status,
    reasons: [...new Set([...row.reasons, ...reasonsToCall(response)])],
    accountId: row.accountId ?? response.account?.id ?? null,
    clock,
  };
}

function reasonsToCall(response: RecordedResponse): CaseReason[] {
  if (response.exclusion !== null || response.followUp === "NONE") return [];
  return [
    ...(response.category === "DETRACTOR" ? (["DETRACTOR"] as const) : []),
    ...(response.dangerZone ? (["DANGER_ZONE"] as const) : []),
    ...(response.followUpRequested ? (["FOLLOW_UP_REQUESTED"] as const) : []),
  ];
}

async function accountsOf(
  tx: WorkspaceTx,
  calls: readonly Call[],
  live: readonly CaseRow[],
): Promise<Map<string, Account>> {
  const ofCalls = calls.flatMap(({ response }) => response.account?.id ?? []);
  const ids = new Set([...ofCalls, ...live.flatMap(({ accountId }) => accountId ?? [])]);
  return new Map((await listAccounts(tx, [...ids])).map((account) => [account.id, account]));
}

function byTime({ response: a }: Call, { response: b }: Call): number {
  return a.respondedAt < b.respondedAt ? -1 : 1;
}

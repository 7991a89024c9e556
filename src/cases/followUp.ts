import { ContendedError } from "../platform/database.ts";
import { distinct } from "../platform/sql.ts";
import { type Statement, statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { listResponsesOf } from "../responses/index.ts";
import { isLive } from "./lifecycle.ts";
import type { CaseReason } from "./model.ts";
import {
  type Call,
  type Causes,
  changeAnswer,
  handOver,
  joinCase,
  leaveCase,
  openCase,
  reopenCase,
} from "./placing.ts";
import { loadPolicies, type Policies } from "./policyStore.ts";
import { responseIdsOf } from "./queries.ts";
import { reasonsToCall } from "./reasons.ts";
import { isClosedByRule, type Open, settle } from "./settling.ts";
import { draftOf, type Known, NOTHING_KNOWN, putDrafts } from "./writeDrafts.ts";
import { idsOf, idsOfLive, type LockedRow, listClocks, listLatestCaseIds, lockRows, withClocks } from "./writes.ts";

/** What must be known to follow answers up. */
export interface Found {
  /** The cases that they may touch, locked, with their answers. */
  touched: Open[];
  /** The latest case of everybody who was looked for; null of who has none. */
  earlier: ReadonlyMap<string, string | null>;
  policies: Policies;
}

/**
 * Finds it out in one round trip, and locks those cases until the transaction ends.
 * @param people finds the ids of the people whom the answers are about, or may be
 */
export async function findCases(tx: WorkspaceTx, people: Statement, caseIds: readonly string[]): Promise<Found> {
  const wanted = statement`${idsOfLive(tx, people)} union all ${idsOf(caseIds)}`;
  const [touched, earlier, policies] = await together([
    lockWithAnswers(tx, wanted, ({ id, status }) => caseIds.includes(id) || isLive(status)),
    listLatestCaseIds(tx, people),
    loadPolicies(tx, wanted),
  ]);
  return { touched, earlier, policies };
}

/**
 * Brings each answer to the case it belongs to, and each case that this touches to where it belongs.
 * Writes with the next flush.
 * @param found what `findCases` found for these calls
 * @param known people and accounts as they are now, as far as the caller knows them
 * @param events whether others are told
 * @returns the cases that were opened or touched, with their answers
 */
export async function followUp(
  tx: WorkspaceTx,
  calls: readonly Call[],
  causes: Causes,
  { touched, earlier, policies }: Found,
  { known = NOTHING_KNOWN, events = true }: { known?: Known; events?: boolean } = {},
): Promise<Open[]> {
  if (calls.length === 0) return [];
  const own = new Set(
    calls.flatMap(({ response, before, caseId }) => [response.person?.id ?? null, before?.person?.id ?? null, caseId]),
  );
  own.delete(null);
  const drafts = new Map(
    touched.filter(({ row }) => own.has(row.id) || own.has(row.personId)).map((draft) => [draft.row.id, draft]),
  );
  for (const call of calls.toSorted(byTime)) place({ tx, call, drafts, earlier, policies, causes });
  const settled = await settle(tx, [...drafts.values()], known);
  await putDrafts(tx, events ? settled : settled.map((draft) => ({ ...draft, events: [] })), known);
  return settled;
}

/** The people and cases of these answers, as `findCases` wants them; also of whom they were about before. */
export async function findCasesOf(tx: WorkspaceTx, calls: readonly Call[]): Promise<Found> {
  const people = idsOf(distinct(calls.flatMap(({ response, before }) => [response.person?.id, before?.person?.id])));
  return findCases(tx, people, distinct(calls.map(({ caseId }) => caseId)));
}

interface Placing extends Omit<Found, "touched"> {
  tx: WorkspaceTx;
  call: Call;
  drafts: Map<string, Open>;
  causes: Causes;
}

/** Finds the case of one answer: its own, the one of its person, or a new one. */
function place({ tx, call, drafts, earlier, policies, causes }: Placing): void {
  const { response, caseId, before } = call;
  const personId = response.person?.id ?? null;
  const own = caseId === null ? undefined : drafts.get(caseId);
  const isWorked = own !== undefined && isLive(own.row.status);
  const isMoved = own !== undefined && own.row.personId !== personId;
  const news = newsOf(call, own);
  if (own !== undefined && isWorked && !isMoved) {
    own.touchedBy = response.id;
    const isTakenOut = before?.exclusion === null && response.exclusion !== null;
    if (isTakenOut) own.isEmptied = own.responses.every(({ exclusion }) => exclusion !== null);
    if (news.length > 0) joinCase(tx, own, call, policies, causes);
    else if (isOtherwise(call)) changeAnswer(own, response);
    return;
  }
  // A case that has ended goes on as it is, unless its answers say something new. Whose it was may become known later.
  if (own !== undefined && !isWorked && news.length === 0) {
    if (isAnothers(own, personId)) return leaveCase(own, response);
    const isKnownNow = own.row.personId === null && personId !== null;
    if (isKnownNow) handOver(own, personId, own.row.previousCaseId);
    if (isKnownNow || isOtherwise(call)) changeAnswer(own, response);
    return;
  }
  // What is worked already goes on being a reason, also where this change is history.
  const judged = isWorked && before !== undefined ? { ...response, followUp: before.followUp } : response;
  const isCalling = reasonsToCall(judged).length > 0 || call.note !== undefined;
  // Somebody wants it to be worked, whatever it says. Of several answers it is not known which they meant.
  const isMeant = isWorked && own.responses.length === 1 && own.row.reasons.includes("MANUAL");
  const isWanted = response.exclusion === null && (isMeant || news.includes("MANUAL"));
  const wish: Call = isWanted ? { ...call, note: null } : call;
  // It only bears on the case of its person, which is ranked anew.
  if (own === undefined && !isCalling) return;

  const target = [...drafts.values()].find(
    ({ row }) => personId !== null && row.personId === personId && row !== own?.row && isLive(row.status),
  );
  const previousCaseId = earlier.get(personId ?? "") ?? null;
  if (target !== undefined) {
    if (own !== undefined) leaveCase(own, response);
    if (!isCalling && !isWanted) return;
    joinCase(tx, target, wish, policies, causes);
    target.responses.push(response);
    target.joining.push(response.id);
  } else if (own !== undefined && !isWorked && (!isMoved || own.row.personId === null)) {
    handOver(own, personId, own.row.previousCaseId);
    reopenCase(tx, own, call, policies, causes);
  } else if (own !== undefined && isWorked && own.responses.length === 1 && canGoAlong(own)) {
    handOver(own, personId, previousCaseId);
    own.isEmptied = response.exclusion !== null;
    if (news.length > 0) joinCase(tx, own, call, policies, causes);
    else changeAnswer(own, response);
  } else {
    if (own !== undefined) leaveCase(own, response);
    if (!isCalling && !isWanted) return;
    const draft = openCase(tx, wish, previousCaseId, policies, causes);
    drafts.set(draft.row.id, draft);
  }
}

/** Why to call that whoever works, or has ended, the case of the answer did not know. */
function newsOf({ response, before }: Call, own: Open | undefined): CaseReason[] {
  const reasons = reasonsToCall(response);
  if (own === undefined || before === undefined) return reasons;
  const { row } = own;
  const isPutBack = before.exclusion !== null && response.exclusion === null;
  // We have ended it for want of what is there again.
  const isWanted = isPutBack && isClosedByRule(row) && row.reasons.includes("MANUAL");
  const all = [...reasons, ...(isWanted ? (["MANUAL"] as const) : [])];
  // Of another person's case nothing is known to who is to be called now.
  if (!isLive(row.status) && isAnothers(own, response.person?.id ?? null)) return all;
  // What people work, or have ended, they know.
  const known = !isPutBack ? reasonsToCall(before) : isClosedByRule(row) ? [] : row.reasons;
  return all.filter((reason) => !known.includes(reason));
}

/** Whether the case is somebody's, and not this person's. */
function isAnothers({ row }: Open, personId: string | null): boolean {
  return row.personId !== null && personId !== null && row.personId !== personId;
}

/** What whoever works a case goes by. */
const SHOWN = ["score", "comment", "followUpRequested", "respondedAt"] as const;

function isOtherwise({ response, before }: Call): boolean {
  return before !== undefined && SHOWN.some((name) => before[name] !== response[name]);
}

/** It is nobody's, or nobody has reached whose it is: what was done so far can be about another. */
function canGoAlong({ row }: Open): boolean {
  return row.personId === null || (row.status === "OPEN" && row.clocks.every(({ metAt }) => metAt === null));
}

/**
 * The cases of these ids that are still wanted now that they are locked, with their answers.
 * @throws {ContendedError} where the statement finds others with each look
 */
export async function lockWithAnswers(
  tx: WorkspaceTx,
  wanted: Statement,
  isWanted: (row: LockedRow) => boolean,
): Promise<Open[]> {
  // They travel at once. What follows the lock sees what whoever held it has made of them.
  const [locked, clocks, responses] = await together([
    lockRows(tx, wanted),
    listClocks(tx, wanted),
    listResponsesOf(tx, responseIdsOf(tx, wanted)),
  ]);
  const byId = new Map(responses.map((response) => [response.id, response]));
  const answersOf = new Map(clocks.map(({ caseId, responseIds }) => [caseId, responseIds]));
  return withClocks(locked.filter(isWanted), clocks).map((row) => {
    const own = answersOf.get(row.id)?.map((id) => byId.get(id));
    if (own?.every((response) => response !== undefined) !== true)
      throw new ContendedError("a case has become another's");
    return { ...draftOf(row, {}), responses: own };
  });
}

/** In the order of the answers' times. */
function byTime({ response: { respondedAt: a } }: Call, { response: { respondedAt: b } }: Call): number {
  return a < b ? -1 : Number(a > b);
}

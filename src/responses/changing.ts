import { findRespondents, PROPERTIES_MAX, type Respondent, recordRespondents } from "../people/index.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { toInstant } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { findSurveys, recordSurveys } from "../surveys/index.ts";
import { findContradictions } from "./contradictions.ts";
import { responseExcluded, responseUpdated } from "./events.ts";
import { recordExclusions } from "./exclusionLedger.ts";
import type { RecordedResponse, Response, ResponsePatch, ResponseUpsert } from "./model.ts";
import { listResponsesById } from "./queries.ts";
import { commentOf, exclusionFor, recordResponses } from "./service.ts";
import {
  LIVE,
  type RecordInput,
  type RecordingOptions,
  type RecordingSteps,
  type RecordResult,
  withCases,
} from "./steps.ts";
import { listStoredAnswers } from "./storedAnswers.ts";
import type { ResponseRow } from "./table.ts";
import { lockResponses, updateResponses } from "./writes.ts";

/** What may be changed of a response: everything but where it comes from. */
type Change = ResponsePatch &
  Partial<Omit<ResponseUpsert, "source" | "externalId" | "properties">> &
  Pick<RecordInput, "exclusion">;

/**
 * Changes one response: what is given is set, null clears, what is absent stays; the rules are evaluated
 * again. A change that changes nothing writes nothing and tells nobody.
 * @returns undefined where there is no response with this id
 * @throws {AppError} `invalid_request`; `conflict` where its person was erased
 */
export async function changeResponse(
  tx: WorkspaceTx,
  id: string,
  change: Change,
  steps: RecordingSteps,
  options: RecordingOptions = LIVE,
): Promise<Response | undefined> {
  const invalid = findContradictions(change, tx.now);
  if (invalid.length > 0) throw invalidRequest(invalid);
  const found = await lockResponse(tx, id);
  if (found === undefined) return undefined;
  if (found.row.erasedAt !== null)
    throw new AppError("conflict", "The response was erased with its person: it stays as it is.");

  const { changed, changedAccountIds } = await applyChange(tx, found.row, change);
  // Before it is told what its case has become.
  for (const step of steps.onAccountsChanged) await step(tx, changedAccountIds);
  return writeChange(tx, { ...found, changed }, steps, options);
}

/** A response as it is stored, and as it is read. */
interface Locked {
  row: ResponseRow;
  before: RecordedResponse;
}

/** The response, locked until the transaction ends; undefined where there is none with this id. */
export async function lockResponse(tx: WorkspaceTx, id: string): Promise<Locked | undefined> {
  const [row] = await lockResponses(tx, [id]);
  const [before] = await listResponsesById(tx, [id]);
  return row === undefined || before === undefined ? undefined : { row, before };
}

/** Writes a changed response, with what comes of the change; where nothing did, nothing. */
export async function writeChange(
  tx: WorkspaceTx,
  { row, before, changed }: Locked & { changed: ResponseRow },
  steps: RecordingSteps,
  options: RecordingOptions = LIVE,
) {
  if (isSame({ ...row, sourceUpdatedAt: changed.sourceUpdatedAt }, changed)) {
    if (!isSame(row, changed)) await updateResponses(tx, [changed]);
    // Whom it is about may have another name now, or its case another priority.
    return (await withCases(tx, await listResponsesById(tx, [row.id]), steps))[0];
  }
  const written = { ...changed, version: row.version + 1, updatedAt: tx.now };
  await updateResponses(tx, [written]);
  await recordExclusions(tx, [{ before: row, after: written }]);

  const [after] = await listResponsesById(tx, [row.id]);
  if (after === undefined) throw new Error("a changed response was not found again");
  // History opens no case by this change; what is changed later may.
  const seen = options.followUp === "NONE" ? { ...after, followUp: options.followUp } : after;
  for (const step of steps.onChanged) await step(tx, [{ before, after: seen }], options);
  const [response] = await withCases(tx, [after], steps);
  if (response === undefined) throw new Error("a changed response was not found again");
  if (!options.events) return response;
  const isOtherwise = !isSame({ ...row, ...exclusionOf(changed) }, changed);
  const isMoved = !isSame(row, { ...row, ...exclusionOf(changed) });
  await recordEvents(tx, [
    ...(isOtherwise ? [responseUpdated(response, before, written.version)] : []),
    ...(isMoved ? [responseExcluded(response, before, written.version)] : []),
  ]);
  return response;
}

/** What a row says of its exclusion. */
function exclusionOf({ exclusionReason, exclusionNote, excludedAt, excludedBy }: ResponseRow) {
  return { exclusionReason, exclusionNote, excludedAt, excludedBy };
}

/**
 * Records the answer, or changes the one stored under its (source, externalId): the same again, in any
 * number, ends in the same. What is older than what we have changes nothing.
 */
export async function putResponse(
  tx: WorkspaceTx,
  input: ResponseUpsert & Pick<RecordInput, "exclusion">,
  steps: RecordingSteps,
  options: RecordingOptions = LIVE,
): Promise<RecordResult> {
  const [stored] = await listStoredAnswers(tx, [input]);
  if (stored === undefined) {
    const [result] = await recordResponses(tx, [input], steps, options);
    if (result === undefined) throw new Error("recording gave no result");
    const wasQuicker = result.status === "rejected" && result.error.code === "conflict";
    // Somebody stored it between the two looks; now it is there to be changed.
    return wasQuicker ? putResponse(tx, input, steps, options) : result;
  }
  // Of two updates at the same moment, the second must see the first.
  const [row] = await lockResponses(tx, [stored.id]);
  if (row === undefined) throw new Error("a stored response was not found again");
  if (row.erasedAt !== null) return existing(tx, stored.id, steps);
  const { source: _source, externalId: _externalId, ...change } = input;
  const isOutdated =
    input.updatedAt !== undefined && row.sourceUpdatedAt !== null && toInstant(input.updatedAt) < row.sourceUpdatedAt;
  const invalid = isOutdated ? findContradictions(change, tx.now) : [];
  if (invalid.length > 0) throw invalidRequest(invalid);
  const response = await changeResponse(tx, stored.id, isOutdated ? {} : change, steps, options);
  if (response === undefined) throw new Error("a stored response was not found again");
  return { status: "existing", response };
}

/** An erased answer, which nothing changes. */
async function existing(tx: WorkspaceTx, id: string, steps: RecordingSteps): Promise<RecordResult> {
  const [response] = await withCases(tx, await listResponsesById(tx, [id]), steps);
  if (response === undefined) throw new Error("a stored response was not found again");
  return { status: "existing", response };
}

async function applyChange(tx: WorkspaceTx, row: ResponseRow, change: Change) {
  const surveys = change.survey?.key === undefined ? [] : [change.survey];
  const [known, stored] = await together([findRespondents(tx, [change]), findSurveys(tx, surveys)]);
  const { respondents, changedAccountIds } = await recordRespondents(tx, [change], known, "WAITING");
  const respondent = change.person || change.account ? respondents[0] : undefined;
  const [survey] = recordSurveys(tx, surveys, stored);
  await tx.flush();
  const { score, comment, touchpoint, language, channel, followUpRequested, incentivised, respondedAt, updatedAt } =
    change;
  const owner = respondentOf(row, change, respondent);
  const changed: ResponseRow = {
    ...row,
    surveyKey: survey?.key ?? row.surveyKey,
    ...owner,
    ...reachedOf(row, owner.personId),
    score: score ?? row.score,
    comment: comment === undefined ? row.comment : commentOf(comment),
    followUpRequested: followUpRequested ?? row.followUpRequested,
    channel: channel === undefined ? row.channel : channel,
    touchpoint: touchpoint === undefined ? row.touchpoint : touchpoint,
    language: language === undefined ? row.language : language,
    incentivised: incentivised ?? row.incentivised,
    properties: mergeProperties(row.properties, change.properties),
    respondedAt: respondedAt === undefined ? row.respondedAt : new Date(respondedAt),
    sourceUpdatedAt: updatedAt === undefined ? row.sourceUpdatedAt : toInstant(updatedAt),
    ...testExclusionOf(tx, row, change.test),
    ...sourceExclusionOf(tx, row, change.exclusion),
  };
  return { changed, changedAccountIds };
}

/**
 * Whoever it belongs to now. Account and segment stay as they were when it was answered, unless the
 * change names another account, or another person.
 */
function respondentOf(row: ResponseRow, { person, account }: Change, respondent: Respondent | undefined) {
  const personId = person === null ? null : (respondent?.person?.id ?? row.personId);
  // Beside the same person it says nothing: the account stays as it was when it was answered.
  const isCleared = account === null && (!person || (personId !== row.personId && !respondent?.account));
  if (isCleared) return { personId, accountId: null, segment: null };
  const isNamed = Boolean(account ?? person?.account) || personId !== row.personId;
  const found = isNamed ? (respondent?.account ?? null) : null;
  if (found === null || found.id === row.accountId) return { personId };
  return { personId, accountId: found.id, segment: found.segment };
}

/** Whoever was thanked and called was somebody else. Who only becomes known was the one. */
function reachedOf(row: ResponseRow, personId: string | null) {
  const isAnother = row.personId !== null && personId !== row.personId;
  return isAnother ? { acknowledgedAt: null, reachedAt: null } : {};
}

function mergeProperties(
  kept: ResponseRow["properties"],
  given: ResponsePatch["properties"],
): ResponseRow["properties"] {
  const merged = Object.entries({ ...kept, ...given }).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== null,
  );
  if (merged.length > PROPERTIES_MAX) {
    throw invalidRequest([{ name: "properties", reason: `must not be more than ${PROPERTIES_MAX} with those kept` }]);
  }
  return Object.fromEntries(merged);
}

/** Whether it is a test, as its sender says; what a person has decided stays until a person decides otherwise. */
function testExclusionOf(tx: WorkspaceTx, row: ResponseRow, test: boolean | undefined) {
  const isTest = row.exclusionReason === "TEST";
  if (test === false && row.excludedBy?.startsWith("user:") === true && tx.actor.kind !== "user") return {};
  if (test === undefined || test === isTest || (test && row.exclusionReason !== null)) return {};
  return exclusionFor(tx, test ? "TEST" : null);
}

/** What its source says of counting it; a source puts back in only what it took out itself. */
function sourceExclusionOf(tx: WorkspaceTx, row: ResponseRow, exclusion: Change["exclusion"]) {
  if (exclusion === undefined) return {};
  if (exclusion !== null) return row.exclusionReason === null ? exclusionFor(tx, exclusion.reason, exclusion.note) : {};
  const isOurs = row.excludedBy === `${tx.actor.kind}:${tx.actor.id}` && row.exclusionReason !== "TEST";
  return isOurs ? exclusionFor(tx, null) : {};
}

function isSame(a: ResponseRow, b: ResponseRow): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

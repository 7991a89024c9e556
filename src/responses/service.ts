import { type AccountFacts, type AccountSteps, type PersonFacts, recordRespondents } from "../people/index.ts";
import { ContendedError } from "../platform/database.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import { hashJson } from "../platform/json.ts";
import { toInstant } from "../platform/schema.ts";
import { together, type WorkspaceTx } from "../platform/tenancy.ts";
import { recordSurveys } from "../surveys/index.ts";
import { findContradictions } from "./contradictions.ts";
import { responseRecorded } from "./events.ts";
import { recordExclusions } from "./exclusionLedger.ts";
import {
  type CaseSummary,
  DEFAULT_SOURCE,
  type ExclusionInput,
  type ExclusionReason,
  type FollowUp,
  type RecordedResponse,
  type Response,
  type ResponseChange,
  type ResponseInput,
} from "./model.ts";
import {
  listPreviousScores,
  listResponsesById,
  listStoredAnswers,
  type ResponseParts,
  type StoredAnswer,
  toPrevious,
  toResponse,
} from "./queries.ts";
import type { ResponseRow } from "./table.ts";
import { insertResponses } from "./writes.ts";

/**
 * What later slices add to recording, given by the composition root so that this slice knows none of
 * them: steps that run in the same transaction, and how a response finds its case.
 */
export interface RecordingSteps extends AccountSteps {
  onRecorded: RecordingStep[];
  /** In this order. */
  onChanged: ((tx: WorkspaceTx, changes: readonly ResponseChange[]) => Promise<void>)[];
  /** The case of each of these responses that has one, by response id. */
  caseSummaryOf: (tx: WorkspaceTx, responseIds: readonly string[]) => Promise<Map<string, CaseSummary>>;
}

/** A response that is being recorded, with what is known today of those it is about. */
export interface NewResponse {
  response: RecordedResponse;
  person: PersonFacts | null;
  account: AccountFacts | null;
}

/**
 * What happens with every recorded answer. It looks at what it needs, at once with all other steps and with the
 * insert, so that all of it is one round trip; what people said before is not known then. What it returns
 * does its part, for those that were recorded, and tells the cases it has found for them, by response id.
 */
export type RecordingStep = (tx: WorkspaceTx, coming: readonly NewResponse[]) => Promise<FinishStep>;
type FinishStep = (recorded: readonly NewResponse[]) => Promise<ReadonlyMap<string, CaseSummary> | undefined>;

/** How answers are recorded: history may open no case, and tell nobody. */
export interface RecordingOptions {
  followUp: FollowUp;
  events: boolean;
}

export const LIVE: RecordingOptions = { followUp: "OPEN", events: true };

/**
 * What became of one input. `existing` is the same answer sent again, `rejected` touched nothing:
 * `invalid_request` for fields that contradict each other, `conflict` with `existingId` for another
 * answer under the same (source, externalId).
 */
export type RecordResult =
  | { status: "created" | "existing"; response: Response }
  | { status: "rejected"; error: AppError };

/**
 * An answer to record, with the time it last changed where it comes from, and why it is not counted there:
 * null where it is counted.
 */
export type RecordInput = ResponseInput & { updatedAt?: string; exclusion?: ExclusionInput | null };

/**
 * Records survey answers, with everything that comes of them: people, accounts and surveys made on the
 * way, follow-up cases opened, events written. Any number of answers is the same few statements; a
 * single answer is a list of one. One result per input, in order; a rejected input costs no other.
 */
export async function recordResponses(
  tx: WorkspaceTx,
  inputs: readonly RecordInput[],
  steps: RecordingSteps,
  options: RecordingOptions = LIVE,
): Promise<RecordResult[]> {
  const sorted = await sortOut(tx, inputs.map(toAnswer));
  const { outcomes, recorded, finish, changedAccountIds } = await insertAnswers(tx, sorted, steps, options);
  const told = await together(finish.map((part) => part(recorded)));
  if (changedAccountIds.length > 0) await tx.flush();
  for (const step of steps.onAccountsChanged) await step(tx, changedAccountIds);

  const own = recorded.map(({ response }) => response);
  // A case of an account that weighs otherwise now has another priority than it was opened with.
  const cases = changedAccountIds.length === 0 ? new Map(told.flatMap((found) => [...(found ?? [])])) : undefined;
  const created = cases === undefined ? await withCases(tx, own, steps) : own.map((response) => show(response, cases));
  const repeated = outcomes.flatMap((outcome) => (outcome.kind === "known" ? outcome.id : []));
  const known = await withCases(tx, await listResponsesById(tx, repeated), steps);
  const responses = new Map([...created, ...known].map((response) => [response.id, response]));
  if (options.events) await recordEvents(tx, created.map(responseRecorded));

  return outcomes.map((outcome) => {
    if (outcome.kind === "rejected") return { status: "rejected", error: outcome.error };
    const response = responses.get(outcome.kind === "new" ? outcome.answer.id : outcome.id);
    if (response === undefined) throw new Error("a recorded response was not found again");
    return { status: outcome.kind === "new" ? "created" : "existing", response };
  });
}

/** The responses as callers see them, with the case that belongs to each. */
export async function withCases(
  tx: WorkspaceTx,
  recorded: readonly RecordedResponse[],
  { caseSummaryOf }: Pick<RecordingSteps, "caseSummaryOf">,
): Promise<Response[]> {
  const ids = recorded.map(({ id }) => id);
  const cases = ids.length === 0 ? new Map<string, CaseSummary>() : await caseSummaryOf(tx, ids);
  return recorded.map((response) => show(response, cases));
}

function show({ followUp: _followUp, ...response }: RecordedResponse, cases: Map<string, CaseSummary>): Response {
  return { ...response, case: cases.get(response.id) ?? null };
}

interface Answer {
  id: string;
  input: RecordInput;
  source: string;
  externalId: string | null;
  /** Of what can be sent again. */
  bodySha256: Buffer | null;
}

type Outcome = { kind: "new"; answer: Answer } | { kind: "known"; id: string } | { kind: "rejected"; error: AppError };

function toAnswer(input: RecordInput): Answer {
  const { updatedAt: _updatedAt, exclusion: _exclusion, ...body } = input;
  const { source = DEFAULT_SOURCE, externalId = null } = body;
  return { id: newId(), input, source, externalId, bodySha256: externalId === null ? null : hashJson(body) };
}

/** Tells the new answers from those that were sent before, here or in an earlier request. */
async function sortOut(tx: WorkspaceTx, answers: readonly Answer[]): Promise<Outcome[]> {
  const stored = await listStoredAnswers(tx, answers.filter(isIdentified));
  const known = new Map<string, Pick<StoredAnswer, "id" | "bodySha256">>(
    stored.map((answer) => [keyOf(answer), answer]),
  );
  return answers.map((answer): Outcome => {
    const invalid = findContradictions(answer.input, tx.now);
    if (invalid.length > 0) return { kind: "rejected", error: invalidRequest(invalid) };
    if (!isIdentified(answer)) return { kind: "new", answer };
    const first = known.get(keyOf(answer));
    if (first === undefined) {
      known.set(keyOf(answer), answer);
      return { kind: "new", answer };
    }
    if (first.bodySha256?.equals(answer.bodySha256) === true) return { kind: "known", id: first.id };
    const detail = `Another answer was recorded as ${answer.externalId} of source ${answer.source}.`;
    return { kind: "rejected", error: new AppError("conflict", detail, { existingId: first.id }) };
  });
}

function isIdentified(answer: Answer): answer is Answer & { externalId: string; bodySha256: Buffer } {
  return answer.externalId !== null;
}

function keyOf({ source, externalId }: { source: string; externalId: string }): string {
  return JSON.stringify([source, externalId]);
}

/** Stores the new ones, and tells those apart that somebody else has stored since they were looked for. */
async function insertAnswers(
  tx: WorkspaceTx,
  outcomes: Outcome[],
  steps: RecordingSteps,
  options: RecordingOptions,
): Promise<{ outcomes: Outcome[]; recorded: NewResponse[]; finish: FinishStep[]; changedAccountIds: string[] }> {
  const answers = outcomes.flatMap((outcome) => (outcome.kind === "new" ? outcome.answer : []));
  if (answers.length === 0) return { outcomes, recorded: [], finish: [], changedAccountIds: [] };
  const { stored, changedAccountIds } = await toStored(tx, answers, options);
  const coming = stored.map(toNew);
  const [ids, previous, ...finish] = await together([
    insertResponses(
      tx,
      stored.map(({ response }) => response),
    ),
    findPrevious(tx, stored),
    ...steps.onRecorded.map((step) => step(tx, coming)),
  ]);
  const inserted = new Set(ids);
  await recordExclusions(
    tx,
    stored.flatMap(({ response }) => (inserted.has(response.id) ? { before: null, after: response } : [])),
  );
  const recorded = coming
    .filter(({ response }) => inserted.has(response.id))
    .map((one) => ({ ...one, response: { ...one.response, previous: toPrevious(previous.get(one.response.id)) } }));
  if (inserted.size === answers.length) return { outcomes, recorded, finish, changedAccountIds };
  const late = await sortOut(
    tx,
    answers.filter(({ id }) => !inserted.has(id)),
  );
  // An answer that contradicts the stored one must leave nothing, and has told us about its person already.
  if (late.some(({ kind }) => kind !== "known")) throw new ContendedError("the same answers came in twice at once");
  const told = outcomes.map((outcome) =>
    outcome.kind === "new" && !inserted.has(outcome.answer.id) ? (late.shift() ?? outcome) : outcome,
  );
  return { outcomes: told, recorded, finish, changedAccountIds };
}

/** A response as it is stored, with what is known of those it is about. */
interface Stored extends Omit<ResponseParts, "previous"> {
  person: PersonFacts | null;
  accountNow: AccountFacts | null;
  isPersonNew: boolean;
}

/** As it would be read back: all of it is known but what the same person said before. */
function toNew(stored: Stored): NewResponse {
  return { response: toResponse({ ...stored, previous: null }), person: stored.person, account: stored.accountNow };
}

async function findPrevious(tx: WorkspaceTx, stored: readonly Stored[]) {
  const answersOf = Map.groupBy(stored, ({ response }) => response.personId);
  const answers = stored.flatMap(({ response: { id, personId, respondedAt }, isPersonNew }) =>
    personId === null || (isPersonNew && answersOf.get(personId)?.length === 1) ? [] : { id, personId, respondedAt },
  );
  return listPreviousScores(tx, answers);
}

async function toStored(tx: WorkspaceTx, answers: readonly Answer[], options: RecordingOptions) {
  const inputs = answers.map(({ input }) => input);
  const [{ respondents, changedAccountIds, newPersonIds }, surveys] = await together([
    recordRespondents(tx, inputs),
    recordSurveys(
      tx,
      inputs.map(({ survey }) => survey),
    ),
  ]);
  const stored = answers.map(({ id, input, source, externalId, bodySha256 }, index): Stored => {
    const { person = null, account = null, accountNow = null } = respondents[index] ?? {};
    const survey = surveys[index];
    if (survey === undefined) throw new Error("an answer has no survey");
    const response: ResponseRow = {
      workspaceId: tx.workspaceId,
      id,
      surveyKey: survey.key,
      personId: person?.id ?? null,
      accountId: account?.id ?? null,
      segment: account?.segment ?? null,
      score: input.score,
      comment: commentOf(input.comment),
      followUpRequested: input.followUpRequested ?? false,
      channel: input.channel ?? null,
      touchpoint: input.touchpoint ?? null,
      language: input.language ?? null,
      incentivised: input.incentivised ?? false,
      properties: input.properties ?? {},
      respondedAt: input.respondedAt === undefined ? tx.now : new Date(input.respondedAt),
      receivedAt: tx.now,
      updatedAt: tx.now,
      acknowledgedAt: null,
      reachedAt: null,
      source,
      externalId,
      bodySha256,
      sourceUpdatedAt: input.updatedAt === undefined ? null : toInstant(input.updatedAt),
      followUp: options.followUp,
      version: 1,
      // Test answers are stored, out of every aggregate.
      ...(input.test === true
        ? exclusionFor(tx, "TEST")
        : exclusionFor(tx, input.exclusion?.reason ?? null, input.exclusion?.note)),
    };
    const isPersonNew = newPersonIds.has(person?.id ?? "");
    return { response, surveyKind: survey.kind, person, account, accountNow, isPersonNew };
  });
  return { stored, changedAccountIds };
}

/** White space is no comment: who said nothing must be told from who said something. */
export function commentOf(comment: string | null | undefined): string | null {
  return comment?.trim() ? comment : null;
}

/** Out of every aggregate for this reason; null for in. */
export function exclusionFor(tx: WorkspaceTx, reason: ExclusionReason | null, note: string | null = null) {
  if (reason === null) return { exclusionReason: null, exclusionNote: null, excludedAt: null, excludedBy: null };
  const excludedBy = `${tx.actor.kind}:${tx.actor.id}`;
  return { exclusionReason: reason, exclusionNote: note, excludedAt: tx.now, excludedBy };
}

export function noSuchResponse(): AppError {
  return new AppError("not_found", "There is no response with this id.");
}

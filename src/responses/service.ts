import {
  type AccountFacts,
  findRespondents,
  idsOfRespondents,
  type PersonFacts,
  recordRespondents,
} from "../people/index.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import { hashJson } from "../platform/json.ts";
import { toInstant } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { shareAsWriter } from "../platform/writers.ts";
import { findSurveys, recordSurveys } from "../surveys/index.ts";
import { findContradictions } from "./contradictions.ts";
import { responseRecorded } from "./events.ts";
import { recordExclusions } from "./exclusionLedger.ts";
import { DEFAULT_SOURCE, type ExclusionReason } from "./model.ts";
import { findPrevious } from "./previous.ts";
import { listLastScores, type Previous } from "./previousQueries.ts";
import { listResponsesById, type ResponseParts, toResponse } from "./queries.ts";
import {
  LIVE,
  type NewResponse,
  type RecordInput,
  type RecordingOptions,
  type RecordingSteps,
  type RecordResult,
  show,
  withCases,
} from "./steps.ts";
import { listStoredAnswers, type StoredAnswer } from "./storedAnswers.ts";
import type { ResponseRow } from "./table.ts";
import { insertResponses } from "./writes.ts";

/**
 * Records survey answers, with everything that comes of them: people, accounts and surveys made on the
 * way, follow-up cases opened, events written. Any number of answers is the same few statements, in two round
 * trips: to look and to write. A single answer is a list of one. One result per input, in order; a rejected
 * input costs no other.
 */
export async function recordResponses(
  tx: WorkspaceTx,
  inputs: readonly RecordInput[],
  steps: RecordingSteps,
  options: RecordingOptions = LIVE,
): Promise<RecordResult[]> {
  const answers = inputs.map(toAnswer);
  const known = await lookUp(tx, answers, steps, options);
  const outcomes = sortOut(tx, answers, known.answers);
  const fresh = outcomes.flatMap((outcome) => (outcome.kind === "new" ? outcome.answer : []));
  const { recorded, changedAccountIds } = await insertAnswers(tx, fresh, known, options);
  const told = await together(known.finish.map((part) => part(recorded)));
  if (changedAccountIds.length > 0) await tx.flush();
  for (const step of steps.onAccountsChanged) await step(tx, changedAccountIds);

  const own = recorded.map(({ response }) => response);
  // A case of an account that weighs otherwise now has another priority than it was opened with.
  const cases = changedAccountIds.length === 0 ? new Map(told.flatMap((found) => [...(found ?? [])])) : undefined;
  const created = cases === undefined ? await withCases(tx, own, steps) : own.map((response) => show(response, cases));
  const repeated = outcomes.flatMap((outcome) => (outcome.kind === "known" ? outcome.id : []));
  const before = await withCases(tx, await listResponsesById(tx, repeated), steps);
  const responses = new Map([...created, ...before].map((response) => [response.id, response]));
  if (options.events) await recordEvents(tx, created.map(responseRecorded));

  return outcomes.map((outcome) => {
    if (outcome.kind === "rejected") return { status: "rejected", error: outcome.error };
    const response = responses.get(outcome.kind === "new" ? outcome.answer.id : outcome.id);
    if (response === undefined) throw new Error("a recorded response was not found again");
    return { status: outcome.kind === "new" ? "created" : "existing", response };
  });
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

/** What is known before anything is recorded. */
type Known = Awaited<ReturnType<typeof lookUp>>;

/**
 * Looks at once for all that recording goes by, and so do its steps; also for answers that will turn out to be no new
 * ones. It needs no `now`: where the transaction is only beginning, it travels with that.
 */
async function lookUp(
  tx: WorkspaceTx,
  answers: readonly Answer[],
  { onRecorded }: RecordingSteps,
  options: RecordingOptions,
) {
  const inputs = answers.map(({ input }) => input);
  const [, stored, respondents, surveys, lastScores, ...finish] = await together([
    // Before the rules are read.
    shareAsWriter(tx),
    listStoredAnswers(tx, answers.filter(isIdentified)),
    findRespondents(tx, inputs),
    findSurveys(
      tx,
      inputs.map(({ survey }) => survey),
    ),
    listLastScores(tx, idsOfRespondents(tx, inputs)),
    ...onRecorded.map((step) => step(tx, inputs, options)),
  ]);
  return { answers: stored, respondents, surveys, lastScores, finish };
}

/** Tells the new answers from those that were sent before, here or in an earlier request. */
function sortOut(tx: WorkspaceTx, answers: readonly Answer[], stored: readonly StoredAnswer[]): Outcome[] {
  const known = new Map<string, Pick<StoredAnswer, "id" | "bodySha256"> & { isErased?: boolean }>(
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
    // Whatever is sent of an erased answer, it stays as it is, and nothing is told of what it was.
    if (first.isErased === true || first.bodySha256?.equals(answer.bodySha256) === true)
      return { kind: "known", id: first.id };
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

/** Stores the new ones, with the next flush. */
async function insertAnswers(tx: WorkspaceTx, answers: readonly Answer[], known: Known, options: RecordingOptions) {
  if (answers.length === 0) return { recorded: [], changedAccountIds: [] };
  const { stored, changedAccountIds } = await toStored(tx, answers, known, options);
  const rows = stored.map(({ response }) => response);
  insertResponses(tx, rows);
  await recordExclusions(
    tx,
    rows.map((after) => ({ before: null, after })),
  );
  const previous = await findPrevious(tx, stored, known);
  return { recorded: stored.map((one) => toNew(one, previous.get(one.response.id) ?? null)), changedAccountIds };
}

/** A response as it is stored, with what is known of those it is about. */
interface Stored extends Omit<ResponseParts, "previous"> {
  person: PersonFacts | null;
  accountNow: AccountFacts | null;
  isPersonNew: boolean;
}

/** As it would be read back. */
function toNew(stored: Stored, previous: Previous | null): NewResponse {
  const { person, accountNow: account, isPersonNew } = stored;
  return { response: toResponse({ ...stored, previous }), person, account, isPersonNew };
}

async function toStored(tx: WorkspaceTx, answers: readonly Answer[], known: Known, options: RecordingOptions) {
  const inputs = answers.map(({ input }) => input);
  const { respondents, changedAccountIds, newPersonIds } = await recordRespondents(
    tx,
    inputs,
    known.respondents,
    // Whoever opens cases holds some.
    options.followUp === "OPEN" ? "AT_ONCE" : "WAITING",
  );
  const surveys = recordSurveys(
    tx,
    inputs.map(({ survey }) => survey),
    known.surveys,
  );
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
      erasedAt: null,
      // Test answers are stored, out of every aggregate, and so is what was left out where it comes from.
      ...exclusionFor(tx, input.exclusion?.reason ?? (input.test === true ? "TEST" : null), input.exclusion?.note),
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

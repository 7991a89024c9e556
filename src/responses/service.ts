import { type AccountFacts, findRespondents, type PersonFacts, recordRespondents } from "../people/index.ts";
import { ContendedError } from "../platform/database.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import { hashJson } from "../platform/json.ts";
import { toInstant } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { findSurveys, recordSurveys } from "../surveys/index.ts";
import { findContradictions } from "./contradictions.ts";
import { responseRecorded } from "./events.ts";
import { recordExclusions } from "./exclusionLedger.ts";
import { DEFAULT_SOURCE, type ExclusionReason } from "./model.ts";
import {
  listPreviousScores,
  listResponsesById,
  listStoredAnswers,
  type ResponseParts,
  type StoredAnswer,
  toPrevious,
  toResponse,
} from "./queries.ts";
import {
  type FinishStep,
  LIVE,
  type NewResponse,
  type RecordInput,
  type RecordingOptions,
  type RecordingSteps,
  type RecordResult,
  show,
  withCases,
} from "./steps.ts";
import type { ResponseRow } from "./table.ts";
import { insertResponses } from "./writes.ts";

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
  const answers = inputs.map(toAnswer);
  const known = await lookUp(tx, answers);
  const sorted = sortOut(tx, answers, known.answers);
  const { outcomes, recorded, finish, changedAccountIds } = await insertAnswers(tx, sorted, known, steps, options);
  const told = await together(finish.map((part) => part(recorded)));
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

/** What is stored of answers, and of those whom they may be about. */
type Known = Awaited<ReturnType<typeof lookUp>>;

/**
 * Looks at once for all that recording goes by; also for answers that will turn out to be no new ones. It needs no `now`:
 * where the transaction is only beginning, it travels with that.
 */
async function lookUp(tx: WorkspaceTx, answers: readonly Answer[]) {
  const inputs = answers.map(({ input }) => input);
  const [stored, respondents, surveys] = await together([
    listStoredAnswers(tx, answers.filter(isIdentified)),
    findRespondents(tx, inputs),
    findSurveys(
      tx,
      inputs.map(({ survey }) => survey),
    ),
  ]);
  return { answers: stored, respondents, surveys };
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

/** Stores the new ones, and tells those apart that somebody else has stored since they were looked for. */
async function insertAnswers(
  tx: WorkspaceTx,
  outcomes: Outcome[],
  known: Known,
  steps: RecordingSteps,
  options: RecordingOptions,
): Promise<{ outcomes: Outcome[]; recorded: NewResponse[]; finish: FinishStep[]; changedAccountIds: string[] }> {
  const answers = outcomes.flatMap((outcome) => (outcome.kind === "new" ? outcome.answer : []));
  if (answers.length === 0) return { outcomes, recorded: [], finish: [], changedAccountIds: [] };
  const { stored, changedAccountIds } = await toStored(tx, answers, known, options);
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
  const beaten = answers.filter(({ id }) => !inserted.has(id));
  const late = sortOut(tx, beaten, await listStoredAnswers(tx, beaten.filter(isIdentified)));
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

async function toStored(tx: WorkspaceTx, answers: readonly Answer[], known: Known, options: RecordingOptions) {
  const inputs = answers.map(({ input }) => input);
  const { respondents, changedAccountIds, newPersonIds } = await recordRespondents(tx, inputs, known.respondents);
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

import { recordRespondents } from "../people/index.ts";
import { AppError, type InvalidParam, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import { hashJson } from "../platform/json.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordSurveys } from "../surveys/index.ts";
import { responseRecorded } from "./events.ts";
import { type CaseSummary, DEFAULT_SOURCE, type RecordedResponse, type Response, type ResponseInput } from "./model.ts";
import { insertResponses, listResponsesById, listStoredAnswers, type NewResponse } from "./queries.ts";

/**
 * What later slices add to recording, given by the composition root so that this slice knows none of
 * them: steps that run in the same transaction, and how a response finds its case.
 */
export interface RecordingSteps {
  onRecorded: ((tx: WorkspaceTx, recorded: readonly RecordedResponse[]) => Promise<void>)[];
  /** The case of each of these responses that has one, by response id. */
  caseSummaryOf: (tx: WorkspaceTx, responseIds: readonly string[]) => Promise<Map<string, CaseSummary>>;
}

/**
 * What became of one input. `existing` is the same answer sent again, `rejected` touched nothing:
 * `invalid_request` for fields that contradict each other, `conflict` with `existingId` for another
 * answer under the same (source, externalId).
 */
export type RecordResult =
  | { status: "created" | "existing"; response: Response }
  | { status: "rejected"; error: AppError };

const RESPONDED_FROM = Date.UTC(1970, 0, 1);
/** Clocks of senders run ahead, and so do time zones taken for UTC. */
const RESPONDED_AHEAD_MS = 24 * 3_600_000;

/**
 * Records survey answers, with everything that comes of them: people, accounts and surveys made on the
 * way, follow-up cases opened, events written. Any number of answers is the same few statements; a
 * single answer is a list of one. One result per input, in order; a rejected input costs no other.
 */
export async function recordResponses(
  tx: WorkspaceTx,
  inputs: readonly ResponseInput[],
  steps: RecordingSteps,
): Promise<RecordResult[]> {
  const answers = inputs.map(toAnswer);
  const stored = await listStoredAnswers(tx, answers.filter(isIdentified));
  const known = new Map(stored.map((answer) => [keyOf(answer), answer] as const));

  const outcomes = answers.map((answer): Outcome => {
    const invalid = findContradictions(answer.input, tx.now);
    if (invalid.length > 0) return { error: invalidRequest(invalid) };
    if (!isIdentified(answer)) return { answer, isNew: true };
    const first = known.get(keyOf(answer));
    if (first === undefined) {
      known.set(keyOf(answer), answer);
      return { answer, isNew: true };
    }
    if (first.bodySha256?.equals(answer.bodySha256) === true) return { answer: first, isNew: false };
    const detail = `Another answer was recorded as ${answer.externalId} of source ${answer.source}.`;
    return { error: new AppError("conflict", detail, { existingId: first.id }) };
  });

  const fresh = outcomes.flatMap((outcome) => ("answer" in outcome && outcome.isNew ? outcome.answer : []));
  await insertAnswers(tx, fresh);
  const recorded = await listResponsesById(
    tx,
    fresh.map(({ id }) => id),
  );
  for (const step of steps.onRecorded) await step(tx, recorded);

  const repeated = outcomes.flatMap((outcome) => ("answer" in outcome && !outcome.isNew ? outcome.answer.id : []));
  const responses = new Map(
    (await withCases(tx, [...recorded, ...(await listResponsesById(tx, repeated))], steps)).map((r) => [r.id, r]),
  );
  const created = fresh.flatMap(({ id }) => responses.get(id) ?? []);
  await recordEvents(tx, created.map(responseRecorded));

  return outcomes.map((outcome) => {
    if ("error" in outcome) return { status: "rejected", error: outcome.error };
    const response = responses.get(outcome.answer.id);
    if (response === undefined) throw new Error("a recorded response was not found again");
    return { status: outcome.isNew ? "created" : "existing", response };
  });
}

/** The responses with the case that belongs to each. */
export async function withCases(
  tx: WorkspaceTx,
  recorded: readonly RecordedResponse[],
  { caseSummaryOf }: Pick<RecordingSteps, "caseSummaryOf">,
): Promise<Response[]> {
  const ids = recorded.map(({ id }) => id);
  const cases = ids.length === 0 ? new Map<string, CaseSummary>() : await caseSummaryOf(tx, ids);
  return recorded.map((response) => ({ ...response, case: cases.get(response.id) ?? null }));
}

interface Answer {
  id: string;
  input: ResponseInput;
  source: string;
  externalId: string | null;
  bodySha256: Buffer;
}

type Outcome = { error: AppError } | { answer: Answer; isNew: true } | { answer: StoredIdentity; isNew: false };
type StoredIdentity = { id: string; source: string; externalId: string | null; bodySha256: Buffer | null };

function toAnswer(input: ResponseInput): Answer {
  const { source = DEFAULT_SOURCE, externalId = null } = input;
  return { id: newId(), input, source, externalId, bodySha256: hashJson(input) };
}

function isIdentified<A extends { externalId: string | null }>(answer: A): answer is A & { externalId: string } {
  return answer.externalId !== null;
}

function keyOf({ source, externalId }: { source: string; externalId: string | null }): string {
  return JSON.stringify([source, externalId]);
}

/** What the schema cannot say: fields that do not go together, and times out of range. */
function findContradictions({ respondedAt, person, account }: ResponseInput, now: Date): InvalidParam[] {
  const invalid: InvalidParam[] = [];
  const time = respondedAt === undefined ? now.getTime() : Date.parse(respondedAt);
  if (time < RESPONDED_FROM || time > now.getTime() + RESPONDED_AHEAD_MS) {
    invalid.push({ name: "respondedAt", reason: "must be between 1970 and 24 hours from now" });
  }
  if (person && account) {
    invalid.push({ name: "account", reason: "goes inside person when the person is known: give one of the two" });
  }
  if (
    person &&
    [person.externalId, person.email, person.phone].every((identity) => identity === undefined || identity === null)
  ) {
    invalid.push({ name: "person", reason: "must have an externalId, email or phone to be known by" });
  }
  return invalid;
}

async function insertAnswers(tx: WorkspaceTx, answers: readonly Answer[]): Promise<void> {
  if (answers.length === 0) return;
  const respondents = await recordRespondents(
    tx,
    answers.map(({ input }) => input),
  );
  const surveyKeys = await recordSurveys(
    tx,
    answers.map(({ input }) => input.survey),
  );
  const rows = answers.map(({ id, input, source, externalId, bodySha256 }, index): NewResponse => {
    const { person = null, account = null } = respondents[index] ?? {};
    const surveyKey = surveyKeys[index];
    if (surveyKey === undefined) throw new Error("an answer has no survey");
    return {
      id,
      surveyKey,
      personId: person?.id ?? null,
      accountId: account?.id ?? null,
      segment: account?.segment ?? null,
      score: input.score,
      // White space is no comment: "had nothing to say" must be told from "said nothing we could read".
      comment: input.comment?.trim() ? input.comment : null,
      followUpRequested: input.followUpRequested ?? false,
      channel: input.channel ?? null,
      touchpoint: input.touchpoint ?? null,
      language: input.language ?? null,
      incentivised: input.incentivised ?? false,
      properties: input.properties ?? {},
      respondedAt: input.respondedAt === undefined ? tx.now : new Date(input.respondedAt),
      source,
      externalId,
      bodySha256: externalId === null ? null : bodySha256,
      exclusionReason: input.test === true ? "TEST" : null,
    };
  });
  await insertResponses(tx, rows);
}

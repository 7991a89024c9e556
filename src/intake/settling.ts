import { given } from "../platform/json.ts";
import { toInstant } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import {
  changeResponse,
  listStoredAnswers,
  lockResponses,
  putResponse,
  type RecordingOptions,
  type RecordingSteps,
  type ResponseUpsert,
} from "../responses/index.ts";
import { asIgnored, type Parsed, readDelivery, type Settled } from "./deliveries.ts";
import type { Defaults } from "./model.ts";
import { isLastTaken, isTakenSince, lockAnswers } from "./queries.ts";
import type { Answer } from "./reading.ts";
import type { SourceRow } from "./table.ts";
import { takeUpWaiting } from "./takingUp.ts";

export interface Settling {
  steps: RecordingSteps;
  options: RecordingOptions;
  /** LIVE: what is as old as what we have, or came before, changes nothing. REPLAY: it is read anew. */
  mode: "LIVE" | "REPLAY";
}

/**
 * Does what a delivery asks for: records its answer, changes the one that is there, or says why neither.
 * Parts of the answer that came before its score are taken up with it.
 */
export async function settle(
  tx: WorkspaceTx,
  source: SourceRow,
  parsed: Parsed & Came,
  how: Settling,
): Promise<Settled> {
  const { answer, ignored } = readDelivery(source, parsed);
  return answer === undefined ? ignored : settleAnswer(tx, source, answer, parsed, how);
}

/** When a delivery came, its bytes, and of one that is read again whether nothing had come of it. */
type Came = Pick<Parsed, "receivedAt" | "bytes"> & { isUnused?: boolean };

/** Does what one answer asks for. */
export async function settleAnswer(
  tx: WorkspaceTx,
  source: SourceRow,
  answer: Answer,
  delivery: Came,
  how: Settling,
): Promise<Settled> {
  const { externalId, fields } = answer;
  await lockAnswers(tx, source.id, [externalId]);
  const settled = await tx.attempt(() => apply(tx, source, answer, delivery, how)).catch(asIgnored);
  const { outcome, responseId } = settled;
  if (outcome === "RECORDED" && responseId !== undefined) {
    await takeUpWaiting(tx, source, { externalId, responseId, fields, receivedAt: delivery.receivedAt }, how);
  }
  return { ...settled, externalId };
}

async function apply(
  tx: WorkspaceTx,
  source: SourceRow,
  answer: Answer,
  { receivedAt, bytes, isUnused = false }: Came,
  { steps, options, mode }: Settling,
): Promise<Settled> {
  const { externalId, score, noScore, fields } = answer;
  const [stored] = await listStoredAnswers(tx, [{ source: source.key, externalId }]);
  if (stored === undefined) {
    if (score === null) return { outcome: "IGNORED", reason: noScore, isWaiting: true };
    const result = await putResponse(tx, toNewInput(source, answer, score, receivedAt), steps, options);
    if (result.status === "rejected") throw result.error;
    return { outcome: result.status === "created" ? "RECORDED" : "UPDATED", responseId: result.response.id };
  }

  const responseId = stored.id;
  if (stored.isErased) return { outcome: "DUPLICATE", responseId, reason: "the answer was erased", isErased: true };
  const [before] = await lockResponses(tx, [responseId]);
  if (before === undefined) throw new Error("a stored response was not found again");
  const age = compareAge(fields.updatedAt, before.sourceUpdatedAt);
  if (mode === "LIVE" ? age !== "newer" : age === "older") {
    return { outcome: "DUPLICATE", responseId, reason: "what is stored is as new or newer" };
  }
  // Without a time nothing but the bytes tells a repetition, which must not undo what people have changed since.
  if (mode === "LIVE" && fields.updatedAt === undefined && (await isLastTaken(tx, source.id, responseId, bytes))) {
    return { outcome: "DUPLICATE", responseId, reason: "the same delivery came before" };
  }
  if (isUnused && fields.updatedAt === undefined && (await isTakenSince(tx, source.id, responseId, receivedAt))) {
    return { outcome: "DUPLICATE", responseId, reason: "what came later is stored" };
  }
  if (score === null) {
    const { comment, followUpRequested, updatedAt } = fields;
    const change = { comment, followUpRequested, updatedAt: age === "newer" ? updatedAt : undefined };
    await changeResponse(tx, responseId, given(change), steps, options);
  } else {
    const input = toInput(source, answer, score, mode === "REPLAY" ? source.defaults : laterDefaults(source, answer));
    const result = await putResponse(tx, input, steps, options);
    if (result.status === "rejected") throw result.error;
  }
  const [after] = await lockResponses(tx, [responseId]);
  return { outcome: after?.version === before.version ? "DUPLICATE" : "UPDATED", responseId };
}

/** What a later event of an answer does not say stays as it is; only a survey that it names may be new, and be of a kind. */
function laterDefaults({ defaults: { survey } }: SourceRow, { fields }: Answer): Defaults {
  return fields.survey === undefined || survey?.kind === undefined ? {} : { survey: { kind: survey.kind } };
}

/** An event without a time is taken in the order in which it comes. */
function compareAge(updatedAt: string | undefined, stored: string | null): "older" | "equal" | "newer" {
  if (updatedAt === undefined || stored === null) return "newer";
  const instant = toInstant(updatedAt);
  return instant === stored ? "equal" : instant < stored ? "older" : "newer";
}

/** Of an answer that was not there before: who does not say when it was given has just done so. */
export function toNewInput(source: SourceRow, answer: Answer, score: number, receivedAt: Date) {
  return {
    ...toInput(source, answer, score, source.defaults),
    respondedAt: answer.fields.respondedAt ?? receivedAt.toISOString(),
  };
}

function toInput(
  source: SourceRow,
  { externalId, fields, isExcluded }: Answer,
  score: number,
  { survey: defaultSurvey, ...defaults }: Defaults,
) {
  const survey = { ...defaultSurvey, ...fields.survey };
  const input: ResponseUpsert = { ...defaults, ...fields, source: source.key, externalId, score };
  if (Object.keys(survey).length > 0) input.survey = survey;
  if (isExcluded === undefined) return input;
  const exclusion = isExcluded ? { reason: "OTHER" as const, note: "Excluded by the survey tool" } : null;
  return { ...input, exclusion };
}

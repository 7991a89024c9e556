import { AppError } from "../platform/errors.ts";
import { toInstant } from "../platform/schema.ts";
import type { Headers } from "../platform/signature.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import {
  changeResponse,
  isInRange,
  listStoredAnswers,
  lockResponses,
  putResponse,
  type RecordingOptions,
  type RecordingSteps,
  type ResponseUpsert,
} from "../responses/index.ts";
import { readBody, UnreadableBody } from "./body.ts";
import type { Outcome } from "./model.ts";
import { listWaitingReceipts, lockAnswers, saveReceipt } from "./queries.ts";
import { type Answer, given } from "./reading.ts";
import type { ReceiptRow, SourceRow } from "./table.ts";
import { SCHEMES } from "./vendors/index.ts";

/** A delivery that was let in, its body read as far as it could be. */
export interface Parsed {
  headers: Headers;
  receivedAt: Date;
  body: { payload: unknown } | { unreadable: string };
}

/** What became of a delivery; `isWaiting` for a part of an answer whose score has not come yet. */
export interface Settled {
  outcome: Outcome;
  reason?: string;
  responseId?: string;
  externalId?: string;
  isWaiting?: boolean;
  /** Its answer was erased: nothing of it may be kept. */
  isErased?: boolean;
}

export interface Settling {
  steps: RecordingSteps;
  options: RecordingOptions;
  /** LIVE: what is as old as what we have changes nothing. REPLAY: it is read anew. LATE: it waited for its score. */
  mode: "LIVE" | "REPLAY" | "LATE";
}

/** Never throws: what cannot be read is told in the receipt. */
export async function parseDelivery(body: Buffer, headers: Headers, receivedAt: Date): Promise<Parsed> {
  try {
    const contentType = headers["content-type"];
    const payload = await readBody(body, typeof contentType === "string" ? contentType : undefined);
    return { headers, receivedAt, body: { payload } };
  } catch (error) {
    if (error instanceof UnreadableBody) return { headers, receivedAt, body: { unreadable: error.message } };
    throw error;
  }
}

/**
 * Does what a delivery asks for: records its answer, changes the one that is there, or says why neither.
 * Parts of the answer that came before its score are taken up with it.
 */
export async function settle(tx: WorkspaceTx, source: SourceRow, parsed: Parsed, how: Settling): Promise<Settled> {
  const { answer, ignored } = readDelivery(source, parsed);
  return answer === undefined ? ignored : settleAnswer(tx, source, answer, parsed.receivedAt, how);
}

/** What a delivery was read as: the answer that it brings, or why it is ignored. */
export type Read = { answer: Answer; ignored?: never } | { answer?: never; ignored: Settled };

export function readDelivery(source: SourceRow, parsed: Parsed): Read {
  if ("unreadable" in parsed.body) return { ignored: { outcome: "IGNORED", reason: parsed.body.unreadable } };
  const { mapping, partial } = source;
  const id = parsed.headers["webhook-id"] ?? parsed.headers["svix-id"];
  const webhookId = typeof id === "string" ? id.slice(0, 255) : undefined;
  const reading = SCHEMES[source.vendor].read(parsed.body.payload, { mapping, partial, webhookId });
  if ("ignored" in reading) {
    const { ignored: reason, externalId } = reading;
    return { ignored: { outcome: "IGNORED", reason, ...given({ externalId }) } };
  }
  return { answer: { ...reading, fields: withoutWrongTimes(reading.fields, parsed.receivedAt) } };
}

/** A time that cannot be is left out as whatever else cannot be used: the answer counts without it. */
function withoutWrongTimes(fields: Answer["fields"], receivedAt: Date): Answer["fields"] {
  const rightOf = (time: string | undefined) => (time !== undefined && isInRange(time, receivedAt) ? time : undefined);
  const { respondedAt, updatedAt, ...others } = fields;
  return { ...others, ...given({ respondedAt: rightOf(respondedAt), updatedAt: rightOf(updatedAt) }) };
}

/** Does what one answer asks for. */
export async function settleAnswer(
  tx: WorkspaceTx,
  source: SourceRow,
  answer: Answer,
  receivedAt: Date,
  how: Settling,
): Promise<Settled> {
  const { externalId } = answer;
  await lockAnswers(tx, source.id, [externalId]);
  const settled = await tx.attempt(() => apply(tx, source, answer, receivedAt, how)).catch(asIgnored);
  if (settled.outcome === "RECORDED") await takeUpWaiting(tx, source, externalId, how);
  return { ...settled, externalId };
}

/** What the rules refuse is the sender's to mend, and no failure of ours. */
function asIgnored(error: unknown): Settled {
  if (error instanceof AppError && (error.code === "invalid_request" || error.code === "conflict")) {
    return { outcome: "IGNORED", reason: error.message };
  }
  throw error;
}

async function apply(
  tx: WorkspaceTx,
  source: SourceRow,
  answer: Answer,
  receivedAt: Date,
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
  // What waited adds what is missing, however old it is.
  const isMissing = mode === "LATE" && before.comment === null;
  const isPast = mode === "LIVE" ? age !== "newer" : age === "older";
  if (isPast && !isMissing) {
    return { outcome: "DUPLICATE", responseId, reason: "what is stored is as new or newer" };
  }
  if (score === null || mode === "LATE") {
    const { comment, followUpRequested, updatedAt } = fields;
    const change = { comment, followUpRequested, updatedAt: age === "newer" ? updatedAt : undefined };
    await changeResponse(tx, responseId, given(change), steps, options);
  } else {
    const result = await putResponse(tx, toInput(source, answer, score), steps, options);
    if (result.status === "rejected") throw result.error;
  }
  const [after] = await lockResponses(tx, [responseId]);
  return { outcome: after?.version === before.version ? "DUPLICATE" : "UPDATED", responseId };
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
    ...toInput(source, answer, score),
    respondedAt: answer.fields.respondedAt ?? receivedAt.toISOString(),
  };
}

function toInput(source: SourceRow, { externalId, fields, isExcluded }: Answer, score: number) {
  const { survey: defaultSurvey, ...defaults } = source.defaults;
  const survey = { ...defaultSurvey, ...fields.survey };
  const input: ResponseUpsert = { ...defaults, ...fields, source: source.key, externalId, score };
  if (Object.keys(survey).length > 0) input.survey = survey;
  if (isExcluded === undefined) return input;
  const exclusion = isExcluded ? { reason: "OTHER" as const, note: "Excluded by the survey tool" } : null;
  return { ...input, exclusion };
}

async function takeUpWaiting(tx: WorkspaceTx, source: SourceRow, externalId: string, how: Settling): Promise<void> {
  for (const receipt of await listWaitingReceipts(tx, source.id, externalId)) {
    const parsed = await parseDelivery(receipt.body, receipt.headers, receipt.receivedAt);
    await saveReceipt(tx, settledReceipt(tx, receipt, await settle(tx, source, parsed, { ...how, mode: "LATE" })));
  }
}

/** The receipt with what became of it now; that nothing was left to do does not take back what was done. */
export function settledReceipt(tx: WorkspaceTx, receipt: ReceiptRow, settled: Settled): ReceiptRow {
  const wasDone = receipt.outcome === "RECORDED" || receipt.outcome === "UPDATED";
  const { outcome, reason = null } =
    wasDone && settled.outcome === "DUPLICATE" ? { outcome: receipt.outcome } : settled;
  return {
    ...receipt,
    outcome,
    reason,
    externalId: settled.externalId ?? receipt.externalId,
    isWaiting: settled.isWaiting ?? false,
    responseId: settled.responseId ?? receipt.responseId,
    processedAt: tx.now,
    ...(settled.isErased === true ? { headers: {}, body: Buffer.alloc(0), externalId: null } : {}),
  };
}

import { AppError } from "../platform/errors.ts";
import type { Outcome } from "../platform/gathering.ts";
import type { SecretBox } from "../platform/secrets.ts";
import type { Headers } from "../platform/signature.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { LIVE, listStoredAnswers, type RecordingSteps, recordResponses } from "../responses/index.ts";
import { parseDelivery, type Read, readDelivery, type Settled, settledReceipt } from "./deliveries.ts";
import { listWaitingIds, lockAnswers, lockSource, saveReceiptLater } from "./queries.ts";
import type { Answer } from "./reading.ts";
import { secretsOf } from "./service.ts";
import { type Settling, settleAnswer, toNewInput } from "./settling.ts";
import type { ReceiptRow, SourceRow } from "./table.ts";
import { type Delivery, SCHEMES } from "./vendors/index.ts";

/** A delivery that has come in just now. */
export interface Arrival {
  /** Of its receipt. */
  id: string;
  delivery: Delivery;
  /** Set once its signature has been found to hold. */
  isGenuine: boolean;
}

interface Receiving {
  steps: RecordingSteps;
  secrets: SecretBox;
}

/** The headers that are kept: how to read the body, and which delivery it is. Neither signature nor token. */
const KEPT_HEADERS = ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp"];

/**
 * Takes in deliveries of the source in whose name the transaction runs, each with its receipt. Answers that are new are
 * recorded together; what changes one that is there, or says more of one in the same batch, is left to a transaction of its own.
 * @throws {AppError} `invalid_request` or `conflict` where the rules refuse one of those that were recorded together
 */
export async function receiveEach(
  tx: WorkspaceTx,
  batch: readonly Arrival[],
  { steps, secrets }: Receiving,
): Promise<(Outcome<Settled> | "ALONE")[]> {
  // As it is now; and it stays while receipts of it are written.
  const source = await lockSource(tx, tx.actor.id, "key share");
  if (source === undefined) return batch.map(() => ({ error: notGenuine() }));
  const valid = secretsOf(source, secrets, tx.now);
  for (const arrival of batch) {
    arrival.isGenuine = SCHEMES[source.vendor].isGenuine(valid, arrival.delivery, source.tokenHeader, tx.now);
  }
  const genuine = batch.filter(({ isGenuine }) => isGenuine);
  const arrived = await Promise.all(
    genuine.map(async (arrival) => ({ arrival, ...(await read(source, arrival, tx.now)) })),
  );

  const how: Settling = { steps, options: LIVE, mode: "LIVE" };
  const settled =
    batch.length === 1 ? await settleOne(tx, source, arrived, how) : await recordNew(tx, source, arrived, steps);
  for (const { arrival, ignored } of arrived) if (ignored !== undefined) settled.set(arrival, ignored);
  for (const [arrival, one] of settled) saveReceiptLater(tx, settledReceipt(tx, receiptOf(tx, arrival), one));
  return batch.map((arrival) => {
    const answer = settled.get(arrival);
    if (answer !== undefined) return { answer };
    return arrival.isGenuine ? "ALONE" : { error: notGenuine() };
  });
}

async function read(source: SourceRow, { delivery: { body, headers } }: Arrival, now: Date): Promise<Read> {
  return readDelivery(source, await parseDelivery(body, headers, now, source.vendor));
}

type Arrived = Read & { arrival: Arrival };

/** Of a delivery that stands alone, whatever it brings; what the rules refuse is undone by itself. */
async function settleOne(tx: WorkspaceTx, source: SourceRow, [one]: readonly Arrived[], how: Settling) {
  const settled = new Map<Arrival, Settled>();
  if (one?.answer !== undefined) {
    const came = { receivedAt: tx.now, bytes: one.arrival.delivery.body };
    settled.set(one.arrival, await settleAnswer(tx, source, one.answer, came, how));
  }
  return settled;
}

/**
 * Records the answers that nothing has come of yet, all at once: of several deliveries of one answer the first, if it has a
 * score. @returns what became of these; whatever somebody else was quicker with is not among them
 */
async function recordNew(
  tx: WorkspaceTx,
  source: SourceRow,
  arrived: readonly Arrived[],
  steps: RecordingSteps,
): Promise<Map<Arrival, Settled>> {
  const firsts = new Map<string, { arrival: Arrival; answer: Answer }>();
  for (const { arrival, answer } of arrived) {
    if (answer !== undefined && !firsts.has(answer.externalId)) firsts.set(answer.externalId, { arrival, answer });
  }
  const externalIds = [...firsts.keys()];
  if (externalIds.length === 0) return new Map();
  const [, stored, waiting] = await together([
    lockAnswers(tx, source.id, externalIds),
    listStoredAnswers(
      tx,
      externalIds.map((externalId) => ({ source: source.key, externalId })),
    ),
    listWaitingIds(tx, source.id, externalIds),
  ]);
  const isBegun = new Set([...stored.map(({ externalId }) => externalId), ...waiting]);
  const fresh = [...firsts.values()].flatMap(({ arrival, answer }) =>
    answer.score === null || isBegun.has(answer.externalId)
      ? []
      : { arrival, externalId: answer.externalId, input: toNewInput(source, answer, answer.score, tx.now) },
  );
  const results = await recordResponses(
    tx,
    fresh.map(({ input }) => input),
    steps,
  );
  const settled = new Map<Arrival, Settled>();
  for (const [n, { arrival, externalId }] of fresh.entries()) {
    const result = results[n];
    if (result?.status === "created") {
      settled.set(arrival, { outcome: "RECORDED", responseId: result.response.id, externalId });
    } else if (result?.status === "rejected" && result.error.code === "invalid_request") {
      settled.set(arrival, { outcome: "IGNORED", reason: result.error.message, externalId });
    }
  }
  return settled;
}

/** The receipt of a delivery of which nothing has become yet. */
export function receiptOf(tx: WorkspaceTx, { id, delivery: { headers, body } }: Arrival): ReceiptRow {
  return {
    workspaceId: tx.workspaceId,
    sourceId: tx.actor.id,
    id,
    receivedAt: tx.now,
    headers: keptHeaders(headers),
    body,
    outcome: "FAILED",
    reason: null,
    externalId: null,
    isWaiting: false,
    responseId: null,
    processedAt: tx.now,
  };
}

function keptHeaders(headers: Headers): Record<string, string> {
  const clean = (text: string) => text.replaceAll("\u0000", "").toWellFormed();
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, clean(value)]] : [];
    }),
  );
}

export function notGenuine(): AppError {
  return new AppError(
    "unauthenticated",
    "There is no such source, or this was not signed by it just now. Check the address, the secret and the clock of the sender.",
  );
}

import { AppError } from "../platform/errors.ts";
import { given } from "../platform/json.ts";
import type { Headers } from "../platform/signature.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { isInRange } from "../responses/index.ts";
import { readBody, UnreadableBody } from "./body.ts";
import type { Outcome, Vendor } from "./model.ts";
import type { Answer } from "./reading.ts";
import type { ReceiptRow, SourceRow } from "./table.ts";
import { SCHEMES } from "./vendors/index.ts";

/** A delivery that was let in, its body read as far as it could be. */
export interface Parsed {
  headers: Headers;
  receivedAt: Date;
  bytes: Buffer;
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

/**
 * Never throws: what cannot be read is told in the receipt.
 * @param vendor whose numbers may be ids of any length; our own words take what `POST /v1/responses` takes
 */
export async function parseDelivery(
  bytes: Buffer,
  headers: Headers,
  receivedAt: Date,
  vendor: Vendor,
): Promise<Parsed> {
  try {
    const contentType = headers["content-type"];
    const payload = await readBody(
      bytes,
      typeof contentType === "string" ? contentType : undefined,
      vendor !== "STANDARD_WEBHOOKS",
    );
    return { headers, receivedAt, bytes, body: { payload } };
  } catch (error) {
    if (error instanceof UnreadableBody) return { headers, receivedAt, bytes, body: { unreadable: error.message } };
    throw error;
  }
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

/** What the rules refuse is the sender's to mend, and no failure of ours. */
export function asIgnored(error: unknown): Settled {
  if (error instanceof AppError && (error.code === "invalid_request" || error.code === "conflict")) {
    return { outcome: "IGNORED", reason: error.message };
  }
  throw error;
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

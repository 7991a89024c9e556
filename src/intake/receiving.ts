import { AppError } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { isId } from "../platform/schema.ts";
import type { SecretBox } from "../platform/secrets.ts";
import type { Headers } from "../platform/signature.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import {
  listResponsesById,
  type RecordingOptions,
  type RecordingSteps,
  type Response,
  withCases,
} from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import type { DeliveryResult, ReplayResult } from "./model.ts";
import { findSource, findSourceAnywhere, listReceipts, lockSource, saveReceipt } from "./queries.ts";
import { noSuchSource, secretsOf } from "./service.ts";
import { parseDelivery, type Settled, settle, settledReceipt } from "./settling.ts";
import type { ReceiptRow, SourceRow } from "./table.ts";
import { type Delivery, SCHEMES } from "./vendors/index.ts";

/** What the slice is given by the composition root. */
export interface Intake {
  tenancy: Tenancy;
  steps: RecordingSteps;
  secrets: SecretBox;
  publicUrl: string | undefined;
}

const LIVE: RecordingOptions = { followUp: "OPEN", events: true };
/** The headers that are kept: how to read the body, and which delivery it is. Neither signature nor token. */
const KEPT_HEADERS = ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp"];

/**
 * Takes a delivery in: the signature first, over the bytes as they came; then its answer and the receipt in
 * one transaction.
 * @throws {AppError} `unauthenticated` for an unknown source and for what is not signed by it, which are not
 * told apart; `unavailable` or `internal` by a fault of ours: the receipt is kept if it can be, and the sender comes again
 */
export async function receive(
  { tenancy, steps, secrets }: Intake,
  sourceId: string,
  delivery: Delivery,
  requestId: string,
): Promise<DeliveryResult> {
  const source = await authenticate(tenancy, secrets, sourceId, delivery);
  const caller = callerFor(source, requestId);
  const id = newId();
  const receiptOf = (tx: WorkspaceTx): ReceiptRow => ({
    workspaceId: tx.workspaceId,
    sourceId: source.id,
    id,
    receivedAt: tx.now,
    headers: keptHeaders(delivery.headers),
    body: delivery.body,
    outcome: "FAILED",
    reason: null,
    externalId: null,
    isWaiting: false,
    responseId: null,
    processedAt: tx.now,
  });
  const parsed = await parseDelivery(delivery.body, delivery.headers, new Date());
  try {
    return await tenancy.inWorkspace(caller, async (tx) => {
      // As it is now; and it stays while its receipt is written.
      const current = await lockSource(tx, source.id, "key share");
      if (current === undefined) throw notGenuine();
      const settled = await settle(
        tx,
        current,
        { ...parsed, receivedAt: tx.now },
        { steps, options: LIVE, mode: "LIVE" },
      );
      await saveReceipt(tx, settledReceipt(tx, receiptOf(tx), settled));
      return toResult(settled);
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "unauthenticated") {
      const reason = "something went wrong here; it can be replayed";
      // Where even this cannot be written, the sender still has it.
      await tenancy.inWorkspace(caller, (tx) => saveReceipt(tx, { ...receiptOf(tx), reason })).catch(() => undefined);
    }
    throw error;
  }
}

async function authenticate(
  tenancy: Tenancy,
  secrets: SecretBox,
  sourceId: string,
  delivery: Delivery,
): Promise<SourceRow> {
  const { source, now } = await tenancy.acrossWorkspaces("find the workspace of a source", async (tx) => ({
    source: isId(sourceId) ? await findSourceAnywhere(tx, sourceId) : undefined,
    now: tx.now,
  }));
  if (source === undefined) throw notGenuine();
  const valid = secretsOf(source, secrets, now);
  if (!SCHEMES[source.vendor].isGenuine(valid, delivery, source.tokenHeader, now)) throw notGenuine();
  return source;
}

function notGenuine(): AppError {
  return new AppError("unauthenticated", "There is no such source, or this was not signed by it just now.");
}

function callerFor(source: SourceRow, requestId: string | null): Caller {
  return { workspaceId: source.workspaceId, actor: { kind: "source", id: source.id }, requestId };
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

function toResult({ outcome, reason, responseId }: Settled): DeliveryResult {
  return {
    outcome,
    ...(responseId === undefined ? {} : { responseId }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Carries the result out of what is undone. */
class Undone extends Error {}

/**
 * What would become of a delivery: it is done, looked at, and undone.
 * @throws {AppError} `not_found`
 */
export async function preview(
  { tenancy, steps }: Intake,
  caller: Caller,
  sourceId: string,
  delivery: Delivery,
): Promise<DeliveryResult & { response?: Response }> {
  const source = await tenancy.readWorkspace(caller, (tx) => findSource(tx, sourceId));
  if (source === undefined) throw noSuchSource();
  const parsed = await parseDelivery(delivery.body, delivery.headers, new Date());
  return tenancy.inWorkspace(callerFor(source, caller.requestId), async (tx) => {
    let shown: DeliveryResult & { response?: Response } = { outcome: "IGNORED" };
    const work = async () => {
      const settled = await settle(
        tx,
        source,
        { ...parsed, receivedAt: tx.now },
        { steps, options: LIVE, mode: "LIVE" },
      );
      const ids = settled.responseId === undefined ? [] : [settled.responseId];
      const [response] = await withCases(tx, await listResponsesById(tx, ids), steps);
      shown = { ...toResult(settled), ...(response === undefined ? {} : { response }) };
      throw new Undone();
    };
    await tx.attempt(work).catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
    const { responseId: _made, ...result } = shown;
    return result;
  });
}

export interface Replay {
  limit: number;
  /** The receipt after which it goes on. */
  after: string | undefined;
  outcomes: Parameters<typeof listReceipts>[2]["outcomes"];
  options: RecordingOptions;
}

/**
 * Reads receipts again, oldest first, by the mapping of today. Each is a transaction of its own, so that one
 * that fails costs no other. An event older than what is stored changes nothing; one as old is read anew.
 * @returns what became of them, and the receipt after which to go on
 * @throws {AppError} `not_found`
 */
export async function replay(
  { tenancy, steps }: Intake,
  caller: Caller,
  sourceId: string,
  { limit, after, outcomes, options }: Replay,
): Promise<Omit<ReplayResult, "nextCursor"> & { last: string | null }> {
  const { source, receipts } = await tenancy.readWorkspace(caller, async (tx) => ({
    source: await findSource(tx, sourceId),
    receipts: await listReceipts(tx, sourceId, { order: "OLDEST", limit, after, outcomes }),
  }));
  if (source === undefined) throw noSuchSource();
  const chosen = receipts.slice(0, limit);
  const counts: Record<string, number> = {};
  for (const receipt of chosen) {
    const parsed = await parseDelivery(receipt.body, receipt.headers, receipt.receivedAt);
    const { outcome } = await tenancy
      .inWorkspace(callerFor(source, caller.requestId), async (tx) => {
        const current = await lockSource(tx, source.id, "key share");
        if (current === undefined) throw noSuchSource();
        const settled = await settle(tx, current, parsed, { steps, options, mode: "REPLAY" });
        await saveReceipt(tx, settledReceipt(tx, receipt, settled));
        return settled;
      })
      .catch((error: unknown) => {
        if (error instanceof AppError && error.code !== "internal") throw error;
        return { outcome: "FAILED" as const };
      });
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  const entry = { action: "source.replayed", subjectType: "source", subjectId: sourceId };
  await tenancy.inWorkspace(caller, (tx) => recordAudit(tx, [{ ...entry, after: { replayed: chosen.length } }]));
  const last = receipts.length > limit ? (chosen.at(-1)?.id ?? null) : null;
  return { replayed: chosen.length, outcomes: counts, last };
}

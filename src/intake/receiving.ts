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
import type { DeliveryResult } from "./model.ts";
import { findSource, findSourceAnywhere, lockSource, saveReceipt } from "./queries.ts";
import { given } from "./reading.ts";
import { requireSource, secretsOf } from "./service.ts";
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
  return new AppError(
    "unauthenticated",
    "There is no such source, or this was not signed by it just now. Check the address, the secret and the clock of the sender.",
  );
}

/** In whose name a source's deliveries are recorded. */
export function callerFor(source: SourceRow, requestId: string | null): Caller {
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
  return { outcome, ...given({ responseId, reason }) };
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
  const source = requireSource(await tenancy.readWorkspace(caller, (tx) => findSource(tx, sourceId)));
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
      shown = { ...toResult(settled), ...given({ response }) };
      throw new Undone();
    };
    await tx.attempt(work).catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
    const { responseId: _made, ...result } = shown;
    return result;
  });
}

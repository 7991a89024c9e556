import { LRUCache } from "lru-cache";
import type { Gather } from "../platform/gathering.ts";
import { newId } from "../platform/ids.ts";
import { given } from "../platform/json.ts";
import { isId } from "../platform/schema.ts";
import type { SecretBox } from "../platform/secrets.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import type { RecordingSteps } from "../responses/index.ts";
import type { Settled } from "./deliveries.ts";
import type { DeliveryResult } from "./model.ts";
import { findSourceAnywhere, saveReceipt } from "./queries.ts";
import { type Arrival, notGenuine, receiptOf, receiveEach } from "./receivingEach.ts";
import type { SourceRow } from "./table.ts";
import type { Delivery } from "./vendors/index.ts";

/** What the slice is given by the composition root. */
export interface Intake {
  tenancy: Tenancy;
  steps: RecordingSteps;
  secrets: SecretBox;
  publicUrl: string | undefined;
}

const SOURCES_REMEMBERED_MAX = 10_000;

/**
 * Takes a delivery in: the signature first, over the bytes as they came; then its answer and the receipt in
 * one transaction.
 * @throws {AppError} `unauthenticated` for an unknown source and for what is not signed by it, which are not
 * told apart; `unavailable` or `internal` by a fault of ours: the receipt is kept if it can be, and the sender comes again
 */
type Receive = (sourceId: string, delivery: Delivery, requestId: string) => Promise<DeliveryResult>;

/** Takes in what sources send. */
export interface Receiver {
  receive: Receive;
  /** Whether something has come to it since the process began: to be asked without asking the database. */
  knows: (sourceId: string) => boolean;
}

/** Deliveries of one source that come in at once share a transaction, as `gather` has it. */
export function createReceiver({ tenancy, steps, secrets }: Intake, gather: Gather): Receiver {
  const receiveOne = gather(tenancy, (tx, batch: readonly Arrival[]) => receiveEach(tx, batch, { steps, secrets }));
  // Which it is of never changes. Everything else of a source is read with each delivery.
  const workspaceIds = new LRUCache<string, string>({ max: SOURCES_REMEMBERED_MAX });
  const findWorkspaceId = async (sourceId: string) => {
    const known = workspaceIds.get(sourceId);
    if (known !== undefined || !isId(sourceId)) return known;
    const source = await tenancy.acrossWorkspaces("find the workspace of a source", (tx) =>
      findSourceAnywhere(tx, sourceId),
    );
    if (source !== undefined) workspaceIds.set(sourceId, source.workspaceId);
    return source?.workspaceId;
  };

  const receive: Receive = async (sourceId, delivery, requestId) => {
    const workspaceId = await findWorkspaceId(sourceId);
    if (workspaceId === undefined) throw notGenuine();
    const caller = callerFor({ workspaceId, id: sourceId }, requestId);
    const arrival: Arrival = { id: newId(), delivery, isGenuine: false };
    try {
      return toResult(await receiveOne(caller, arrival));
    } catch (error) {
      // Of what nobody has signed nothing is kept.
      if (!arrival.isGenuine) throw error;
      const reason = "something went wrong here; it can be replayed";
      // Where even this cannot be written, the sender still has it.
      await tenancy
        .inWorkspace(caller, (tx) => saveReceipt(tx, { ...receiptOf(tx, arrival), reason }))
        .catch(() => undefined);
      throw error;
    }
  };
  return { receive, knows: (sourceId) => workspaceIds.has(sourceId) };
}

/** In whose name a source's deliveries are recorded. */
export function callerFor(
  { workspaceId, id }: Pick<SourceRow, "workspaceId" | "id">,
  requestId: string | null,
): Caller {
  return { workspaceId, actor: { kind: "source", id }, requestId };
}

export function toResult({ outcome, reason, responseId }: Settled): DeliveryResult {
  return { outcome, ...given({ responseId, reason }) };
}

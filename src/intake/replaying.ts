import { AppError } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { Caller } from "../platform/tenancy.ts";
import type { RecordingOptions } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import { parseDelivery, settledReceipt } from "./deliveries.ts";
import type { ReplayResult } from "./model.ts";
import {
  findReceipt,
  findSource,
  listReceiptIds,
  lockAnswers,
  lockReceipt,
  lockSource,
  saveReceipt,
} from "./queries.ts";
import { callerFor, type Intake } from "./receiving.ts";
import { requireSource } from "./service.ts";
import { settle } from "./settling.ts";

export interface Replay {
  limit: number;
  /** The receipt after which it goes on. */
  after: string | undefined;
  outcomes: Parameters<typeof listReceiptIds>[2]["outcomes"];
  options: RecordingOptions;
  /** Is told of a receipt that could not be read by a fault of ours. */
  log: Pick<Logger, "error">;
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
  { limit, after, outcomes, options, log }: Replay,
): Promise<Omit<ReplayResult, "nextCursor"> & { last: string | null }> {
  const { source, ids } = await tenancy.readWorkspace(caller, async (tx) => ({
    source: requireSource(await findSource(tx, sourceId)),
    ids: await listReceiptIds(tx, sourceId, { limit, after, outcomes }),
  }));
  const chosen = ids.slice(0, limit);
  const counts: Record<string, number> = {};
  for (const id of chosen) {
    const outcome = await tenancy
      .inWorkspace(callerFor(source, caller.requestId), async (tx) => {
        const current = requireSource(await lockSource(tx, source.id, "key share"));
        const found = await findReceipt(tx, source.id, id);
        // Its answer before itself, as whoever records that takes them.
        if (typeof found?.externalId === "string") await lockAnswers(tx, source.id, [found.externalId]);
        const receipt = await lockReceipt(tx, source.id, id);
        // Gone meanwhile, by age or with its person.
        if (receipt === undefined) return undefined;
        const parsed = await parseDelivery(receipt.body, receipt.headers, receipt.receivedAt, current.vendor);
        const isUnused = receipt.outcome === "IGNORED" || receipt.outcome === "FAILED";
        const settled = await settle(tx, current, { ...parsed, isUnused }, { steps, options, mode: "REPLAY" });
        await saveReceipt(tx, settledReceipt(tx, receipt, settled));
        return settled.outcome;
      })
      .catch((error: unknown) => {
        if (error instanceof AppError && error.code !== "internal") throw error;
        log.error({ err: error, receipt_id: id }, "a receipt could not be read again");
        return "FAILED" as const;
      });
    if (outcome !== undefined) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  const entry = { action: "source.replayed", subjectType: "source", subjectId: sourceId };
  await tenancy.inWorkspace(caller, (tx) => recordAudit(tx, [{ ...entry, after: { replayed: chosen.length } }]));
  const last = ids.length > limit ? (chosen.at(-1) ?? null) : null;
  return { replayed: chosen.length, outcomes: counts, last };
}

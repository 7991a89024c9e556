import { once } from "node:events";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { sql } from "drizzle-orm";
import { AppError } from "../platform/errors.ts";
import { boundMemory } from "../platform/memory.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";

/** Each holds a connection for as long as its reader takes; the rest of the pool is for everybody else. */
const EXPORTS_MAX = 5;
/** Of one workspace: whose readers are slow must leave some to others. */
const OWN_EXPORTS_MAX = 4;
/** A reader who takes nothing for so long is gone. */
const SILENCE_MS = 60_000;

/** The workspaces of those that are being written. */
const underWay: string[] = [];

/**
 * Writes the text to `out` in one transaction, so that all of it is of one moment, and as fast as it is
 * taken: no more than a page is in memory.
 * @throws {AppError} `unavailable` where whoever reads it takes nothing any more
 */
export async function writeExport(
  tenancy: Tenancy,
  caller: Caller,
  texts: (tx: WorkspaceTx) => AsyncIterable<string>,
  out: Writable,
  onBegun: () => void = () => undefined,
): Promise<void> {
  const gone = new AbortController();
  out.once("close", () => gone.abort());
  let isBegun = false;
  // From the primary: a replica gives up what reads for long while it replays.
  await tenancy.readWorkspace({ ...caller, readsAfter: undefined }, async (tx) => {
    // A transaction that is run again would write the beginning a second time.
    if (isBegun) throw new AppError("unavailable", "The export was interrupted. Try again.");
    // While the reader takes its time, the transaction is idle.
    await tx.run(sql`/* exports.allowPauses */ set local idle_in_transaction_session_timeout = '70s'`);
    for await (const text of texts(tx)) {
      gone.signal.throwIfAborted();
      boundMemory();
      if (!isBegun) onBegun();
      isBegun = true;
      if (!out.write(text)) {
        const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(SILENCE_MS)]);
        await once(out, "drain", { signal });
      }
    }
  });
}

/** The same as a stream, which is there once the first page is. */
export async function streamExport(
  tenancy: Tenancy,
  caller: Caller,
  texts: (tx: WorkspaceTx) => AsyncIterable<string>,
): Promise<Readable> {
  const { workspaceId } = caller;
  const own = underWay.filter((id) => id === workspaceId).length;
  if (underWay.length >= EXPORTS_MAX || own >= OWN_EXPORTS_MAX) {
    throw new AppError(
      "unavailable",
      `${own >= OWN_EXPORTS_MAX ? own : EXPORTS_MAX} exports are under way, and no more are written at once. Try again when one has ended.`,
    );
  }
  underWay.push(workspaceId);
  const stream = new PassThrough();
  const begun = Promise.withResolvers<void>();
  const write = async () => {
    try {
      await writeExport(tenancy, caller, texts, stream, begun.resolve);
      begun.resolve();
      stream.end();
    } catch (error) {
      begun.reject(error);
      stream.destroy(error as Error);
    } finally {
      underWay.splice(underWay.indexOf(workspaceId), 1);
    }
  };
  // Fails by the promise before it has begun, and by the stream afterwards, which has no reader until then.
  stream.on("error", () => undefined);
  void write();
  await begun.promise;
  return stream;
}

import type { Logger } from "../platform/logger.ts";
import { boundMemory } from "../platform/memory.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { type RecordingSteps, type RecordResult, recordBatch } from "../responses/index.ts";
import type { Rejection } from "./model.ts";
import { deleteChunks, failImport, type ImportRow, insertRejections } from "./queries.ts";
import { readRows } from "./rows.ts";
import {
  addProgress,
  claimImport,
  type DueImport,
  findDueImport,
  listWaitingImports,
  markEmptied,
  nextChunk,
} from "./workQueries.ts";

/** So long a run goes on while there is work: then the worker may stop between two runs. */
const RUN_MS = 1_000;
/** Far more than fail for good: those are always among the oldest. */
const IMPORTS_PER_LOOK = 1_000;
const DELETED_AT_ONCE = 100;
const NEVER = new AbortController().signal;

/** An import as a job knows it. */
export interface ImportJob {
  workspaceId: string;
  id: string;
}

type FaultLog = Pick<Logger, "error">;

/** Imports that wait for a worker: new ones, and those that one left. */
export async function findWaitingImports(tenancy: Tenancy): Promise<ImportJob[]> {
  const left = await tenancy.acrossWorkspaces("find what is due", (tx) => listWaitingImports(tx, IMPORTS_PER_LOOK));
  return left.map(({ workspaceId, id }) => ({ workspaceId, id }));
}

/**
 * Records one import, chunk by chunk, for a second at the most: then others have their turn. A chunk goes in the
 * transaction that records its rows, and its import is locked meanwhile: several processes may do this at once with the
 * same import, and one that dies has done nothing twice.
 * @param logger is told why a row was rejected by a fault of ours, and which row, but nothing of what it says
 * @returns whether there is more to do, and nobody else does it
 * @throws what stands in the way of its next chunk; those before it are recorded
 */
export async function workImport(
  tenancy: Tenancy,
  steps: RecordingSteps,
  { workspaceId, id }: ImportJob,
  { signal = NEVER, logger }: { signal?: AbortSignal; logger?: FaultLog | undefined } = {},
): Promise<boolean> {
  const until = performance.now() + RUN_MS;
  do {
    const due = await tenancy.acrossWorkspaces("find what is due", (tx) => findDueImport(tx, workspaceId, id));
    const isWorked =
      due !== undefined && (await tenancy.inWorkspace(callerOf(due), (tx) => workOne(tx, due, steps, logger)));
    if (!isWorked) return false;
    boundMemory();
  } while (performance.now() < until && !signal.aborted);
  return true;
}

function callerOf({ workspaceId, actorKind, actorId }: DueImport): Caller {
  return { workspaceId, actor: { kind: actorKind, id: actorId }, requestId: null };
}

/** @returns false where somebody else has it */
async function workOne(
  tx: WorkspaceTx,
  { id, status }: DueImport,
  steps: RecordingSteps,
  logger: FaultLog | undefined,
): Promise<boolean> {
  if (status === "RECEIVING") {
    await failImport(tx, id, "The upload broke off before its end. Send it again.");
    return true;
  }
  if (status === "FAILED") {
    if ((await deleteChunks(tx, id, DELETED_AT_ONCE)) < DELETED_AT_ONCE) await markEmptied(tx, id);
    return true;
  }
  const row = await claimImport(tx, id);
  if (row === undefined) return false;
  await recordChunk(tx, row, steps, logger);
  return true;
}

async function recordChunk(
  tx: WorkspaceTx,
  row: ImportRow,
  steps: RecordingSteps,
  logger: FaultLog | undefined,
): Promise<void> {
  const chunk = await nextChunk(tx, row.id);
  if (chunk === undefined || row.bytesSha256 === null) {
    await addProgress(tx, row, { created: 0, existing: 0, rejected: 0, isDone: true });
    return;
  }
  const rows = readRows({ ...row, bytesSha256: row.bytesSha256 }, chunk.body, chunk.firstLine);
  const readable = rows.flatMap((read) => ("input" in read ? read : []));
  const { followUp, events } = row.options;
  const inputs = readable.map(({ input }) => input);
  const results = await recordBatch(tx, inputs, steps, { followUp, events });

  const rejections: Rejection[] = rows.flatMap((read) => ("reason" in read ? read : []));
  for (const [index, result] of results.entries()) {
    if (result.status !== "rejected") continue;
    const { line = 0 } = readable[index] ?? {};
    rejections.push({ line, reason: describe(result.error) });
    if (result.error.code === "internal") {
      logger?.error({ err: result.error, import_id: row.id, line }, "a row was rejected by a fault of ours");
    }
  }
  await insertRejections(tx, row.id, rejections);
  await deleteChunks(tx, row.id, 1);
  const count = (status: RecordResult["status"]) => results.filter((result) => result.status === status).length;
  await addProgress(tx, row, {
    created: count("created"),
    existing: count("existing"),
    rejected: rejections.length,
    isDone: chunk.isLast,
  });
}

/** Without what the row says: a reason is kept when the row is not. */
function describe({ code, message }: Extract<RecordResult, { status: "rejected" }>["error"]): string {
  return code === "conflict" ? "Another answer is recorded under this source and externalId." : message;
}

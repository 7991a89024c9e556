import { Failures } from "../platform/failures.ts";
import type { Logger } from "../platform/logger.ts";
import { boundMemory } from "../platform/memory.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import {
  type ExclusionInput,
  type RecordingSteps,
  type RecordResult,
  recordBatch,
  restoreExclusions,
} from "../responses/index.ts";
import type { Rejection } from "./model.ts";
import {
  addProgress,
  claimImport,
  deleteChunks,
  failImport,
  findDueImport,
  type ImportRow,
  insertRejections,
  listDueImports,
  listLeftImports,
  markEmptied,
  nextChunk,
} from "./queries.ts";
import { readRows } from "./rows.ts";

/** So long a run goes on while there is work: then the worker may stop between two runs. */
const RUN_MS = 1_000;
/** Each of so many gets its turn in a round. */
const IMPORTS_PER_ROUND_MAX = 50;
const DELETED_AT_ONCE = 100;

/** An import as a job knows it. */
export interface ImportJob {
  workspaceId: string;
  id: string;
}

type FaultLog = Pick<Logger, "error">;
type Due = Awaited<ReturnType<typeof listDueImports>>[number];

/**
 * Records what was received, a chunk of each import in turn, so that a small one need not wait for a large
 * one. A chunk goes in the transaction that records its rows, and its import is locked meanwhile: any number
 * of workers may do this at once, and one that dies has done nothing twice.
 * @param logger is told why a row was rejected by a fault of ours, and which row, but nothing of what it says
 * @returns how many rows were recorded or rejected
 */
export async function workImports(tenancy: Tenancy, steps: RecordingSteps, logger?: FaultLog): Promise<number> {
  const until = performance.now() + RUN_MS;
  const failures = new Failures();
  let count = 0;
  let isIdle = false;
  while (!isIdle && performance.now() < until) {
    isIdle = true;
    const due = await tenancy.acrossWorkspaces("find what is due", (tx) => listDueImports(tx, IMPORTS_PER_ROUND_MAX));
    for (const one of due) {
      if (failures.has(one.id)) continue;
      const done = await failures.keep(one.id, () =>
        tenancy.inWorkspace(callerOf(one), (tx) => workOne(tx, one, steps, logger)),
      );
      count += done ?? 0;
      boundMemory();
      if (done !== undefined) isIdle = false;
    }
  }
  failures.end();
  return count;
}

/** Imports that wait for a worker: new ones, and those that one left. */
export async function findWaitingImports(tenancy: Tenancy): Promise<ImportJob[]> {
  const left = await tenancy.acrossWorkspaces("find what is due", (tx) => listLeftImports(tx, IMPORTS_PER_ROUND_MAX));
  return left.map(({ workspaceId, id }) => ({ workspaceId, id }));
}

/**
 * Records one import, chunk by chunk, for a second at the most: then others have their turn. Safe to do for the same
 * import in several processes at once, as `workImports` is.
 * @returns whether there is more to do, and nobody else does it
 * @throws what stands in the way of its next chunk; those before it are recorded
 */
export async function workImport(
  tenancy: Tenancy,
  steps: RecordingSteps,
  { workspaceId, id }: ImportJob,
  { signal, logger }: { signal: AbortSignal; logger?: FaultLog },
): Promise<boolean> {
  const until = performance.now() + RUN_MS;
  do {
    const due = await tenancy.acrossWorkspaces("find what is due", (tx) => findDueImport(tx, workspaceId, id));
    const done = due && (await tenancy.inWorkspace(callerOf(due), (tx) => workOne(tx, due, steps, logger)));
    if (done === undefined) return false;
    boundMemory();
  } while (performance.now() < until && !signal.aborted);
  return true;
}

function callerOf({ workspaceId, actorKind, actorId }: Due): Caller {
  return { workspaceId, actor: { kind: actorKind, id: actorId }, requestId: null };
}

/** @returns how many rows it was, or undefined where somebody else has it */
async function workOne(
  tx: WorkspaceTx,
  { id, status }: Due,
  steps: RecordingSteps,
  logger: FaultLog | undefined,
): Promise<number | undefined> {
  if (status === "RECEIVING") {
    await failImport(tx, id, "The upload broke off before its end.");
    return 0;
  }
  if (status === "FAILED") {
    if ((await deleteChunks(tx, id, DELETED_AT_ONCE)) < DELETED_AT_ONCE) await markEmptied(tx, id);
    return 0;
  }
  const row = await claimImport(tx, id);
  return row && recordChunk(tx, row, steps, logger);
}

async function recordChunk(
  tx: WorkspaceTx,
  row: ImportRow,
  steps: RecordingSteps,
  logger: FaultLog | undefined,
): Promise<number> {
  const chunk = await nextChunk(tx, row.id);
  if (chunk === undefined || row.bytesSha256 === null) {
    await addProgress(tx, row, { created: 0, existing: 0, rejected: 0, isDone: true });
    return 0;
  }
  const rows = readRows({ ...row, bytesSha256: row.bytesSha256 }, chunk.body, chunk.firstLine);
  const readable = rows.flatMap((read) => ("input" in read ? read : []));
  const { followUp, events } = row.options;
  const inputs = readable.map(({ input }) => input);
  const results = await recordBatch(tx, inputs, steps, { followUp, events });

  const exclusions = new Map<string, ExclusionInput>();
  const rejections: Rejection[] = rows.flatMap((read) => ("reason" in read ? read : []));
  for (const [index, result] of results.entries()) {
    const { line = 0, exclusion = null } = readable[index] ?? {};
    if (result.status === "rejected") {
      rejections.push({ line, reason: describe(result.error) });
      if (result.error.code === "internal") {
        logger?.error({ err: result.error, import_id: row.id, line }, "a row was rejected by a fault of ours");
      }
    } else if (result.status === "created" && exclusion !== null) exclusions.set(result.response.id, exclusion);
  }
  await restoreExclusions(tx, exclusions);
  await insertRejections(tx, row.id, rejections);
  await deleteChunks(tx, row.id, 1);
  const count = (status: RecordResult["status"]) => results.filter((result) => result.status === status).length;
  await addProgress(tx, row, {
    created: count("created"),
    existing: count("existing"),
    rejected: rejections.length,
    isDone: chunk.isLast,
  });
  return rows.length;
}

/** Without what the row says: a reason is kept when the row is not. */
function describe({ code, message }: Extract<RecordResult, { status: "rejected" }>["error"]): string {
  return code === "conflict" ? "Another answer is recorded under this source and externalId." : message;
}

import { and, asc, eq, sql } from "drizzle-orm";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { type ImportRow, ownImport } from "./queries.ts";
import { importChunks, imports } from "./table.ts";

/** So long after the last heartbeat whoever received an import is taken for dead. */
const DEAD_AFTER_SECONDS = 60;

export type DueImport = Pick<ImportRow, "workspaceId" | "id" | "status" | "actorKind" | "actorId">;

const DUE = sql`(status in ('QUEUED', 'RUNNING') or (status = 'FAILED' and not is_emptied)
  or (status = 'RECEIVING' and touched_at < now() - make_interval(secs => ${DEAD_AFTER_SECONDS})))`;
const DUE_COLUMNS = sql`workspace_id as "workspaceId", id, status, actor_kind as "actorKind", actor_id as "actorId"`;

/** So long after the last chunk nobody works on an import. */
const LEFT_AFTER_SECONDS = 1;

/** In all workspaces what there is to do and nobody works on, who waited longest first. */
export async function listWaitingImports(tx: SystemTx, limit: number): Promise<DueImport[]> {
  return tx.run(sql`/* imports.listWaitingImports */
    select ${DUE_COLUMNS} from imports where ${DUE}
      and not (status = 'RUNNING' and touched_at > now() - make_interval(secs => ${LEFT_AFTER_SECONDS}))
    order by touched_at limit ${limit}`);
}

/** How long the import that waits longest has had no turn, in seconds; 0 where none waits. */
export async function secondsImportsWait(tx: SystemTx): Promise<number> {
  const [row] = await tx.run<{ seconds: number }>(sql`/* imports.secondsImportsWait */
    select greatest(0, extract(epoch from now() - min(touched_at)))::float8 as seconds
    from imports where status in ('QUEUED', 'RUNNING')`);
  return row?.seconds ?? 0;
}

/** What there is to do with this import; undefined where there is nothing. */
export async function findDueImport(tx: SystemTx, workspaceId: string, id: string): Promise<DueImport | undefined> {
  const [due] = await tx.run<DueImport>(sql`/* imports.findDueImport */
    select ${DUE_COLUMNS} from imports where workspace_id = ${workspaceId} and id = ${id} and ${DUE}`);
  return due;
}

/** The import, locked against other workers until the transaction ends; undefined where one has it or it is done. */
export async function claimImport(tx: WorkspaceTx, id: string): Promise<ImportRow | undefined> {
  const rows = await tx.db
    .select()
    .from(imports)
    .where(and(ownImport(tx, id), sql`${imports.status} in ('QUEUED', 'RUNNING')`))
    .for("update", { skipLocked: true });
  return rows[0];
}

/** The first of the chunks that are left, and whether it is the last. */
export async function nextChunk(tx: WorkspaceTx, id: string) {
  const left = and(eq(importChunks.workspaceId, tx.workspaceId), eq(importChunks.importId, id));
  const numbers = await tx.db
    .select({ n: importChunks.n })
    .from(importChunks)
    .where(left)
    .orderBy(asc(importChunks.n))
    .limit(2);
  const [first, second] = numbers;
  if (first === undefined) return undefined;
  const [chunk] = await tx.db
    .select()
    .from(importChunks)
    .where(and(left, eq(importChunks.n, first.n)));
  return chunk && { ...chunk, isLast: second === undefined };
}

export interface Progress {
  created: number;
  existing: number;
  rejected: number;
  isDone: boolean;
}

/** Adds what became of a chunk, with the chunk's deletion. */
export async function addProgress(tx: WorkspaceTx, row: ImportRow, progress: Progress): Promise<void> {
  await tx.db
    .update(imports)
    .set({
      created: sql`${imports.created} + ${progress.created}`,
      existing: sql`${imports.existing} + ${progress.existing}`,
      rejected: sql`${imports.rejected} + ${progress.rejected}`,
      status: progress.isDone ? "DONE" : "RUNNING",
      startedAt: row.startedAt ?? tx.now,
      finishedAt: progress.isDone ? tx.now : null,
      touchedAt: tx.now,
    })
    .where(ownImport(tx, row.id));
}

/** Of one that FAILED: nothing of the file is kept any more. */
export async function markEmptied(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db.update(imports).set({ isEmptied: true }).where(ownImport(tx, id));
}

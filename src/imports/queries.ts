import { and, asc, desc, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import { newRows } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Import, ImportFormat, ImportOptions, Rejection } from "./model.ts";
import { importChunks, importRejections, imports } from "./table.ts";

export type ImportRow = typeof imports.$inferSelect;

/** The row of this import. */
export function ownImport(tx: WorkspaceTx, id: string): SQL | undefined {
  return and(eq(imports.workspaceId, tx.workspaceId), eq(imports.id, id));
}

export interface NewImport {
  id: string;
  format: ImportFormat;
  options: ImportOptions;
  columns: string[] | null;
  delimiter: string | null;
}

/** A new import, which is RECEIVING. */
export async function insertImport(tx: WorkspaceTx, created: NewImport): Promise<void> {
  await tx.db.insert(imports).values({
    ...created,
    workspaceId: tx.workspaceId,
    status: "RECEIVING",
    actorKind: tx.actor.kind,
    actorId: tx.actor.id,
    received: 0,
    created: 0,
    existing: 0,
    rejected: 0,
    isEmptied: false,
    createdAt: tx.now,
    touchedAt: tx.now,
  });
}

/** What was received since the last time; the rows with a fault are not in the body. */
export interface NewChunk {
  n: number;
  firstLine: number;
  body: Buffer;
  received: number;
  faults: readonly Rejection[];
}

/** Keeps a part of the file. @returns false where the import is not being received any more */
export async function insertChunk(tx: WorkspaceTx, id: string, chunk: NewChunk): Promise<boolean> {
  const { n, firstLine, body, received, faults } = chunk;
  const alive = await tx.db
    .update(imports)
    .set({
      received: sql`${imports.received} + ${received}`,
      rejected: sql`${imports.rejected} + ${faults.length}`,
      touchedAt: tx.now,
    })
    .where(and(ownImport(tx, id), eq(imports.status, "RECEIVING")))
    .returning({ id: imports.id });
  if (alive.length === 0) return false;
  if (body.length > 0) {
    await tx.db.insert(importChunks).values({ workspaceId: tx.workspaceId, importId: id, n, firstLine, body });
  }
  await insertRejections(tx, id, faults);
  return true;
}

/** Keeps which rows were not recorded, and why. */
export async function insertRejections(tx: WorkspaceTx, id: string, rejections: readonly Rejection[]): Promise<void> {
  if (rejections.length === 0) return;
  await tx.run(sql`/* imports.insertRejections */
    insert into import_rejections (workspace_id, import_id, line, reason)
    select workspace_id, ${id}, line, reason from ${newRows(tx.workspaceId, {
      line: ["bigint", rejections.map(({ line }) => line)],
      reason: ["text", rejections.map(({ reason }) => reason)],
    })}`);
}

/** Says that bytes still come in. */
export async function touchImport(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db
    .update(imports)
    .set({ touchedAt: tx.now })
    .where(and(ownImport(tx, id), eq(imports.status, "RECEIVING")));
}

/** @returns false where the import is not being received any more */
export async function queueImport(
  tx: WorkspaceTx,
  id: string,
  { bytesSha256, fingerprint }: { bytesSha256: Buffer; fingerprint: Buffer | null },
): Promise<boolean> {
  const queued = await tx.db
    .update(imports)
    .set({ status: "QUEUED", bytesSha256, fingerprint, touchedAt: tx.now })
    .where(and(ownImport(tx, id), eq(imports.status, "RECEIVING")))
    .returning({ id: imports.id });
  return queued.length > 0;
}

/** Ends an upload as FAILED, for this reason; one that has ended already stays as it is. */
export async function failImport(tx: WorkspaceTx, id: string, failure: string): Promise<void> {
  await tx.db
    .update(imports)
    .set({ status: "FAILED", failure, finishedAt: tx.now, touchedAt: tx.now })
    .where(and(ownImport(tx, id), eq(imports.status, "RECEIVING")));
}

/** Deletes so many chunks. @returns how many there were */
export async function deleteChunks(tx: WorkspaceTx, id: string, limit: number): Promise<number> {
  const deleted = await tx.run(sql`/* imports.deleteChunks */
    delete from import_chunks where workspace_id = ${tx.workspaceId} and import_id = ${id} and n in (
      select n from import_chunks where workspace_id = ${tx.workspaceId} and import_id = ${id} order by n limit ${limit}
    ) returning n`);
  return deleted.length;
}

/** Deletes an import that has no chunks. */
export async function deleteImport(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db
    .delete(importRejections)
    .where(and(eq(importRejections.workspaceId, tx.workspaceId), eq(importRejections.importId, id)));
  await tx.db.delete(imports).where(ownImport(tx, id));
}

function toImport(row: ImportRow): Import {
  const { id, status, format, received, created, existing, rejected, failure } = row;
  return {
    id,
    status,
    format,
    received,
    created,
    existing,
    rejected,
    failure,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

export async function findImport(tx: WorkspaceTx, id: string): Promise<Import | undefined> {
  const [row] = await tx.db.select().from(imports).where(ownImport(tx, id));
  return row && toImport(row);
}

/** The import of the same bytes and query, where there is one. */
export async function findSameImport(tx: WorkspaceTx, fingerprint: Buffer): Promise<Import | undefined> {
  const same = and(eq(imports.workspaceId, tx.workspaceId), eq(imports.fingerprint, fingerprint));
  const [row] = await tx.db.select().from(imports).where(same);
  return row && toImport(row);
}

/** Newest first, one row more than `limit` where there are more. */
export async function listImports(
  tx: WorkspaceTx,
  { limit, after }: { limit: number; after?: Cursor | undefined },
): Promise<Import[]> {
  const before = after && sql`(${imports.createdAt}, ${imports.id}) < (${after.value}::timestamptz, ${after.id}::uuid)`;
  const rows = await tx.db
    .select()
    .from(imports)
    .where(and(eq(imports.workspaceId, tx.workspaceId), before))
    .orderBy(desc(imports.createdAt), desc(imports.id))
    .limit(limit + 1);
  return rows.map(toImport);
}

/** In the order of the file, after this line, one row more than `limit` where there are more. */
export async function listRejections(
  tx: WorkspaceTx,
  id: string,
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<Rejection[]> {
  const { line, reason } = importRejections;
  return tx.db
    .select({ line, reason })
    .from(importRejections)
    .where(and(eq(importRejections.workspaceId, tx.workspaceId), eq(importRejections.importId, id), gt(line, after)))
    .orderBy(asc(line))
    .limit(limit + 1);
}

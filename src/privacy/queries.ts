import { sql } from "drizzle-orm";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import type { KnownAnswer } from "../responses/index.ts";
import type { Retention } from "../workspaces/index.ts";
import type { Counts, Erasure } from "./model.ts";

/** Whom copies are looked for of, and by what. It is kept until they are gone, and no longer. */
export interface Target {
  personId: string;
  shellId: string;
  externalId: string | null;
  email: string | null;
  phone: string | null;
  answers: KnownAnswer[];
  caseIds: string[];
}

/** Writes down that a person was erased, and what copies are still to be looked for by. */
export async function insertErasure(tx: WorkspaceTx, id: string, counts: Counts, target: Target): Promise<void> {
  // Of the server where the workspace lies, as it is asked below: on a cluster that is not the one that is spoken to.
  const [erasing] = await tx.run<{ transaction: string }>(sql`/* privacy.findTransaction */
    select pg_current_xact_id()::text as transaction from workspaces where id = ${tx.workspaceId}`);
  if (erasing === undefined) throw new Error("the workspace is gone");
  await tx.run(sql`/* privacy.insertErasure */
    insert into erasures (workspace_id, id, status, counts, target, erased_by, requested_at)
    values (${tx.workspaceId}, ${id}, 'RUNNING', ${JSON.stringify(counts)}, ${JSON.stringify(target)},
      ${erasing.transaction}::xid8, ${tx.now})`);
}

export async function findErasure(tx: WorkspaceTx, id: string): Promise<Erasure | undefined> {
  const [row] = await tx.run<
    Omit<Erasure, "requestedAt" | "finishedAt"> & { requestedAt: Date; finishedAt: Date | null }
  >(sql`/* privacy.findErasure */
    select id, status, counts, requested_at as "requestedAt", finished_at as "finishedAt" from erasures
    where workspace_id = ${tx.workspaceId} and id = ${id}`);
  if (row === undefined) return undefined;
  const { requestedAt, finishedAt, ...erasure } = row;
  return {
    ...erasure,
    requestedAt: requestedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

/** What is still to be looked for, and whether every transaction that may have written a copy before has ended. */
export async function findTarget(
  tx: WorkspaceTx,
  id: string,
): Promise<{ target: Target; isSettled: boolean } | undefined> {
  const [row] = await tx.run<{ target: Target; isSettled: boolean }>(sql`/* privacy.findTarget */
    select target, erased_by < pg_snapshot_xmin(pg_current_snapshot()) as "isSettled" from erasures
    where workspace_id = ${tx.workspaceId} and id = ${id} and status = 'RUNNING'`);
  return row;
}

/** Of two that finish the same one, the first counts. */
export async function finishErasure(tx: WorkspaceTx, id: string, found: Counts): Promise<void> {
  const [row] = await tx.run<{ counts: Counts }>(sql`/* privacy.lockErasure */
    select counts from erasures
    where workspace_id = ${tx.workspaceId} and id = ${id} and status = 'RUNNING' for update`);
  if (row === undefined) return;
  const counts = addCounts(row.counts, found);
  await tx.run(sql`/* privacy.finishErasure */
    update erasures set status = 'DONE', target = null, counts = ${JSON.stringify(counts)}::jsonb, finished_at = ${tx.now}
    where workspace_id = ${tx.workspaceId} and id = ${id}`);
}

/** Both together, name by name. */
export function addCounts(a: Counts, b: Counts): Counts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}

/** In all workspaces, who waited longest first. */
export async function listRunningErasures(tx: SystemTx, limit: number): Promise<{ workspaceId: string; id: string }[]> {
  return tx.run(sql`/* privacy.listRunningErasures */
    select workspace_id as "workspaceId", id from erasures where status = 'RUNNING' order by requested_at limit ${limit}`);
}

/** What the workspace of the transaction says of how long things are kept. */
export async function getRetention(tx: WorkspaceTx): Promise<Retention> {
  const [row] = await tx.run<{ retention: Retention }>(sql`/* privacy.getRetention */
    select retention from workspaces where id = ${tx.workspaceId}`);
  return row?.retention ?? {};
}

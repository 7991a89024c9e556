import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf, newRows } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Improvement, ImprovementStatus, RootCause } from "./model.ts";
import { improvementCauses, improvements, rootCauses } from "./table.ts";

const rootCause = { key: rootCauses.key, label: rootCauses.label, parentKey: rootCauses.parentKey };
/** The same order on every server, whatever its language. */
const byKey = sql`${rootCauses.key} collate "C"`;

export async function listRootCauses(tx: WorkspaceTx, keys: readonly string[]): Promise<RootCause[]> {
  if (keys.length === 0) return [];
  return tx.db
    .select(rootCause)
    .from(rootCauses)
    .where(and(eq(rootCauses.workspaceId, tx.workspaceId), sql`${rootCauses.key} = ${anyOf("text", keys)}`));
}

/** In the order of their keys, from after `after`; one row more than `limit` where there are more. */
export async function listRootCausesPage(
  tx: WorkspaceTx,
  limit: number,
  after: string | undefined,
): Promise<RootCause[]> {
  return tx.db
    .select(rootCause)
    .from(rootCauses)
    .where(and(eq(rootCauses.workspaceId, tx.workspaceId), after === undefined ? undefined : sql`${byKey} > ${after}`))
    .orderBy(byKey)
    .limit(limit + 1);
}

/** The whole tree, locked until the transaction ends, so that no two changes make a circle together. */
export async function lockRootCauses(tx: WorkspaceTx): Promise<RootCause[]> {
  return tx.db
    .select(rootCause)
    .from(rootCauses)
    .where(eq(rootCauses.workspaceId, tx.workspaceId))
    .orderBy(rootCauses.key)
    .for("update");
}

export async function upsertRootCause(tx: WorkspaceTx, { key, label, parentKey }: RootCause): Promise<void> {
  await tx.run(sql`/* causes.upsertRootCause */
    insert into root_causes (workspace_id, key, label, parent_key, created_at, updated_at)
    values (${tx.workspaceId}, ${key}, ${label}, ${parentKey}, ${tx.now}, ${tx.now})
    on conflict (workspace_id, key) do update
    set label = excluded.label, parent_key = excluded.parent_key, updated_at = excluded.updated_at`);
}

/** These root causes and everything below them, as a query of their keys: `column in (…)`. */
export function keysBelow(tx: WorkspaceTx, roots: SQL): SQL {
  return sql`(with recursive below as (
      select key from root_causes where workspace_id = ${tx.workspaceId} and key in (${roots})
      union
      select child.key from root_causes as child join below on child.workspace_id = ${tx.workspaceId} and child.parent_key = below.key
    ) select key from below)`;
}

/** Newest first, one row more than `limit` where there are more. */
export async function listImprovements(
  tx: WorkspaceTx,
  statuses: readonly ImprovementStatus[] | undefined,
  { limit, after }: { limit: number; after?: Cursor | undefined },
): Promise<Improvement[]> {
  const { createdAt, id, status } = improvements;
  const beyond = after && sql`(${createdAt}, ${id}) < (${after.value}::timestamptz, ${after.id}::uuid)`;
  return selectImprovements(tx, and(statuses && sql`${status} = ${anyOf("text", statuses)}`, beyond), limit + 1);
}

/** Those of the ids that exist here, in no order. */
export async function listImprovementsById(tx: WorkspaceTx, ids: readonly string[]): Promise<Improvement[]> {
  if (ids.length === 0) return [];
  return selectImprovements(tx, sql`${improvements.id} = ${anyOf("uuid", ids)}`, ids.length);
}

/** Locks the improvement until the transaction ends; false where there is none. */
export async function lockImprovement(tx: WorkspaceTx, id: string): Promise<boolean> {
  const rows = await tx.db
    .select({ id: improvements.id })
    .from(improvements)
    .where(and(eq(improvements.workspaceId, tx.workspaceId), eq(improvements.id, id)))
    .for("update");
  return rows.length > 0;
}

async function selectImprovements(tx: WorkspaceTx, where: SQL | undefined, limit: number): Promise<Improvement[]> {
  const { id, version, title, status, shippedAt, createdAt, updatedAt } = improvements;
  const keys = tx.db
    .select({ keys: sql`array_agg(${improvementCauses.rootCauseKey} order by ${improvementCauses.rootCauseKey})` })
    .from(improvementCauses)
    .where(
      and(eq(improvementCauses.workspaceId, tx.workspaceId), eq(improvementCauses.improvementId, improvements.id)),
    );
  const rows = await tx.db
    .select({ id, version, title, status, shippedAt, createdAt, updatedAt, keys: sql<string[] | null>`(${keys})` })
    .from(improvements)
    .where(and(eq(improvements.workspaceId, tx.workspaceId), where))
    .orderBy(desc(createdAt), desc(id))
    .limit(limit);
  return rows.map(({ keys: rootCauseKeys, ...row }) => ({
    id: row.id,
    version: row.version,
    title: row.title,
    status: row.status,
    rootCauseKeys: rootCauseKeys ?? [],
    shippedAt: row.shippedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }));
}

export async function insertImprovement(
  tx: WorkspaceTx,
  { id, title, rootCauseKeys }: { id: string; title: string; rootCauseKeys: readonly string[] },
): Promise<void> {
  const times = { createdAt: tx.now, updatedAt: tx.now };
  await tx.db
    .insert(improvements)
    .values({ workspaceId: tx.workspaceId, id, title, status: "PROPOSED", version: 1, ...times });
  await tx.run(sql`/* causes.insertImprovementCauses */
    insert into improvement_causes (workspace_id, improvement_id, root_cause_key)
    select workspace_id, ${id}, key from ${newRows(tx.workspaceId, { key: ["text", rootCauseKeys] })} order by key`);
}

export async function updateImprovementStatus(tx: WorkspaceTx, id: string, status: ImprovementStatus): Promise<void> {
  await tx.db
    .update(improvements)
    .set({
      status,
      version: sql`${improvements.version} + 1`,
      updatedAt: tx.now,
      ...(status === "SHIPPED" ? { shippedAt: tx.now } : {}),
    })
    .where(and(eq(improvements.workspaceId, tx.workspaceId), eq(improvements.id, id)));
}

/** Returns the ids of those who had not been told before. */
export async function insertTold(tx: WorkspaceTx, improvementId: string, personIds: readonly string[]) {
  const by = `${tx.actor.kind}:${tx.actor.id}`;
  const rows = await tx.run<{ personId: string }>(sql`/* causes.insertTold */
    insert into improvement_told (workspace_id, improvement_id, person_id, told_at, told_by)
    select workspace_id, ${improvementId}, person_id, ${tx.now}, ${by}
    from ${newRows(tx.workspaceId, { person_id: ["uuid", personIds] })} order by person_id
    on conflict do nothing returning person_id as "personId"`);
  return rows.map(({ personId }) => personId);
}

import { sql } from "drizzle-orm";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** Rows of one statement: an endpoint that was away for days may have more waiting than one has time for. */
const ROWS_PER_STATEMENT = 10_000;

/**
 * Deletes some of the deliveries of an endpoint, with their attempts.
 * @param before of those that were made before it; of all, where it is null
 * @returns how many; 0 when none is left
 */
export async function removeSomeDeliveries(tx: WorkspaceTx, endpointId: string, before: Date | null): Promise<number> {
  const gone = await tx.run<{ id: string }>(sql`/* webhooks.removeSomeDeliveries */
    delete from webhook_deliveries where workspace_id = ${tx.workspaceId} and id = any (array(
      select id from webhook_deliveries where workspace_id = ${tx.workspaceId} and endpoint_id = ${endpointId}
        ${before === null ? sql`` : sql`and created_at < ${before}`}
      order by created_at, id limit ${ROWS_PER_STATEMENT}))
    returning id`);
  const ids = gone.map(({ id }) => id);
  await unqueueDeliveries(tx, ids);
  return ids.length;
}

/**
 * Deletes some events of before this time, with their deliveries; one that is still to be sent has waited too long.
 * @returns how many events
 */
export async function removeSomeEvents(tx: WorkspaceTx, before: Date, limit: number): Promise<number> {
  const [row] = await tx.run<{ count: number; deliveryIds: string[] }>(sql`/* webhooks.removeSomeEvents */
    with gone as (
      delete from events where workspace_id = ${tx.workspaceId} and id = any (array(
        select id from events where workspace_id = ${tx.workspaceId} and occurred_at < ${before}
        order by occurred_at limit ${limit}))
      returning id
    ), undelivered as (
      delete from webhook_deliveries
      where workspace_id = ${tx.workspaceId} and event_id = any (array(select id from gone))
      returning id
    )
    select (select count(*) from gone) as count, array(select id from undelivered) as "deliveryIds"`);
  await unqueueDeliveries(tx, row?.deliveryIds ?? []);
  return row?.count ?? 0;
}

/** By itself, as the queue may lie on another server (`docs/scaling.md`). */
async function unqueueDeliveries(tx: WorkspaceTx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run(sql`/* webhooks.unqueueDeliveries */
    delete from delivery_queue where workspace_id = ${tx.workspaceId} and delivery_id = ${anyOf("uuid", ids)}`);
}

/** Every endpoint of the workspace, whatever its status. */
export async function listEndpointIds(tx: WorkspaceTx): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* webhooks.listEndpointIds */
    select id from webhook_endpoints where workspace_id = ${tx.workspaceId} order by id`);
  return rows.map(({ id }) => id);
}

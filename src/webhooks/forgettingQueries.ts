import { type SQL, sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** Rows of one statement: an endpoint that was away for days may have more waiting than one has time for. */
const ROWS_PER_STATEMENT = 10_000;

/** Part of a `with`: deletes deliveries with their attempts and their places in the queue. */
function deletion(tx: WorkspaceTx, which: SQL): SQL {
  return sql`undelivered as (
      delete from webhook_deliveries where workspace_id = ${tx.workspaceId} and ${which} returning id
    ), unqueued as (
      delete from delivery_queue
      where workspace_id = ${tx.workspaceId} and delivery_id = any (array(select id from undelivered)))`;
}

/**
 * Deletes some of the deliveries of an endpoint.
 * @param before of those that were made before it; of all, where it is null
 * @returns how many; 0 when none is left
 */
export async function removeSomeDeliveries(tx: WorkspaceTx, endpointId: string, before: Date | null): Promise<number> {
  const which = sql`id = any (array(
        select id from webhook_deliveries where workspace_id = ${tx.workspaceId} and endpoint_id = ${endpointId}
          ${before === null ? sql`` : sql`and created_at < ${before}`}
        order by created_at, id limit ${ROWS_PER_STATEMENT}))`;
  const [row] = await tx.run<{ count: number }>(sql`/* webhooks.removeSomeDeliveries */
    with ${deletion(tx, which)} select count(*) as count from undelivered`);
  return row?.count ?? 0;
}

/**
 * Deletes some events of before this time, with their deliveries; one that is still to be sent has waited too long.
 * @returns how many events
 */
export async function removeSomeEvents(tx: WorkspaceTx, before: Date, limit: number): Promise<number> {
  const [row] = await tx.run<{ count: number }>(sql`/* webhooks.removeSomeEvents */
    with gone as (
      delete from events where workspace_id = ${tx.workspaceId} and id = any (array(
        select id from events where workspace_id = ${tx.workspaceId} and occurred_at < ${before}
        order by occurred_at limit ${limit}))
      returning id
    ), ${deletion(tx, sql`event_id = any (array(select id from gone))`)}
    select count(*) as count from gone`);
  return row?.count ?? 0;
}

/** Every endpoint of the workspace, whatever its status. */
export async function listEndpointIds(tx: WorkspaceTx): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* webhooks.listEndpointIds */
    select id from webhook_endpoints where workspace_id = ${tx.workspaceId} order by id`);
  return rows.map(({ id }) => id);
}

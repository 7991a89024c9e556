import { sql } from "drizzle-orm";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { EventType } from "./eventTypes.ts";

export interface FeedRow {
  id: string;
  type: EventType;
  occurredAt: Date;
  data: Record<string, unknown>;
  position: number;
}

/** In the order of their places, those after one. */
export async function listEvents(
  tx: WorkspaceTx,
  { after, types, limit }: { after: number; types?: readonly EventType[] | undefined; limit: number },
): Promise<FeedRow[]> {
  return tx.run<FeedRow>(sql`/* webhooks.listEvents */
    select id, type, occurred_at as "occurredAt", data, position from events
    where workspace_id = ${tx.workspaceId} and position > ${after}
      ${types === undefined ? sql`` : sql`and type = ${anyOf("text", types)}`}
    order by position limit ${limit}`);
}

/** The last place that was given; 0 before the first. */
export async function lastPosition(tx: WorkspaceTx): Promise<number> {
  const [row] = await tx.run<{ position: number }>(sql`/* webhooks.lastPosition */
    select last_position as position from event_positions where workspace_id = ${tx.workspaceId}`);
  return row?.position ?? 0;
}

/**
 * Deletes some events of before this time, with their deliveries; one that is still to be sent has waited too long.
 * @returns how many events
 */
export async function removeSomeEvents(tx: WorkspaceTx, before: Date, limit: number): Promise<number> {
  const [row] = await tx.run<{ count: number }>(sql`/* webhooks.removeSomeEvents */
    with gone as (
      delete from events where workspace_id = ${tx.workspaceId} and id in (
        select id from events where workspace_id = ${tx.workspaceId} and occurred_at < ${before}
        order by occurred_at limit ${limit})
      returning id
    ), undelivered as (
      delete from webhook_deliveries using gone
      where webhook_deliveries.workspace_id = ${tx.workspaceId} and event_id = gone.id
      returning webhook_deliveries.id
    ), unqueued as (
      delete from delivery_queue using undelivered
      where delivery_queue.workspace_id = ${tx.workspaceId} and delivery_id = undelivered.id)
    select count(*) as count from gone`);
  return row?.count ?? 0;
}

export async function listEndpointIds(tx: WorkspaceTx): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* webhooks.listEndpointIds */
    select id from webhook_endpoints where workspace_id = ${tx.workspaceId} order by id`);
  return rows.map(({ id }) => id);
}

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

/** In the order of their places: those after one, up to another. */
export async function listEvents(
  tx: WorkspaceTx,
  range: { after: number; upTo: number; types?: readonly EventType[] | undefined; limit: number },
): Promise<FeedRow[]> {
  const { after, upTo, types, limit } = range;
  return tx.run<FeedRow>(sql`/* webhooks.listEvents */
    select id, type, occurred_at as "occurredAt", data, position from events
    where workspace_id = ${tx.workspaceId} and position > ${after} and position <= ${upTo}
      ${types === undefined ? sql`` : sql`and type = ${anyOf("text", types)}`}
    order by position limit ${limit}`);
}

/** The first place after one that is still kept, or the last, and the last that was given; 0 before any was. */
export async function findBounds(tx: WorkspaceTx, after: number): Promise<{ first: number; last: number }> {
  const [row] = await tx.run<{ first: number; last: number }>(sql`/* webhooks.findBounds */
    select last_position as last, coalesce((
      select min(position) from events where workspace_id = ${tx.workspaceId} and position > ${after}), last_position) as first
    from event_positions where workspace_id = ${tx.workspaceId}`);
  return row ?? { first: 0, last: 0 };
}

import { and, asc, eq, ne, sql } from "drizzle-orm";
import { newId } from "../platform/ids.ts";
import { NO_ID } from "../platform/pagination.ts";
import { anyOf, type Columns, newRows, unnest } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import type { EventType, TEST_TYPE } from "./eventTypes.ts";
import { webhookEndpoints } from "./table.ts";
import type { Taker } from "./taking.ts";

/** Workspaces with events that have no place in the feed yet: each found by one step in the index, however many wait. */
export async function listWaitingWorkspaces(tx: SystemTx): Promise<string[]> {
  const rows = await tx.run<{ workspaceId: string }>(sql`/* webhooks.listWaitingWorkspaces */
    with recursive waiting as (
      (select workspace_id from event_queue order by workspace_id limit 1)
      union all
      select (select workspace_id from event_queue where workspace_id > waiting.workspace_id order by workspace_id limit 1)
      from waiting where workspace_id is not null)
    select workspace_id as "workspaceId" from waiting where workspace_id is not null`);
  return rows.map(({ workspaceId }) => workspaceId);
}

/**
 * How long the oldest event has waited for its place in the feed, in seconds; 0 where none waits. Its id tells when it
 * was written: the first 48 bits of a UUIDv7 are milliseconds.
 */
export async function secondsEventsWait(tx: SystemTx): Promise<number> {
  const [row] = await tx.run<{ seconds: number }>(sql`/* webhooks.secondsEventsWait */
    with recursive waiting as (
      (select workspace_id, event_id from event_queue order by workspace_id, event_id limit 1)
      union all
      select next.* from waiting cross join lateral (
        select workspace_id, event_id from event_queue where workspace_id > waiting.workspace_id
        order by workspace_id, event_id limit 1) as next)
    select greatest(0, extract(epoch from now()) -
      ('x' || min(substr(replace(event_id::text, '-', ''), 1, 12)))::bit(48)::bigint / 1000.0)::float8 as seconds
    from waiting`);
  return row?.seconds ?? 0;
}

export interface PlacedEvent {
  id: string;
  type: EventType;
  position: number;
}

/**
 * Takes the oldest events that wait and that nobody else has taken. By themselves, as the queue and the feed may lie on
 * different servers (`docs/scaling.md`). @returns their ids
 */
export async function claimEvents(tx: WorkspaceTx, limit: number): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* webhooks.claimEvents */
    delete from event_queue where workspace_id = ${tx.workspaceId} and event_id = any (array(
      select event_id from event_queue where workspace_id = ${tx.workspaceId}
      order by event_id limit ${limit} for update skip locked))
    returning event_id as id`);
  return rows.map(({ id }) => id);
}

/**
 * Gives events the next places of the feed. The counter stays locked until COMMIT, so places become visible in their
 * order, without one missing before them.
 *
 * Ids stand in arrays here and elsewhere in this slice: statistics of tables that are filled and emptied all day are
 * never right, and with a join PostgreSQL has read all events to find 500 (measured: over 5 s of a million).
 */
export async function placeEvents(tx: WorkspaceTx, ids: readonly string[]): Promise<PlacedEvent[]> {
  const isClaimed = anyOf("uuid", ids);
  const [counter] = await tx.run<{ last: number }>(sql`/* webhooks.takePositions */
    insert into event_positions (workspace_id, last_position)
    select workspace_id, last_position from ${newRows(tx.workspaceId, { last_position: ["bigint", [ids.length]] })}
    on conflict (workspace_id) do update set last_position = event_positions.last_position + excluded.last_position
    returning last_position as last`);
  // Somebody was writing while the workspace was deleted.
  if (counter === undefined) return [];
  const events = await tx.run<PlacedEvent>(sql`/* webhooks.placeEvents */
    update events set position = ${counter.last - ids.length}::bigint + found.n
    from (select id, row_number() over (order by id) as n from events
      where workspace_id = ${tx.workspaceId} and id = ${isClaimed}) as found
    where events.workspace_id = ${tx.workspaceId} and events.id = ${isClaimed} and events.id = found.id
    returning events.id, events.type, events.position`);
  return events.toSorted((a, b) => a.position - b.position);
}

export type ReceivingEndpoint = Taker & { isPaused: boolean };

/** Locked, so that none is paused, resumed or disabled before it has what is delivered to it now. */
export async function lockReceivingEndpoints(tx: WorkspaceTx): Promise<ReceivingEndpoint[]> {
  const { id, eventTypes, filter, status } = webhookEndpoints;
  const rows = await tx.db
    .select({ id, eventTypes, filter, status })
    .from(webhookEndpoints)
    .where(and(eq(webhookEndpoints.workspaceId, tx.workspaceId), ne(status, "DISABLED")))
    .orderBy(asc(id))
    .for("key share");
  return rows.map((row) => ({ ...row, isPaused: row.status === "PAUSED" }));
}

/** The bodies of these events, by their ids. */
export async function listEventData(tx: WorkspaceTx, ids: readonly string[]): Promise<Map<string, object>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.run<{ id: string; data: object }>(sql`/* webhooks.listEventData */
    select id, data from events where workspace_id = ${tx.workspaceId} and id = ${anyOf("uuid", ids)}`);
  return new Map(rows.map(({ id, data }) => [id, data]));
}

export interface EventRange {
  from: Date;
  to: Date;
  types: readonly EventType[];
  /** Whether the bodies are asked for too. */
  withData: boolean;
  /** The last event of the page before. */
  after: Pick<PastEvent, "occurredAt" | "id"> | undefined;
  limit: number;
}

export interface PastEvent {
  id: string;
  type: EventType;
  /** As PostgreSQL writes it, with all of its digits. */
  occurredAt: string;
  data: object | null;
}

/** Events that have their place, from ≤ time < to, in the order of their time. */
export async function pageOfEvents(tx: WorkspaceTx, range: EventRange): Promise<PastEvent[]> {
  const { from, to, types, withData, after, limit } = range;
  return tx.run<PastEvent>(sql`/* webhooks.pageOfEvents */
    select id, type, occurred_at::text as "occurredAt", ${withData ? sql`data` : sql`null as data`} from events
    where workspace_id = ${tx.workspaceId} and occurred_at >= ${after?.occurredAt ?? from}::timestamptz and occurred_at < ${to}
      and (occurred_at, id) > (${after?.occurredAt ?? from}::timestamptz, ${after?.id ?? NO_ID}::uuid)
      and type = ${anyOf("text", types)} and position is not null
    order by occurred_at, id limit ${limit}`);
}

export interface NewDelivery {
  endpointId: string;
  eventId: string;
  eventType: EventType | typeof TEST_TYPE;
  /** It waits until the endpoint is resumed. */
  isPaused: boolean;
  /** Of a test, which has no event. */
  testData?: object;
}

/** Each with its row in the queue. @returns their ids, in order */
export async function insertDeliveries(tx: WorkspaceTx, deliveries: readonly NewDelivery[]): Promise<string[]> {
  if (deliveries.length === 0) return [];
  const ids = deliveries.map(() => newId());
  const queued = {
    id: ["uuid", ids],
    endpoint_id: ["uuid", deliveries.map(({ endpointId }) => endpointId)],
    is_paused: ["boolean", deliveries.map(({ isPaused }) => isPaused)],
  } satisfies Columns;
  await together([
    tx.run(statement`/* webhooks.queueDeliveries */
      insert into delivery_queue (workspace_id, delivery_id, endpoint_id, due_at)
      select ${tx.workspaceId}, id, endpoint_id, case when is_paused then 'infinity' else ${tx.now}::timestamptz end
      from ${unnest(queued)}`),
    tx.run(statement`/* webhooks.insertDeliveries */
      insert into webhook_deliveries
        (workspace_id, id, endpoint_id, event_id, event_type, test_data, status, attempts, next_attempt_at, created_at)
      select workspace_id, id, endpoint_id, event_id, event_type, test_data, 'PENDING', 0,
        case when not is_paused then ${tx.now}::timestamptz end, ${tx.now}
      from ${newRows(tx.workspaceId, {
        ...queued,
        event_id: ["uuid", deliveries.map(({ eventId }) => eventId)],
        event_type: ["text", deliveries.map(({ eventType }) => eventType)],
        test_data: ["jsonb", deliveries.map(({ testData }) => testData && JSON.stringify(testData))],
      })}`),
  ]);
  return ids;
}

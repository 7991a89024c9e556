import { and, eq, sql } from "drizzle-orm";
import { anyOf, type Columns, newRows, unnest } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { type DeliveryRow, type EndpointRow, webhookEndpoints } from "./table.ts";

/** A delivery that is this worker's to send, until its lease ends. */
export interface Claimed {
  workspaceId: string;
  deliveryId: string;
  endpointId: string;
}

export interface Claim {
  /** Of any endpoint, at the most. */
  limit: number;
  limitOfEndpoint: number;
  /** Of these endpoints another limit. */
  limits: ReadonlyMap<string, number>;
  leaseMs: number;
}

/**
 * Leases what is due, of each endpoint what is due longest, so that none waits behind another's. The endpoints are
 * found step by step in the index, however many deliveries wait.
 */
export async function claimDeliveries(tx: SystemTx, { limit, limitOfEndpoint, limits, leaseMs }: Claim) {
  const until = new Date(tx.now.getTime() + leaseMs);
  return tx.run<Claimed>(sql`/* webhooks.claimDeliveries */
    with recursive waiting as (
      (select endpoint_id from delivery_queue order by endpoint_id limit 1)
      union all
      select (select endpoint_id from delivery_queue where endpoint_id > waiting.endpoint_id order by endpoint_id limit 1)
      from waiting where endpoint_id is not null
    ), endpoints as materialized (
      -- In another order each time: none is always the last that there is room for.
      select waiting.endpoint_id, coalesce(input.free, ${limitOfEndpoint}) as free from waiting
      left join ${unnest({
        endpoint_id: ["uuid", [...limits.keys()]],
        free: ["integer", [...limits.values()]],
      })} on input.endpoint_id = waiting.endpoint_id
      where waiting.endpoint_id is not null order by random()
    ), claimed as (
      select due.workspace_id, due.delivery_id from endpoints cross join lateral (
        select workspace_id, delivery_id from delivery_queue
        where delivery_queue.endpoint_id = endpoints.endpoint_id and due_at <= ${tx.now}
          and (leased_until is null or leased_until <= ${tx.now})
        order by due_at limit endpoints.free for update skip locked
      ) as due limit ${limit}
    )
    update delivery_queue set leased_until = ${until} from claimed
    where delivery_queue.workspace_id = claimed.workspace_id and delivery_queue.delivery_id = claimed.delivery_id
    returning delivery_queue.workspace_id as "workspaceId", delivery_queue.delivery_id as "deliveryId",
      delivery_queue.endpoint_id as "endpointId"`);
}

/** How long the delivery that is due longest, and that nobody sends, has been so, in seconds; 0 where none is. */
export async function secondsDeliveriesWait(tx: SystemTx): Promise<number> {
  const [row] = await tx.run<{ seconds: number }>(sql`/* webhooks.secondsDeliveriesWait */
    with recursive waiting as (
      (select endpoint_id from delivery_queue order by endpoint_id limit 1)
      union all
      select (select endpoint_id from delivery_queue where endpoint_id > waiting.endpoint_id order by endpoint_id limit 1)
      from waiting where endpoint_id is not null
    )
    select greatest(0, extract(epoch from now() - min(due.due_at)))::float8 as seconds
    from waiting cross join lateral (
      select due_at from delivery_queue where delivery_queue.endpoint_id = waiting.endpoint_id and due_at <= now()
        and (leased_until is null or leased_until <= now())
      order by due_at limit 1) as due`);
  return row?.seconds ?? 0;
}

/** A delivery with what it tells; `data` is null where its event is no longer kept. */
export type ToSend = Pick<DeliveryRow, "id" | "endpointId" | "eventId" | "eventType" | "attempts"> & {
  data: object | null;
  occurredAt: Date;
};

/** Those that are still to be sent. */
export async function listToSend(tx: WorkspaceTx, ids: readonly string[]): Promise<ToSend[]> {
  return tx.prepared(statement`/* webhooks.listToSend */
    select webhook_deliveries.id, endpoint_id as "endpointId", event_id as "eventId", event_type as "eventType", attempts,
      coalesce(test_data, events.data) as data, coalesce(events.occurred_at, created_at) as "occurredAt"
    from webhook_deliveries
    left join events on events.workspace_id = ${tx.workspaceId} and events.id = webhook_deliveries.event_id
    where webhook_deliveries.workspace_id = ${tx.workspaceId} and webhook_deliveries.id = ${anyOf("uuid", ids)}
      and status = 'PENDING'`);
}

/** Those that something may be sent to. */
export async function listActiveEndpoints(tx: WorkspaceTx, ids: readonly string[]): Promise<EndpointRow[]> {
  return tx.db
    .select()
    .from(webhookEndpoints)
    .where(
      and(
        eq(webhookEndpoints.workspaceId, tx.workspaceId),
        sql`${webhookEndpoints.id} = ${anyOf("uuid", ids)}`,
        eq(webhookEndpoints.status, "ACTIVE"),
      ),
    );
}

/** Gives back what was claimed and not sent; what is not to be sent any more has left the queue already. */
export async function releaseDeliveries(tx: WorkspaceTx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run(sql`/* webhooks.releaseDeliveries */
    update delivery_queue set leased_until = null
    where workspace_id = ${tx.workspaceId} and delivery_id = ${anyOf("uuid", ids)}`);
}

/** What became of an attempt. */
export interface Attempted {
  deliveryId: string;
  endpointId: string;
  /** Which one, from 1. */
  n: number;
  attemptedAt: Date;
  durationMs: number;
  status: number | null;
  error: string | null;
  answer: Buffer | null;
  outcome: DeliveryRow["status"];
  nextAttemptAt: Date | null;
}

/** Keeps the attempts, and what is to be done of each delivery: again at its time, or no more. */
export async function insertAttempts(tx: WorkspaceTx, attempts: readonly Attempted[]): Promise<void> {
  if (attempts.length === 0) return;
  const outcomes = {
    delivery_id: ["uuid", attempts.map(({ deliveryId }) => deliveryId)],
    outcome: ["text", attempts.map(({ outcome }) => outcome)],
    next_attempt_at: ["timestamptz", attempts.map(({ nextAttemptAt }) => nextAttemptAt)],
  } satisfies Columns;
  const queued = tx.prepared(statement`/* webhooks.requeueDeliveries */
    with input as materialized (select * from ${unnest(outcomes)}), gone as (
      delete from delivery_queue using input
      where delivery_queue.workspace_id = ${tx.workspaceId} and delivery_queue.delivery_id = input.delivery_id
        and input.outcome <> 'PENDING'
    )
    update delivery_queue set leased_until = null,
      -- Paused meanwhile, it waits.
      due_at = case when due_at = 'infinity' then due_at else input.next_attempt_at end
    from input where delivery_queue.workspace_id = ${tx.workspaceId} and delivery_queue.delivery_id = input.delivery_id
      and input.outcome = 'PENDING'`);
  // What was given up meanwhile stays so, unless it has arrived after all.
  const told = tx.prepared<{ id: string; isErased: boolean }>(statement`/* webhooks.settleDeliveries */
    update webhook_deliveries set status = input.outcome, attempts = input.n, last_attempt_at = input.attempted_at,
      next_attempt_at = case when not exists (
        select from webhook_endpoints where webhook_endpoints.workspace_id = ${tx.workspaceId}
          and webhook_endpoints.id = webhook_deliveries.endpoint_id and webhook_endpoints.status = 'PAUSED'
      ) then input.next_attempt_at end,
      finished_at = case when input.outcome <> 'PENDING' then ${tx.now}::timestamptz end
    from ${unnest({
      ...outcomes,
      n: ["integer", attempts.map(({ n }) => n)],
      attempted_at: ["timestamptz", attempts.map(({ attemptedAt }) => attemptedAt)],
    })}
    where webhook_deliveries.workspace_id = ${tx.workspaceId} and webhook_deliveries.id = input.delivery_id
      and (webhook_deliveries.status = 'PENDING' or input.outcome = 'DELIVERED')
    returning webhook_deliveries.id, is_erased as "isErased"`);
  const [, settled] = await together([queued, told]);
  const isErased = new Map(settled.map((delivery) => [delivery.id, delivery.isErased]));
  const kept = attempts.filter(({ deliveryId }) => isErased.has(deliveryId));
  await tx.prepared(statement`/* webhooks.insertAttempts */
    insert into webhook_attempts (workspace_id, delivery_id, n, attempted_at, duration_ms, status, error, answer)
    select workspace_id, delivery_id, n, attempted_at, duration_ms, status, error, answer
    from ${newRows(tx.workspaceId, {
      delivery_id: ["uuid", kept.map(({ deliveryId }) => deliveryId)],
      n: ["integer", kept.map(({ n }) => n)],
      attempted_at: ["timestamptz", kept.map(({ attemptedAt }) => attemptedAt)],
      duration_ms: ["integer", kept.map(({ durationMs }) => Math.round(durationMs))],
      status: ["integer", kept.map(({ status }) => status)],
      error: ["text", kept.map(({ error }) => error)],
      // An answer may repeat what was sent, which was erased meanwhile.
      answer: ["bytea", kept.map(({ deliveryId, answer }) => (isErased.get(deliveryId) === true ? null : answer))],
    })}
    on conflict do nothing`);
}

/** Remembers since when an endpoint fails; null for one that works again. */
export async function setFailingSince(tx: WorkspaceTx, endpointId: string, since: Date | null): Promise<void> {
  await tx.run(sql`/* webhooks.setFailingSince */
    update webhook_endpoints set failing_since = ${since === null ? sql`null` : sql`coalesce(failing_since, ${since})`}
    where workspace_id = ${tx.workspaceId} and id = ${endpointId}`);
}

import { and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf } from "../platform/sql.ts";
import type { Statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { DELIVERY_STATUSES } from "./model.ts";
import {
  type AttemptRow,
  type DeliveryRow,
  deliveryQueue,
  type EndpointRow,
  webhookAttempts,
  webhookDeliveries,
  webhookEndpoints,
} from "./table.ts";

/** Rows of one statement: an endpoint that was away for days may have more waiting than one has time for. */
const ROWS_PER_STATEMENT = 10_000;

const ownEndpoint = (tx: WorkspaceTx, id: string) =>
  and(eq(webhookEndpoints.workspaceId, tx.workspaceId), eq(webhookEndpoints.id, id));

export async function findEndpoint(tx: WorkspaceTx, id: string): Promise<EndpointRow | undefined> {
  const [found] = await tx.db.select().from(webhookEndpoints).where(ownEndpoint(tx, id));
  return found;
}

/**
 * Locked: against every other change and until what is being delivered to it is there, or, by `key share`, only
 * against changes of its status.
 */
export async function lockEndpoint(
  tx: WorkspaceTx,
  id: string,
  strength: "update" | "key share",
): Promise<EndpointRow | undefined> {
  const [found] = await tx.db.select().from(webhookEndpoints).where(ownEndpoint(tx, id)).for(strength);
  return found;
}

/** Newest first; one row more than `limit` where there are more. */
export async function listEndpoints(tx: WorkspaceTx, limit: number, after: string | undefined): Promise<EndpointRow[]> {
  const { workspaceId, id } = webhookEndpoints;
  return tx.db
    .select()
    .from(webhookEndpoints)
    .where(and(eq(workspaceId, tx.workspaceId), after === undefined ? undefined : lt(id, after)))
    .orderBy(desc(id))
    .limit(limit + 1);
}

export async function insertEndpoint(tx: WorkspaceTx, row: EndpointRow): Promise<void> {
  await tx.db.insert(webhookEndpoints).values(row);
}

export async function updateEndpoint(
  tx: WorkspaceTx,
  { workspaceId: _workspaceId, id, ...row }: EndpointRow,
): Promise<void> {
  await tx.db.update(webhookEndpoints).set(row).where(ownEndpoint(tx, id));
}

/** With what is left of its deliveries. */
export async function removeEndpoint(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db
    .delete(deliveryQueue)
    .where(and(eq(deliveryQueue.workspaceId, tx.workspaceId), eq(deliveryQueue.endpointId, id)));
  await tx.db.delete(webhookEndpoints).where(ownEndpoint(tx, id));
}

/** Lets what waits wait for good, until it is resumed. */
export async function pauseDeliveries(tx: WorkspaceTx, endpointId: string): Promise<void> {
  await reschedule(tx, endpointId, sql`due_at < 'infinity'`, sql`'infinity'::timestamptz`, sql`null`);
}

/** What was paused is due now. */
export async function resumeDeliveries(tx: WorkspaceTx, endpointId: string): Promise<void> {
  await reschedule(tx, endpointId, sql`due_at = 'infinity'`, sql`${tx.now}::timestamptz`, sql`${tx.now}::timestamptz`);
}

async function reschedule(tx: WorkspaceTx, endpointId: string, which: SQL, dueAt: SQL, shown: SQL): Promise<void> {
  await again(
    tx,
    sql`/* webhooks.reschedule */
    update delivery_queue set due_at = ${dueAt} where workspace_id = ${tx.workspaceId} and delivery_id = any (array(
      select delivery_id from delivery_queue where workspace_id = ${tx.workspaceId} and endpoint_id = ${endpointId}
        and ${which} limit ${ROWS_PER_STATEMENT}))
    returning delivery_id as id`,
    (moved) => sql`/* webhooks.showRescheduled */
    update webhook_deliveries set next_attempt_at = ${shown} where workspace_id = ${tx.workspaceId} and id = ${moved}`,
  );
}

/** What was to be sent to an endpoint is given up. */
export async function failDeliveries(tx: WorkspaceTx, endpointId: string): Promise<void> {
  await again(
    tx,
    sql`/* webhooks.unqueueEndpoint */
    delete from delivery_queue where workspace_id = ${tx.workspaceId} and delivery_id = any (array(
      select delivery_id from delivery_queue where workspace_id = ${tx.workspaceId} and endpoint_id = ${endpointId}
      limit ${ROWS_PER_STATEMENT}))
    returning delivery_id as id`,
    (gone) => sql`/* webhooks.failDeliveries */
    update webhook_deliveries set status = 'FAILED', next_attempt_at = null, finished_at = ${tx.now}
    where workspace_id = ${tx.workspaceId} and id = ${gone} and status = 'PENDING'`,
  );
}

/** Changes what is queued, and what is shown of the same deliveries, until nothing is left to do. */
async function again(tx: WorkspaceTx, queued: SQL, shown: (ids: Statement) => SQL): Promise<void> {
  for (;;) {
    const ids = (await tx.run<{ id: string }>(queued)).map(({ id }) => id);
    if (ids.length > 0) await tx.run(shown(anyOf("uuid", ids)));
    if (ids.length < ROWS_PER_STATEMENT) return;
  }
}

export interface DeliveryPage {
  statuses?: (typeof DELIVERY_STATUSES)[number][] | undefined;
  after?: Cursor | undefined;
  /** One row more is fetched where there are more. */
  limit: number;
}

/** Of one endpoint, newest first. */
export async function listDeliveries(
  tx: WorkspaceTx,
  endpointId: string,
  { statuses, after, limit }: DeliveryPage,
): Promise<DeliveryRow[]> {
  const { workspaceId, id, status, createdAt } = webhookDeliveries;
  return tx.db
    .select()
    .from(webhookDeliveries)
    .where(
      and(
        eq(workspaceId, tx.workspaceId),
        eq(webhookDeliveries.endpointId, endpointId),
        statuses && sql`${status} = ${anyOf("text", statuses)}`,
        after && sql`(${createdAt}, ${id}) < (${after.value}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(createdAt), desc(id))
    .limit(limit + 1);
}

export async function findDelivery(tx: WorkspaceTx, id: string): Promise<DeliveryRow | undefined> {
  const own = and(eq(webhookDeliveries.workspaceId, tx.workspaceId), eq(webhookDeliveries.id, id));
  const [found] = await tx.db.select().from(webhookDeliveries).where(own);
  return found;
}

/** In order, by delivery. */
export async function listAttempts(
  tx: WorkspaceTx,
  deliveryIds: readonly string[],
): Promise<Map<string, AttemptRow[]>> {
  const { workspaceId, deliveryId, n } = webhookAttempts;
  const rows = await tx.db
    .select()
    .from(webhookAttempts)
    .where(and(eq(workspaceId, tx.workspaceId), sql`${deliveryId} = ${anyOf("uuid", deliveryIds)}`))
    .orderBy(asc(deliveryId), asc(n));
  return Map.groupBy(rows, (row) => row.deliveryId);
}

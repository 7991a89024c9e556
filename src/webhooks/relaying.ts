import { isLockTimeout } from "../platform/database.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import {
  claimEvents,
  insertDeliveries,
  listEventData,
  listWaitingWorkspaces,
  lockReceivingEndpoints,
  placeEvents,
} from "./relayQueries.ts";
import { dependsOnData, takes } from "./taking.ts";

/** One transaction: some milliseconds' work, and enough for thousands of events a second. */
const EVENTS_PER_BATCH_MAX = 500;

/**
 * Gives events that were committed their places in the feed, and makes their deliveries. Any number of workers may
 * relay at once: an event that one has taken is passed over by the others. One round: at most 500 events of each
 * workspace, so none waits for the backlog of another.
 * @returns how many events it relayed; 0 when nothing waits
 * @throws the first failure, after all workspaces had their turn
 */
export async function relayEvents(tenancy: Tenancy): Promise<number> {
  let count = 0;
  const failures: unknown[] = [];
  for (const workspaceId of await tenancy.acrossWorkspaces("find what is due", listWaitingWorkspaces)) {
    try {
      count += await tenancy.inWorkspace(relay(workspaceId), relayBatch, "HASTY");
    } catch (error) {
      // Another worker is at it, or an endpoint is being changed: its turn is next round, the others do not wait.
      if (!isLockTimeout(error)) failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

function relay(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "relay" }, requestId: null };
}

async function relayBatch(tx: WorkspaceTx): Promise<number> {
  const ids = await claimEvents(tx, EVENTS_PER_BATCH_MAX);
  if (ids.length === 0) return 0;
  // After that: an endpoint that was there when an event was written is there now.
  const [events, endpoints] = await together([placeEvents(tx, ids), lockReceivingEndpoints(tx)]);
  const taking = events.map((event) => ({
    ...event,
    endpoints: endpoints.filter(({ eventTypes }) => eventTypes.includes(event.type)),
  }));
  const data = await listEventData(
    tx,
    taking
      .filter(({ type, endpoints: takers }) => takers.some((endpoint) => dependsOnData(endpoint, type)))
      .map(({ id }) => id),
  );
  await insertDeliveries(
    tx,
    taking.flatMap(({ id, type, endpoints: takers }) =>
      takers
        .filter((endpoint) => takes(endpoint, type, data.get(id)))
        .map(({ id: endpointId, isPaused }) => ({ endpointId, eventId: id, eventType: type, isPaused })),
    ),
  );
  return events.length;
}

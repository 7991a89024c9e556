import { Failures } from "../platform/failures.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import { getAllWorkspaces } from "../workspaces/index.ts";
import { listEndpointIds, removeSomeDeliveries, removeSomeEvents } from "./forgettingQueries.ts";

export const EVENTS_KEPT_DAYS = 14;
const DAY_MS = 24 * 3_600_000;
/** One transaction: small, so that nothing waits for it. */
const EVENTS_PER_STEP = 1_000;

/**
 * Deletes events older than 14 days, with their deliveries and attempts, and deliveries of tests that are as old. Any
 * number of workers may do it at once. What stands in the way in one workspace holds up no other.
 * @returns how many events
 * @throws the first failure, once everything else is deleted
 */
export async function forgetEvents(tenancy: Tenancy): Promise<number> {
  let count = 0;
  const failures = new Failures();
  for (const { id: workspaceId } of await getAllWorkspaces(tenancy)) {
    const caller: Caller = { workspaceId, actor: { kind: "job", id: "forget-events" }, requestId: null };
    await failures.keep(workspaceId, async () => {
      for (;;) {
        const gone = await tenancy.inWorkspace(caller, (tx) => removeSomeEvents(tx, oldest(tx.now), EVENTS_PER_STEP));
        count += gone;
        if (gone < EVENTS_PER_STEP) break;
      }
      await forgetDeliveries(tenancy, caller, oldest);
    });
  }
  failures.end();
  return count;
}

/**
 * Deletes what the endpoints of a workspace were sent before this time; the events stay in the feed.
 * @returns how many deliveries
 */
export async function forgetDeliveries(tenancy: Tenancy, caller: Caller, before: (now: Date) => Date): Promise<number> {
  let count = 0;
  for (const endpointId of await tenancy.readWorkspace(caller, listEndpointIds)) {
    for (;;) {
      const gone = await tenancy.inWorkspace(caller, (tx) => removeSomeDeliveries(tx, endpointId, before(tx.now)));
      count += gone;
      if (gone === 0) break;
    }
  }
  return count;
}

function oldest(now: Date): Date {
  return new Date(now.getTime() - EVENTS_KEPT_DAYS * DAY_MS);
}

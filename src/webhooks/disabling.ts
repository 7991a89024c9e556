import { recordEvents } from "../platform/events.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { failDeliveries, lockEndpoint, updateEndpoint } from "./queries.ts";
import { showEndpoint } from "./showing.ts";
import type { EndpointRow } from "./table.ts";

/**
 * Disables an endpoint: what was to be sent to it is given up, and others are told. One that is disabled already, or
 * gone, stays so.
 * @param reason for people to read, like "It answered 410 Gone."
 * @returns the endpoint as it is now; undefined where there is none
 */
export async function disableEndpoint(tx: WorkspaceTx, id: string, reason: string): Promise<EndpointRow | undefined> {
  const before = await lockEndpoint(tx, id, "update");
  if (before === undefined || before.status === "DISABLED") return before;
  const after: EndpointRow = {
    ...before,
    version: before.version + 1,
    status: "DISABLED",
    disabledReason: reason,
    updatedAt: tx.now,
  };
  await updateEndpoint(tx, after);
  await failDeliveries(tx, id);
  const previous = { status: before.status, disabledReason: before.disabledReason };
  await recordEvents(tx, [
    {
      type: "endpoint.disabled",
      data: { sequence: after.version, endpoint: showEndpoint(after), previous },
      personId: null,
    },
  ]);
  await recordAudit(tx, [
    {
      action: "webhook_endpoint.disabled",
      subjectType: "webhook_endpoint",
      subjectId: id,
      before: previous,
      after: { status: after.status, disabledReason: reason },
    },
  ]);
  return after;
}

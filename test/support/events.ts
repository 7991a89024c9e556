import { type NewEvent, recordEvents } from "../../src/platform/events.ts";
import { newId } from "../../src/platform/ids.ts";
import type { Caller } from "../../src/platform/tenancy.ts";
import { relayEvents } from "../../src/webhooks/index.ts";
import type { Client, Service } from "./service.ts";

export function callerIn({ workspaceId }: Pick<Client, "workspaceId">): Caller {
  return { workspaceId, actor: { kind: "job", id: "test" }, requestId: null };
}

export const event = (type: string, data: object = {}): NewEvent => ({
  type,
  data: { sequence: 1, ...data },
  personId: null,
});

/** Writes the events in one transaction. */
export async function write(service: Service, client: Client, events: readonly NewEvent[]): Promise<void> {
  await service.tenancy.inWorkspace(callerIn(client), (tx) => recordEvents(tx, events));
}

/** Relays until nothing waits. @returns how many events */
export async function relayAll({ tenancy }: Service): Promise<number> {
  for (let count = 0; ; ) {
    const relayed = await relayEvents(tenancy);
    if (relayed === 0) return count;
    count += relayed;
  }
}

/** An endpoint past the service, which nothing is sent to. @returns its id */
export async function insertEndpoint(
  client: Client,
  {
    types,
    filter = {},
    status = "ACTIVE",
  }: { types: readonly string[]; filter?: object; status?: "ACTIVE" | "PAUSED" | "DISABLED" },
): Promise<string> {
  const id = newId();
  await client.rows(`insert into webhook_endpoints
      (workspace_id, id, url, event_types, filter, status, disabled_reason, secret, created_at, updated_at)
    values ('${client.workspaceId}', '${id}', 'https://example.com/', '{${types.join()}}', '${JSON.stringify(filter)}',
      '${status}', ${status === "DISABLED" ? "'it was'" : "null"}, '\\x00', now(), now())`);
  return id;
}

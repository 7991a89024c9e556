import { newId } from "./ids.ts";
import { newRows, unnest } from "./sql.ts";
import { type Statement, statement } from "./statement.ts";
import type { WorkspaceTx } from "./tenancy.ts";

/** What other systems are told. `data` is the body they get, with the resource as it is at this moment. */
export interface NewEvent {
  type: string;
  data: { sequence: number; [resource: string]: unknown };
  /** Whose personal data is inside: found again when that person is erased. */
  personId: string | null;
}

/** Writes the events in the transaction that makes them true, and queues them to be told. */
export async function recordEvents(tx: WorkspaceTx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({ ...event, id: newId() }));
  tx.laterWith("events", rows, (all) => insertsOf(tx, all));
}

/** Two statements, for what is to be told lies by workspace, and the queue in one place. */
function insertsOf(tx: WorkspaceTx, events: readonly (NewEvent & { id: string })[]): Statement[] {
  const ids = events.map(({ id }) => id);
  const rows = newRows(tx.workspaceId, {
    id: ["uuid", ids],
    type: ["text", events.map(({ type }) => type)],
    data: ["jsonb", events.map(({ data }) => JSON.stringify(data))],
    person_id: ["uuid", events.map(({ personId }) => personId)],
  });
  return [
    statement`/* events.insert */
    insert into events (workspace_id, id, type, occurred_at, data, person_id)
    select workspace_id, id, type, ${tx.now}, data, person_id from ${rows}`,
    statement`/* events.queue */
    insert into event_queue (workspace_id, event_id) select ${tx.workspaceId}, id from ${unnest({ id: ["uuid", ids] })}`,
  ];
}

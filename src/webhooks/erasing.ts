import { sql } from "drizzle-orm";
import { NO_ID } from "../platform/pagination.ts";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

const EVENTS_PER_PAGE = 5_000;

/** Whose events, and about what. */
export interface ErasedEvents {
  personId: string;
  shellId: string;
  responseIds: readonly string[];
  caseIds: readonly string[];
}

/**
 * What an event still says: what it was about, and that it was erased. Made by functions that depend on nothing but what
 * they are given, because Citus takes no others in a SET.
 */
const ERASED = sql.join(
  [
    sql`jsonb_set('{"erased": true}', '{sequence}', data -> 'sequence')`,
    ...["response", "case"].map((name) => {
      const id = sql.raw(`'{${name},id}'`);
      return sql`case when data #> ${id} is null then '{}' else jsonb_set(${sql.raw(`'{"${name}": {}}'`)}, ${id}, data #> ${id}) end`;
    }),
  ],
  sql` || `,
);

/**
 * Empties the events about a person. What is still to be sent of them is sent as it is then, and what receivers have
 * answered is forgotten.
 */
export async function eraseEvents(tx: WorkspaceTx, { personId, shellId }: Pick<ErasedEvents, "personId" | "shellId">) {
  const rows = await tx.run<{ id: string }>(sql`/* webhooks.eraseEvents */
    update events set person_id = ${shellId}, data = ${ERASED}
    where workspace_id = ${tx.workspaceId} and person_id = ${personId} returning id`);
  return { events: rows.length, deliveries: await eraseDeliveries(tx, rows) };
}

/**
 * The same for events that are about the person's answers and cases and were about nobody then, or somebody else: a
 * part of all events, in the order of their ids.
 * @returns how many, and the event after which to go on; undefined where there are no more
 */
export async function eraseEventsPage(
  tx: WorkspaceTx,
  { personId, shellId, responseIds, caseIds }: ErasedEvents,
  after = NO_ID,
) {
  const page = await tx.run<{ id: string; isAbout: boolean; isErased: boolean }>(sql`/* webhooks.listEventsAbout */
    select id, data ? 'erased' as "isErased",
      coalesce(person_id = ${personId} or data #>> '{response,id}' = ${anyOf("text", responseIds)}
        or data #>> '{case,id}' = ${anyOf("text", caseIds)}, false) as "isAbout"
    from events where workspace_id = ${tx.workspaceId} and id > ${after} order by id limit ${EVENTS_PER_PAGE}`);
  const about = page.filter(({ isAbout }) => isAbout);
  const full = about.filter(({ isErased }) => !isErased);
  await tx.run(sql`/* webhooks.eraseEventsPage */
    update events set person_id = ${shellId}, data = ${ERASED}
    where workspace_id = ${tx.workspaceId} and id = ${anyOf(
      "uuid",
      full.map(({ id }) => id),
    )}`);
  // Of all: some may have been made of an event, or sent, while it was being emptied.
  await eraseDeliveries(tx, about);
  return { count: full.length, last: page.length < EVENTS_PER_PAGE ? undefined : page.at(-1)?.id };
}

/** @returns how many */
async function eraseDeliveries(tx: WorkspaceTx, events: readonly { id: string }[]): Promise<number> {
  if (events.length === 0) return 0;
  const ids = events.map(({ id }) => id);
  // Locked first: what is being sent is written down before, and forgotten here, or after, and kept without its answer.
  const deliveries = await tx.run<{ id: string }>(sql`/* webhooks.eraseDeliveries */
    update webhook_deliveries set is_erased = true
    where workspace_id = ${tx.workspaceId} and event_id = ${anyOf("uuid", ids)} returning id`);
  await tx.run(sql`/* webhooks.eraseAttempts */
    update webhook_attempts set answer = null where workspace_id = ${tx.workspaceId} and answer is not null
      and delivery_id = ${anyOf(
        "uuid",
        deliveries.map(({ id }) => id),
      )}`);
  return deliveries.length;
}

/** The events about a person, oldest first, for an export of what is held about them. */
export async function listEventsOf(tx: WorkspaceTx, personId: string): Promise<object[]> {
  return tx.run(sql`/* webhooks.listEventsOf */
    select id, type, occurred_at as "occurredAt", data from events
    where workspace_id = ${tx.workspaceId} and person_id = ${personId} order by occurred_at, id`);
}

/** What endpoints were sent about a person, and what they answered, oldest first. */
export async function listDeliveriesOf(tx: WorkspaceTx, personId: string): Promise<object[]> {
  return tx.run(sql`/* webhooks.listDeliveriesOf */
    select webhook_deliveries.id, endpoint_id as "endpointId", event_id as "eventId", event_type as "eventType",
      webhook_deliveries.status, webhook_deliveries.attempts, webhook_deliveries.created_at as "createdAt",
      coalesce(array_agg(encode(answer, 'escape') order by n) filter (where answer is not null), '{}') as answers
    from events
    join webhook_deliveries on webhook_deliveries.workspace_id = ${tx.workspaceId} and event_id = events.id
    left join webhook_attempts on webhook_attempts.workspace_id = ${tx.workspaceId} and delivery_id = webhook_deliveries.id
    where events.workspace_id = ${tx.workspaceId} and person_id = ${personId}
    group by webhook_deliveries.workspace_id, webhook_deliveries.id order by webhook_deliveries.created_at, webhook_deliveries.id`);
}

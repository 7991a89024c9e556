import { AppError, invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { toBound } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { requireReceiving } from "./endpoints.ts";
import { TEST_TYPE } from "./eventTypes.ts";
import { findDelivery } from "./queries.ts";
import { insertDeliveries, type NewDelivery, type PastEvent, pageOfEvents } from "./relayQueries.ts";
import { showEndpoint } from "./showing.ts";
import type { DeliveryRow } from "./table.ts";
import { dependsOnData, takes } from "./taking.ts";

/** In one call: some seconds' work. */
export const EVENTS_PER_REPLAY_MAX = 100_000;
const EVENTS_PER_PAGE = 1_000;

/**
 * Sends an endpoint a test, whatever its types and filter are.
 * @throws {AppError} `not_found`, `conflict` where it is disabled
 */
export async function testEndpoint(tx: WorkspaceTx, endpointId: string): Promise<DeliveryRow> {
  const endpoint = await requireReceiving(tx, endpointId);
  return deliver(tx, {
    endpointId,
    eventId: newId(),
    eventType: TEST_TYPE,
    isPaused: endpoint.status === "PAUSED",
    testData: { sequence: endpoint.version, endpoint: showEndpoint(endpoint) },
  });
}

/**
 * Sends once more what a delivery was about, by a new one with the same `webhook-id`.
 * @throws {AppError} `not_found`, `conflict` where the endpoint is disabled
 */
export async function replayDelivery(tx: WorkspaceTx, id: string): Promise<DeliveryRow> {
  const delivery = await findDelivery(tx, id);
  if (delivery === undefined) throw new AppError("not_found", "There is no webhook delivery with this id.");
  const { endpointId, eventId, eventType, testData } = delivery;
  const endpoint = await requireReceiving(tx, endpointId);
  const isPaused = endpoint.status === "PAUSED";
  return deliver(tx, { endpointId, eventId, eventType, isPaused, ...(testData === null ? {} : { testData }) });
}

async function deliver(tx: WorkspaceTx, delivery: NewDelivery): Promise<DeliveryRow> {
  const [id] = await insertDeliveries(tx, [delivery]);
  const made = id === undefined ? undefined : await findDelivery(tx, id);
  if (made === undefined) throw new Error("a delivery that was made was not found again");
  return made;
}

/**
 * Sends an endpoint once more the events of that time that it takes, as its types and filter are today.
 * @param range RFC 3339; `from` ≤ the event's time < `to`
 * @returns how many
 * @throws {AppError} `not_found`, `conflict` where it is disabled, `invalid_request` for more than 100,000
 */
export async function replayEvents(
  tx: WorkspaceTx,
  endpointId: string,
  range: { from: string; to: string },
): Promise<number> {
  const [from, to] = [toBound(range.from), toBound(range.to)];
  if (from >= to) throw invalidRequest([{ name: "to", reason: "must be after from" }]);
  const endpoint = await requireReceiving(tx, endpointId);
  const { eventTypes: types, status } = endpoint;
  const isPaused = status === "PAUSED";
  const withData = types.some((type) => dependsOnData(endpoint, type));
  let count = 0;
  let last: PastEvent | undefined;
  for (;;) {
    const page = await pageOfEvents(tx, { from, to, types, withData, after: last, limit: EVENTS_PER_PAGE });
    last = page.at(-1);
    if (last === undefined) return count;
    const taken = page.filter(({ type, data }) => takes(endpoint, type, data ?? {}));
    count += taken.length;
    if (count > EVENTS_PER_REPLAY_MAX) {
      const reason = `holds more than ${EVENTS_PER_REPLAY_MAX} events; replay them in shorter times`;
      throw invalidRequest([{ name: "from", reason }]);
    }
    await insertDeliveries(
      tx,
      taken.map(({ id: eventId, type: eventType }) => ({ endpointId, eventId, eventType, isPaused })),
    );
  }
}

import type { Attempt, Delivery, Endpoint } from "./model.ts";
import type { AttemptRow, DeliveryRow, EndpointRow } from "./table.ts";

/** An endpoint as callers see it: without its secrets. */
export function showEndpoint(row: EndpointRow): Endpoint {
  const { id, version, url, description, eventTypes, filter, status, disabledReason } = row;
  return {
    id,
    version,
    url,
    description,
    eventTypes,
    filter,
    status,
    disabledReason,
    failingSince: row.failingSince?.toISOString() ?? null,
    previousSecretUntil: row.previousSecretUntil?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** A delivery as callers see it. @param attempts what was tried, oldest first */
export function showDelivery(row: DeliveryRow, attempts: readonly AttemptRow[] = []): Delivery {
  const { id, endpointId, eventId, eventType, status, testData } = row;
  return {
    id,
    endpointId,
    eventId,
    eventType,
    test: testData !== null,
    status,
    attempts: attempts.map(showAttempt),
    nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

function showAttempt({ attemptedAt, durationMs, status, error, answer }: AttemptRow): Attempt {
  return {
    attemptedAt: attemptedAt.toISOString(),
    durationMs,
    status,
    error,
    answer: answer?.toString("utf8") ?? null,
  };
}

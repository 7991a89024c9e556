import type { NewEvent } from "../platform/events.ts";
import type { RecordedResponse, Response } from "./model.ts";

/** `sequence` counts the events about one response. */
export function responseRecorded(response: Response): NewEvent {
  return {
    type: "response.recorded",
    data: { sequence: 1, response },
    personId: response.person?.id ?? null,
  };
}

/** `previous` holds what the changed fields were before; `sequence` is the response's version. */
export function responseUpdated(response: Response, before: RecordedResponse, sequence: number): NewEvent {
  const fields = Object.entries(before).filter(
    ([name, value]) => name in response && !isSame(value, response[name as keyof Response]),
  );
  const { updatedAt: _updatedAt, exclusion: _exclusion, ...previous } = Object.fromEntries(fields);
  return {
    type: "response.updated",
    data: { sequence, response, previous },
    personId: response.person?.id ?? before.person?.id ?? null,
  };
}

/** Taken out of every aggregate, or put back in. */
export function responseExcluded(response: Response, before: RecordedResponse, sequence: number): NewEvent {
  return {
    type: response.exclusion === null ? "response.included" : "response.excluded",
    data: { sequence, response, previous: { exclusion: before.exclusion } },
    personId: response.person?.id ?? null,
  };
}

export function responseAcknowledged(response: Response, sequence: number): NewEvent {
  return {
    type: "response.acknowledged",
    data: { sequence, response, previous: { acknowledgedAt: null } },
    personId: response.person?.id ?? null,
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

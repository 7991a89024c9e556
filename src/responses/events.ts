import type { NewEvent } from "../platform/events.ts";
import type { Response } from "./model.ts";

/** `sequence` counts the events about one response. */
export function responseRecorded(response: Response): NewEvent {
  return {
    type: "response.recorded",
    data: { sequence: 1, response },
    personId: response.person?.id ?? null,
  };
}

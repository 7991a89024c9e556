import type { NewEvent } from "../platform/events.ts";
import type { Case } from "./model.ts";

/** `sequence` is the case's version: it counts the events about one case. */
export function caseOpened(opened: Case): NewEvent {
  return { type: "case.opened", data: { sequence: opened.version, case: opened }, personId: opened.person?.id ?? null };
}

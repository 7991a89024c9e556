import type { NewEvent } from "../platform/events.ts";
import type { CaseStatus } from "../responses/index.ts";
import type { Case } from "./model.ts";

/** `sequence` is the case's version: it counts the events about one case. */
export function caseOpened(opened: Case): NewEvent {
  return { type: "case.opened", data: { sequence: opened.version, case: opened }, personId: opened.person?.id ?? null };
}

export function caseClosed(closed: Case, previousStatus: CaseStatus): NewEvent {
  const data = { sequence: closed.version, case: closed, previous: { status: previousStatus } };
  return { type: "case.closed", data, personId: closed.person?.id ?? null };
}

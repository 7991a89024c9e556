import type { NewEvent } from "../platform/events.ts";
import type { STEP_EVENTS } from "./firstContact.ts";
import type { Case } from "./model.ts";
import type { CaseRow } from "./writes.ts";

/** What other systems are told about cases. */
export type CaseEvent =
  | `case.${"opened" | "assigned" | "contacted" | "parked" | "resolved" | "verified" | "closed" | "reopened"}`
  | (typeof STEP_EVENTS)[number];

/** `sequence` is the case's version, which only grows; `previous` holds what the changed fields were before. */
export function caseEvent(type: CaseEvent, found: Case, row: CaseRow, before: CaseRow | null): NewEvent {
  const data = { sequence: found.version, case: found };
  const personId = found.person?.id ?? before?.personId ?? null;
  return { type, data: before === null ? data : { ...data, previous: changedFields(row, before) }, personId };
}

export function commitmentDue(found: Case, commitmentId: string): NewEvent {
  return {
    type: "commitment.due",
    data: { sequence: found.version, case: found, commitmentId },
    personId: found.person?.id ?? null,
  };
}

const TOLD = ["status", "priority", "reasons", "assignee", "outcome", "resolution", "improvementId"] as const;

function changedFields(row: CaseRow, before: CaseRow): Partial<CaseRow> {
  const changed = TOLD.filter((name) => JSON.stringify(row[name]) !== JSON.stringify(before[name]));
  return Object.fromEntries(changed.map((name) => [name, before[name]]));
}

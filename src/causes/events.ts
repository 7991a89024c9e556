import type { NewEvent } from "../platform/events.ts";
import type { Improvement, ImprovementStatus } from "./model.ts";

/** `sequence` is the improvement's version. That it shipped is told besides, for those who tell its audience. */
export function improvementMoved(improvement: Improvement, previous: ImprovementStatus): NewEvent[] {
  const data = { sequence: improvement.version, improvement, previous: { status: previous } };
  const types = ["improvement.status_changed", ...(improvement.status === "SHIPPED" ? ["improvement.shipped"] : [])];
  return types.map((type) => ({ type, data, personId: null }));
}

import type { Category } from "../scoring/index.ts";

export const CLOCK_CAUSES = ["OPENED", "NEW_RESPONSE", "RESPONSE_CHANGED", "REOPENED"] as const;
export type ClockCause = (typeof CLOCK_CAUSES)[number];

/** PENDING: still time. MET: somebody reached out in time. MISSED: late, or not at all. */
export const FIRST_CONTACT_STATES = ["PENDING", "MET", "MISSED"] as const;
export type FirstContactState = (typeof FIRST_CONTACT_STATES)[number];

/** One promise to reach out. It starts when the reason became known, never pauses and is never cleared. */
export interface Clock {
  /** 1 for the first of the case. */
  n: number;
  cause: ClockCause;
  hoursAllowed: number;
  startedAt: Date;
  dueAt: Date;
  metAt: Date | null;
}

/** What a clock must know of an answer. */
export interface Answered {
  category: Category;
  dangerZone: boolean;
}

/** Hours to the first contact: 24 in the danger zone, 48 for everybody else. */
const HOURS: Record<Category | "DANGER_ZONE", number> = { DANGER_ZONE: 24, DETRACTOR: 48, PASSIVE: 48, PROMOTER: 48 };
const HOUR_MS = 3_600_000;

export function startClock(n: number, cause: ClockCause, startedAt: Date, { category, dangerZone }: Answered): Clock {
  const hoursAllowed = HOURS[dangerZone ? "DANGER_ZONE" : category];
  return {
    n,
    cause,
    hoursAllowed,
    startedAt,
    dueAt: new Date(startedAt.getTime() + hoursAllowed * HOUR_MS),
    metAt: null,
  };
}

/**
 * The case's latest clock after another answer joined: while it runs, it is due earlier where the new
 * answer alone would be; once it was met, a new one starts.
 */
export function joinClock(latest: Clock, cause: ClockCause, startedAt: Date, answered: Answered): Clock {
  if (latest.metAt !== null) return startClock(latest.n + 1, cause, startedAt, answered);
  const { dueAt, hoursAllowed } = startClock(latest.n, latest.cause, startedAt, answered);
  return dueAt < latest.dueAt ? { ...latest, dueAt, hoursAllowed } : latest;
}

export function stateOf({ dueAt, metAt }: Pick<Clock, "dueAt" | "metAt">, now: Date): FirstContactState {
  if (metAt !== null) return metAt <= dueAt ? "MET" : "MISSED";
  return now <= dueAt ? "PENDING" : "MISSED";
}

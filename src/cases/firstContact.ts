import { type Answered, dueAfter, hoursFor, MISSED_PERCENT, type Policy } from "./policy.ts";

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
  /** Where the hours are counted from: later than `startedAt` when an answer that joined was due earlier. */
  countedFrom: Date;
  dueAt: Date;
  metAt: Date | null;
  /** The answer reached us so late that, counted from when it was given, the contact would be overdue already. */
  arrivedLate: boolean;
  /** The percentage of the time allowed that is announced next, and when; null when nothing is. */
  nextStep: number | null;
  nextStepAt: Date | null;
}

/** What starts a clock: an answer, when it was given, and when it reached us. */
export interface Reason extends Answered {
  respondedAt: Date;
  receivedAt: Date;
}

/** Contacts are entered by people, and their clocks and ours differ: this much before the start is not before it. */
export const START_TOLERANCE_MS = 5 * 60_000;

export function startClock(n: number, cause: ClockCause, startedAt: Date, reason: Reason, policy: Policy): Clock {
  const hoursAllowed = hoursFor(policy, reason);
  const clock = {
    n,
    cause,
    hoursAllowed,
    startedAt,
    countedFrom: startedAt,
    dueAt: dueAfter(policy, startedAt, hoursAllowed),
    metAt: null,
    arrivedLate: dueAfter(policy, reason.respondedAt, hoursAllowed) < reason.receivedAt,
  };
  return { ...clock, ...stepAfter(0, clock, policy) };
}

/**
 * The case's latest clock after another answer joined: while it runs, it is due earlier where the new
 * answer alone would be; once it was met, a new one starts.
 */
export function joinClock(latest: Clock, cause: ClockCause, startedAt: Date, reason: Reason, policy: Policy): Clock {
  if (latest.metAt !== null) return startClock(latest.n + 1, cause, startedAt, reason, policy);
  const own = startClock(latest.n, latest.cause, startedAt, reason, policy);
  if (own.dueAt >= latest.dueAt) return latest;
  const { countedFrom, dueAt, hoursAllowed } = own;
  const moved = { ...latest, countedFrom, dueAt, hoursAllowed };
  // What was announced is not announced again.
  return latest.nextStep === null ? moved : { ...moved, ...stepFrom(latest.nextStep, moved, policy) };
}

/** The clock after somebody reached out: the first time counts, also where it is entered later. */
export function meetClock(clock: Clock, contactedAt: Date): Clock {
  const isBefore = contactedAt.getTime() < clock.startedAt.getTime() - START_TOLERANCE_MS;
  if (isBefore || (clock.metAt !== null && clock.metAt <= contactedAt)) return clock;
  return { ...clock, metAt: contactedAt, nextStep: null, nextStepAt: null };
}

/** A clock about which nothing more is announced: the case has ended, and nobody is to be called. */
export function silence(clock: Clock): Clock {
  return clock.nextStep === null ? clock : { ...clock, nextStep: null, nextStepAt: null };
}

export function stateOf({ dueAt, metAt }: Pick<Clock, "dueAt" | "metAt">, now: Date): FirstContactState {
  if (metAt !== null) return metAt <= dueAt ? "MET" : "MISSED";
  return now <= dueAt ? "PENDING" : "MISSED";
}

/** A step that is due: the percentage of the time allowed, and when it was reached. */
export interface Step {
  percent: number;
  reachedAt: Date;
}

/** The steps of a clock that are due now, in order, and the clock that waits for the one after them. */
export function takeSteps(clock: Clock, policy: Policy, now: Date): { steps: Step[]; clock: Clock } {
  const steps: Step[] = [];
  let rest = clock;
  while (rest.nextStep !== null && rest.nextStepAt !== null && rest.nextStepAt <= now) {
    steps.push({ percent: rest.nextStep, reachedAt: rest.nextStepAt });
    rest = { ...rest, ...stepAfter(rest.nextStep, rest, policy) };
  }
  return { steps, clock: rest };
}

export const STEP_EVENTS = ["case.first_contact_due_soon", "case.first_contact_missed", "case.escalated"] as const;

/** What reaching a percentage of the time allowed is called. */
export function eventOfStep(percent: number): (typeof STEP_EVENTS)[number] {
  if (percent === MISSED_PERCENT) return "case.first_contact_missed";
  return percent < MISSED_PERCENT ? "case.first_contact_due_soon" : "case.escalated";
}

type Counted = Pick<Clock, "countedFrom" | "hoursAllowed">;

function stepAfter(percent: number, clock: Counted, policy: Policy): Pick<Clock, "nextStep" | "nextStepAt"> {
  return stepFrom(percent + 1, clock, policy);
}

/** The first step at this percentage or beyond. */
function stepFrom(percent: number, clock: Counted, policy: Policy): Pick<Clock, "nextStep" | "nextStepAt"> {
  const nextStep = policy.escalationPercents.find((step) => step >= percent) ?? null;
  if (nextStep === null) return { nextStep, nextStepAt: null };
  return { nextStep, nextStepAt: dueAfter(policy, clock.countedFrom, (clock.hoursAllowed * nextStep) / 100) };
}

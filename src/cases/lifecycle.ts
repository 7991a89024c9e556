import { AppError } from "../platform/errors.ts";
import { CASE_STATUSES, type CaseStatus } from "../responses/index.ts";

/**
 * What moves a case, and from where to where. What is not here cannot be done. A contact is recorded in
 * every status and moves only OPEN, and only when it reached out to the customer.
 */
export const TRANSITIONS = {
  contact: { OPEN: "CONTACTED" },
  parking: { CONTACTED: "PARKED" },
  /** The improvement it waits for has shipped, or was dropped. */
  unparking: { PARKED: "CONTACTED" },
  resolution: { CONTACTED: "RESOLVED", PARKED: "RESOLVED" },
  satisfiedVerification: { RESOLVED: "CLOSED" },
  unsatisfiedVerification: { RESOLVED: "CONTACTED" },
  closure: { OPEN: "CLOSED", CONTACTED: "CLOSED", PARKED: "CLOSED", RESOLVED: "CLOSED" },
  reopening: { RESOLVED: "OPEN", CLOSED: "OPEN" },
} as const satisfies Record<string, Partial<Record<CaseStatus, CaseStatus>>>;

export type Move = keyof typeof TRANSITIONS;
export const MOVES = Object.keys(TRANSITIONS) as Move[];

/** The statuses of a case that is being worked: a further answer joins it. */
export const LIVE_STATUSES = ["OPEN", "CONTACTED", "PARKED"] as const satisfies readonly CaseStatus[];

export function isLive(status: CaseStatus): boolean {
  return (LIVE_STATUSES as readonly CaseStatus[]).includes(status);
}

/** The call by which somebody makes a move; nobody calls for unparking. */
const CALLS: Record<Move, string | null> = {
  contact: "contact",
  parking: "parking",
  unparking: null,
  resolution: "resolution",
  satisfiedVerification: "verification",
  unsatisfiedVerification: "verification",
  closure: "closure",
  reopening: "reopening",
};

/** Where a move leads from here, or undefined where it is forbidden. */
export function targetOf(status: CaseStatus, move: Move): CaseStatus | undefined {
  const targets: Partial<Record<CaseStatus, CaseStatus>> = TRANSITIONS[move];
  return targets[status];
}

/** The calls that move a case of this status, each once. */
export function callsFrom(status: CaseStatus): string[] {
  const calls = MOVES.filter((move) => targetOf(status, move) !== undefined).map((move) => CALLS[move]);
  return [...new Set(calls.filter((call) => call !== null))];
}

/**
 * The status after a move.
 * @throws {AppError} `invalid_transition`, with the calls that are allowed instead
 */
export function statusAfter(status: CaseStatus, by: Move): CaseStatus {
  const target = targetOf(status, by);
  if (target !== undefined) return target;
  const allowedMoves = callsFrom(status);
  const reachable = CASE_STATUSES.filter((from) => targetOf(from, by) !== undefined).join(" or ");
  throw new AppError(
    "invalid_transition",
    `The case is ${status}; ${CALLS[by] ?? by} is for a case that is ${reachable}. Allowed now: ${allowedMoves.join(", ")}.`,
    { allowedMoves },
  );
}

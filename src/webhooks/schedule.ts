/** An attempt comes up to a tenth of its wait later, so that what failed together does not come back together. */
const JITTER = 0.1;
/** A receiver may ask for no longer wait than the longest of ours. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;
const SECOND_MS = 1_000;

/** When a delivery that failed is tried again. */
export interface Retry {
  /** Seconds to wait before each attempt, the first included. */
  schedule: readonly number[];
  /** How many attempts were made, this one included. */
  attempts: number;
  attemptedAt: Date;
  /** The header of the answer, where it came. */
  retryAfter: string | undefined;
  /** From 0 to 1, without 1. */
  random: () => number;
}

/**
 * The time of the next attempt, counted from this one: never earlier than the schedule says, nor than the receiver
 * asked for.
 * @returns undefined after the last attempt
 */
export function nextAttemptAt({ schedule, attempts, attemptedAt, retryAfter, random }: Retry): Date | undefined {
  const wait = schedule[attempts];
  if (wait === undefined) return undefined;
  const asked = Math.min(readRetryAfter(retryAfter, attemptedAt), RETRY_AFTER_MAX_MS);
  const waitMs = wait * SECOND_MS;
  return new Date(attemptedAt.getTime() + Math.max(waitMs, asked) + Math.floor(waitMs * JITTER * random()));
}

/** Milliseconds of a `Retry-After` header, in seconds or as a date (RFC 9110, 10.2.3); 0 for none, or what is neither. */
function readRetryAfter(header: string | undefined, now: Date): number {
  if (header === undefined) return 0;
  if (/^\d+$/.test(header)) return Number(header) * SECOND_MS;
  const at = header.endsWith("GMT") ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - now.getTime());
}

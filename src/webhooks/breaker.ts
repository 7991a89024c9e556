/** After so many failures in a row an endpoint is tried one delivery at a time, and then after ever longer pauses. */
const FAILURES_MAX = 5;
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

/**
 * Holds back what would be sent to endpoints that do not work, so that a dead one costs one request a minute and not
 * a time-out for each delivery. What is held back keeps its place and uses up no attempt. It is of this
 * process: another finds out for itself.
 */
export class Breaker {
  readonly #failing = new Map<string, { failures: number; closedUntil: number }>();

  /** How many of these may be sent now; `free` while it works. @param now milliseconds of any one clock */
  allow(endpointId: string, free: number, inFlight: number, now: number): number {
    const state = this.#failing.get(endpointId);
    if (state === undefined || state.failures < FAILURES_MAX) return free;
    return inFlight === 0 && now >= state.closedUntil ? Math.min(free, 1) : 0;
  }

  /** The endpoints that are not as free as any other. */
  get endpointIds(): Iterable<string> {
    return this.#failing.keys();
  }

  succeeded(endpointId: string): void {
    this.#failing.delete(endpointId);
  }

  failed(endpointId: string, now: number): void {
    const failures = (this.#failing.get(endpointId)?.failures ?? 0) + 1;
    const pause = Math.min(PAUSE_MS * 2 ** Math.max(0, failures - FAILURES_MAX), PAUSE_MAX_MS);
    this.#failing.set(endpointId, { failures, closedUntil: failures < FAILURES_MAX ? 0 : now + pause });
  }
}

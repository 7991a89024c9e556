/** What time it is, and how much has passed: a clock that is set back must not keep alive what has grown old. */
export interface Clocks {
  /** Milliseconds since 1970. */
  time: () => number;
  /** Milliseconds since any moment; they never go back. */
  elapsed: () => number;
}

export const CLOCKS: Clocks = { time: Date.now, elapsed: () => performance.now() };

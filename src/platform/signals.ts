import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** npm hands a terminal's signal on to us, who have had it already where its shell has put us in its own place. */
const REPEATED_MS = 1_000;

/**
 * Ends the process at a signal, while there is nothing to finish first: as the first of a container it would heed none.
 * @returns what takes that back
 */
export function endAtSignals(): () => void {
  const end = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  for (const signal of SIGNALS) process.once(signal, end);
  return () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
}

/** While the process ends: another signal within a second says nothing new, a later one ends the process as it is. */
export function passOverRepeated(): void {
  const since = performance.now();
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (performance.now() - since > REPEATED_MS) process.exit(1);
    });
  }
}

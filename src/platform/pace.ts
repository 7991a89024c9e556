/** How many requests end in a while, seen while there is always another one. */
export interface Pace {
  /** One has ended. */
  ended(): void;
  /** To be called some times a second, with the time in milliseconds and how many are in hand. */
  look(now: number, inHand: number): void;
  /**
   * How many are answered in so many milliseconds at the pace of late; never fewer than twice `from`, so that
   * it can be seen anew. Infinite where nothing is known of it: until there were that many in hand all through a window,
   * and from half a minute after there last were.
   */
  takesIn(milliseconds: number): number;
}

/** So long a pace is kept that was seen: those who were refused come back, and must not be let in as if nothing were known. */
const KEPT_MS = 30_000;

/**
 * By Little's law (L = λW) whoever comes last waits for the number in hand divided by how many end in a second, be they
 * light or heavy: a thousand single answers are done in a second, a thousand batches take a minute.
 * @param windowMs over how long it is seen
 * @param from fewer than these in hand say nothing of the pace, because not all that could be done is asked for
 */
export function createPace(windowMs: number, from: number): Pace {
  let ended = 0;
  let seen: { at: number; ended: number }[] = [];
  let busySince: number | undefined;
  let lastBusy = Number.NEGATIVE_INFINITY;
  let perMs = Number.POSITIVE_INFINITY;
  return {
    ended: () => {
      ended += 1;
    },
    look: (now, inHand) => {
      seen.push({ at: now, ended });
      while ((seen[1]?.at ?? now) <= now - windowMs) seen.shift();
      if (inHand < from) {
        busySince = undefined;
        if (now - lastBusy >= KEPT_MS) perMs = Number.POSITIVE_INFINITY;
        return;
      }
      busySince ??= now;
      lastBusy = now;
      const { at, ended: before } = seen[0] ?? { at: now, ended };
      // Where none has ended, that is a standstill and no pace: the last one holds.
      if (now - busySince >= windowMs && ended > before) perMs = (ended - before) / (now - at);
    },
    takesIn: (milliseconds) => Math.max(2 * from, perMs * milliseconds),
  };
}

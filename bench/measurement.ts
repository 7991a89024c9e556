/** One figure and what it is held against, in the same run. */
export interface Measurement {
  what: string;
  /** In milliseconds, medians, where `what` does not say otherwise. */
  baseline: number;
  measured: number;
  /** What `measured / baseline` may be at the most. */
  ratioMax: number;
}

/** The median of the times that this takes, in milliseconds, after some that do not count. */
export async function medianOf(runs: number, warmUp: number, work: () => Promise<unknown>): Promise<number> {
  const [median] = await mediansOf(runs, warmUp, [work]);
  return median ?? Number.NaN;
}

/** The same of several things in turn, so that all meet the same moods of the machine. */
export async function mediansOf(
  runs: number,
  warmUp: number,
  works: readonly (() => Promise<unknown>)[],
): Promise<number[]> {
  const times: number[][] = works.map(() => []);
  for (let run = -warmUp; run < runs; run += 1) {
    for (const [index, work] of works.entries()) {
      const startedAt = performance.now();
      await work();
      if (run >= 0) times[index]?.push(performance.now() - startedAt);
    }
  }
  return times.map(middleOf);
}

/** The median of what was measured. */
export function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

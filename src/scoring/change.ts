import type { Category } from "./category.ts";
import { normalQuantile } from "./normal.ts";
import type { Interval } from "./nps.ts";
import { twoSidedP } from "./student.ts";

export const VERDICTS = ["UP", "DOWN", "NOT_DISTINGUISHABLE", "NOT_ENOUGH_DATA"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Whether a score moved, and how sure that is. */
export interface Change {
  /** Of the scores as they are, −200 to 200; null when one of them is. */
  difference: number | null;
  interval: Interval | null;
  z: number | null;
  /** Two-sided. */
  pValue: number | null;
  verdict: Verdict;
}

/** A score with what a test must know of it. */
export interface Estimate {
  /** −100 to 100; null when nothing was counted. */
  score: number | null;
  /** Where the interval lies around, and its standard error, on the scale −1 to 1. */
  centre: number;
  standardError: number | null;
  counted: number;
}

/** Fewer on either side are not enough to say anything. */
const COUNTED_MIN = 30;
const SIGNIFICANCE = 0.05;
const LEVEL = 0.95;
const Z = normalQuantile((1 + LEVEL) / 2);

/**
 * Holds one score against another of answers that are none of the first's, by the z-test on the adjusted
 * estimates.
 * Source: Sauro & Lewis, "Quantifying the User Experience", 2016, chapter 5, with the adjustment of Rocks 2016.
 */
export function changeOf(baseline: Estimate, current: Estimate): Change {
  const difference = current.score === null || baseline.score === null ? null : current.score - baseline.score;
  const errors = [baseline.standardError, current.standardError];
  const isKnown = difference !== null && errors.every((error) => error !== null);
  const standardError = isKnown ? Math.hypot(...errors.map((error) => error ?? 0)) : 0;
  const counted = Math.min(baseline.counted, current.counted);
  const method = "ADJUSTED_WALD" as const;
  return judge({ difference, centre: current.centre - baseline.centre, standardError, counted, method });
}

/** How many people moved from each category to each. */
export type Transitions = Record<Category, Record<Category, number>>;

const VALUES: Record<Category, number> = { PROMOTER: 1, PASSIVE: 0, DETRACTOR: -1 };

/**
 * The same people before and after, by the test on each one's own change: it sees what the test on two
 * heaps of answers misses, since people differ more from each other than from themselves.
 */
export function pairedChangeOf(transitions: Transitions): Change {
  let [people, sum, squares] = [0, 0, 0];
  for (const [from, row] of Object.entries(transitions)) {
    for (const [to, count] of Object.entries(row)) {
      const step = VALUES[to as Category] - VALUES[from as Category];
      people += count;
      sum += count * step;
      squares += count * step ** 2;
    }
  }
  const mean = people === 0 ? 0 : sum / people;
  const variance = people < 2 ? 0 : (squares - people * mean ** 2) / (people - 1);
  return judge({
    difference: people === 0 ? null : 100 * mean,
    centre: mean,
    standardError: people === 0 ? 0 : Math.sqrt(Math.max(0, variance) / people),
    counted: people,
    method: "WALD_ON_PAIRED_CHANGE",
  });
}

interface Judged {
  difference: number | null;
  centre: number;
  standardError: number;
  counted: number;
  method: Interval["method"];
}

function judge({ difference, centre, standardError, counted, method }: Judged): Change {
  if (difference === null || standardError === 0) {
    return { difference, interval: null, z: null, pValue: null, verdict: verdictOf(counted, null, centre) };
  }
  const z = centre / standardError;
  const pValue = twoSidedP(z);
  const interval = {
    low: Math.max(-200, 100 * (centre - Z * standardError)),
    high: Math.min(200, 100 * (centre + Z * standardError)),
    level: LEVEL,
    method,
  };
  return { difference, interval, z, pValue, verdict: verdictOf(counted, pValue, centre) };
}

function verdictOf(counted: number, pValue: number | null, centre: number): Verdict {
  if (counted < COUNTED_MIN) return "NOT_ENOUGH_DATA";
  if (pValue === null || pValue >= SIGNIFICANCE) return "NOT_DISTINGUISHABLE";
  return centre > 0 ? "UP" : "DOWN";
}

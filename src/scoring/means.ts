import { normalQuantile } from "./normal.ts";
import type { Interval } from "./nps.ts";
import { studentQuantile } from "./student.ts";

/**
 * Sums over the units of a mean, from which it and its variance follow: of the weights w, and of them with
 * the scores s, which lie between −1 and 1.
 */
export interface Moments {
  /** How many units have a weight. */
  units: number;
  w: number;
  ws: number;
  w2: number;
  w2s: number;
  w2s2: number;
}

/** The mean on the scale −100 to 100; null when nothing weighs anything. */
export function meanScore({ w, ws }: Moments): number | null {
  return w > 0 ? (100 * ws) / w : null;
}

/** A mean that was not counted in whole numbers, rounded once, half away from zero. */
export function roundedMean(mean: number | null): number | null {
  if (mean === null) return null;
  // What is a half but for the last digits of a double is a half.
  const rounded = Math.floor(Number(Math.abs(mean).toPrecision(13)) + 0.5);
  return mean < 0 && rounded > 0 ? -rounded : rounded;
}

/**
 * How many equally weighted answers would be as good: (Σw)² / Σw².
 * Source: Kish, "Survey Sampling", 1965, section 11.7.
 */
export function effectiveSampleSize({ w, w2 }: Moments): number | null {
  return w2 > 0 ? w ** 2 / w2 : null;
}

/**
 * The standard error of the mean over accounts, on the scale −1 to 1: their scores are a sample of one
 * each. Null for fewer than two, or where all are the same, which is no variance to go by.
 */
export function accountStandardError({ units, ws, w2s2 }: Moments): number | null {
  if (units < 2) return null;
  const variance = (w2s2 - ws ** 2 / units) / (units - 1);
  return variance > 1e-15 ? Math.sqrt(variance / units) : null;
}

/** The interval of the mean over accounts, by Student's t on their scores, clamped. */
export function accountMeansInterval(moments: Moments, confidence: number): Interval | null {
  const error = accountStandardError(moments);
  if (error === null) return null;
  const halfWidth = studentQuantile((1 + confidence) / 2, moments.units - 1) * error;
  return around(moments.ws / moments.w, halfWidth, confidence, "ACCOUNT_MEANS");
}

/**
 * The standard error of a weighted mean by Taylor linearisation, on the scale −1 to 1: √Σw²(s − mean)² / Σw.
 * Null where that is 0.
 * Source: Särndal, Swensson & Wretman, "Model Assisted Survey Sampling", 1992, section 5.7 (the ratio of two
 * totals, with replacement).
 */
export function weightedStandardError({ w, ws, w2, w2s, w2s2 }: Moments): number | null {
  if (w <= 0) return null;
  const mean = ws / w;
  const sum = w2s2 - 2 * mean * w2s + mean ** 2 * w2;
  return sum > 1e-15 * w2 ? Math.sqrt(sum) / w : null;
}

/** The interval of a weighted mean, by the normal distribution on its linearised error, clamped. */
export function weightedInterval(moments: Moments, confidence: number): Interval | null {
  const error = weightedStandardError(moments);
  if (error === null) return null;
  return around(
    moments.ws / moments.w,
    normalQuantile((1 + confidence) / 2) * error,
    confidence,
    "WEIGHTED_LINEARISED",
  );
}

function around(mean: number, halfWidth: number, level: number, method: Interval["method"]): Interval {
  return {
    low: Math.max(-100, 100 * (mean - halfWidth)),
    high: Math.min(100, 100 * (mean + halfWidth)),
    level,
    method,
  };
}

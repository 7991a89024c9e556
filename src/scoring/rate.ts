import { normalQuantile } from "./normal.ts";

/** A share of things that were counted, with what can be said of the true one. */
export interface Rate {
  /** 0 to 1; null when nothing was counted, which is not 0. */
  value: number | null;
  numerator: number;
  denominator: number;
  /** Both ends of the interval, 0 to 1; null when nothing was counted. */
  low: number | null;
  high: number | null;
}

const LEVEL = 0.95;

/**
 * The share with its Wilson score interval of 95 %, which holds for few counted and for shares near 0 and
 * 1, where the textbook interval does not.
 * Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
 * American Statistical Association 22 (1927), 209–212.
 */
export function rateOf(numerator: number, denominator: number): Rate {
  if (denominator === 0) return { value: null, numerator, denominator, low: null, high: null };
  const z = normalQuantile((1 + LEVEL) / 2);
  const share = numerator / denominator;
  const shrink = 1 + z ** 2 / denominator;
  const centre = (share + z ** 2 / (2 * denominator)) / shrink;
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / denominator + z ** 2 / (4 * denominator ** 2));
  // At the ends the interval ends there, whatever rounding says.
  const low = numerator === 0 ? 0 : Math.max(0, centre - half);
  const high = numerator === denominator ? 1 : Math.min(1, centre + half);
  return { value: share, numerator, denominator, low, high };
}

import { CATEGORY_SCORES, type Category, DANGER_ZONE_MAX, SCORE_MAX } from "./category.ts";
import { normalQuantile } from "./normal.ts";

/** How many answers fell into each category. */
export interface Counts {
  promoters: number;
  passives: number;
  detractors: number;
}

/** How many answers had each score: 11 counts, scores 0 to 10. */
export type Distribution = readonly number[];

export interface Interval {
  low: number;
  high: number;
  /** Of confidence, 0.95 for 95 %. */
  level: number;
  method: (typeof INTERVAL_METHODS)[number];
}

/** How an interval is computed: see the function of each. */
export const INTERVAL_METHODS = [
  "ADJUSTED_WALD",
  "ACCOUNT_MEANS",
  "WEIGHTED_LINEARISED",
  "WALD_ON_PAIRED_CHANGE",
] as const;

export function emptyDistribution(): number[] {
  return Array.from({ length: SCORE_MAX + 1 }, () => 0);
}

/** The counts by category, and of the danger zone, which is part of the detractors. */
export function countsOf(distribution: Distribution): Counts & { answered: number; dangerZone: number } {
  const within = (min: number, max: number) => distribution.slice(min, max + 1).reduce((sum, count) => sum + count, 0);
  const ofCategory = (category: Category) => within(CATEGORY_SCORES[category].min, CATEGORY_SCORES[category].max);
  const [promoters, passives, detractors] = [ofCategory("PROMOTER"), ofCategory("PASSIVE"), ofCategory("DETRACTOR")];
  return {
    promoters,
    passives,
    detractors,
    answered: promoters + passives + detractors,
    dangerZone: within(0, DANGER_ZONE_MAX),
  };
}

/**
 * The Net Promoter Score, −100 to 100, from exact counts and never from rounded shares: 100 ×
 * (promoters − detractors) / answered. Null when nothing was answered, which is not 0.
 * Source: Reichheld, "The One Number You Need to Grow", Harvard Business Review 12/2003.
 */
export function npsOf({ promoters, passives, detractors }: Counts): number | null {
  const answered = promoters + passives + detractors;
  return answered === 0 ? null : (100 * (promoters - detractors)) / answered;
}

/**
 * The score as a whole number, rounded once, half away from zero: −8.5 is −9, where `Math.round`
 * would say −8. In whole numbers throughout, so that no half is lost to a fraction.
 */
export function roundedNpsOf({ promoters, passives, detractors }: Counts): number | null {
  const answered = promoters + passives + detractors;
  if (answered === 0) return null;
  const difference = promoters - detractors;
  const rounded = Math.floor((200 * Math.abs(difference) + answered) / (2 * answered));
  return difference < 0 && rounded > 0 ? -rounded : rounded;
}

/** Pseudo-answers of the adjusted Wald interval. */
const ADDED: Counts = { promoters: 0.75, passives: 1.5, detractors: 0.75 };

/**
 * The interval that holds the true score with this confidence, −100 to 100, from the counts with ¾
 * promoter, 1½ passives and ¾ detractor added: with few answers the plain interval is too narrow, and
 * with one category it has no width at all. Null when nothing was answered.
 * Source: Rocks, "Interval Estimation for the 'Net Promoter Score'", 2016, arXiv 1601.07235.
 * @param confidence between 0 and 1
 */
export function adjustedWaldInterval(counts: Counts, confidence: number): Interval | null {
  if (counts.promoters + counts.passives + counts.detractors === 0) return null;
  const { mean, standardError } = adjustedMoments(counts);
  const halfWidth = normalQuantile((1 + confidence) / 2) * standardError;
  return {
    low: Math.max(-100, 100 * (mean - halfWidth)),
    high: Math.min(100, 100 * (mean + halfWidth)),
    level: confidence,
    method: "ADJUSTED_WALD",
  };
}

/** Mean and standard error of the score after the pseudo-answers, on the scale −1 to 1. */
export function adjustedMoments(counts: Counts): { mean: number; standardError: number } {
  const promoters = counts.promoters + ADDED.promoters;
  const detractors = counts.detractors + ADDED.detractors;
  const answered = promoters + detractors + counts.passives + ADDED.passives;
  const mean = (promoters - detractors) / answered;
  // Each answer is 1, 0 or −1, so its square is 1 unless it is passive.
  const variance = (promoters + detractors) / answered - mean ** 2;
  return { mean, standardError: Math.sqrt(variance / answered) };
}

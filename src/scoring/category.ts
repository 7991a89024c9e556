/** Scores are whole numbers from 0 to 10. */
export const SCORE_MAX = 10;

/** What a score says about the customer: promoter 9–10, passive 7–8, detractor 0–6. */
export const CATEGORIES = ["PROMOTER", "PASSIVE", "DETRACTOR"] as const;
export type Category = (typeof CATEGORIES)[number];

/** The highest score of the danger zone, the detractors likeliest to leave. */
export const DANGER_ZONE_MAX = 3;

/** The scores of each category, both ends included. */
export const CATEGORY_SCORES: Record<Category, { min: number; max: number }> = {
  DETRACTOR: { min: 0, max: 6 },
  PASSIVE: { min: 7, max: 8 },
  PROMOTER: { min: 9, max: SCORE_MAX },
};

export function categoryOf(score: number): Category {
  if (score >= CATEGORY_SCORES.PROMOTER.min) return "PROMOTER";
  return score >= CATEGORY_SCORES.PASSIVE.min ? "PASSIVE" : "DETRACTOR";
}

export function isDangerZone(score: number): boolean {
  return score <= DANGER_ZONE_MAX;
}

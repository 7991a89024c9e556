export {
  CATEGORIES,
  CATEGORY_SCORES,
  type Category,
  categoryOf,
  DANGER_ZONE_MAX,
  isDangerZone,
  SCORE_MAX,
} from "./category.ts";
export {
  type Change,
  changeOf,
  type Estimate,
  pairedChangeOf,
  type Transitions,
  VERDICTS,
} from "./change.ts";
export {
  accountMeansInterval,
  accountStandardError,
  effectiveSampleSize,
  type Moments,
  meanScore,
  roundedMean,
  weightedInterval,
  weightedStandardError,
} from "./means.ts";
export {
  adjustedMoments,
  adjustedWaldInterval,
  type Counts,
  countsOf,
  type Distribution,
  emptyDistribution,
  INTERVAL_METHODS,
  type Interval,
  npsOf,
  roundedNpsOf,
} from "./nps.ts";
export { type Rate, rateOf } from "./rate.ts";
export { findShift, type Shift, WEEKS_LOOKED_AT } from "./shift.ts";

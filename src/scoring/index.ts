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
  adjustedWaldInterval,
  type Counts,
  countsOf,
  type Distribution,
  emptyDistribution,
  type Interval,
  npsOf,
  roundedNpsOf,
} from "./nps.ts";
export { type Rate, rateOf } from "./rate.ts";

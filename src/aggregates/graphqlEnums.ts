import { defineEnum } from "../platform/graphqlInput.ts";
import { INTERVAL_METHODS, VERDICTS } from "../scoring/index.ts";
import { DIMENSIONS, GROUP_ORDERS } from "./breakdown.ts";
import { INTERVALS } from "./buckets.ts";
import { CAVEATS } from "./effect.ts";
import { COUNTING_UNITS, EXCLUSION_RULES, ROUNDINGS, WEIGHTINGS } from "./rules.ts";

/** The words of aggregates, and what each says. */

export const IntervalEnum = defineEnum("Interval", "Of the calendar, in the workspace's time zone", INTERVALS, {
  DAY: "From midnight to midnight",
  WEEK: "From Monday to Sunday",
  MONTH: "From the first of a month to its last day",
  QUARTER: "Three months, from January, April, July or October",
  YEAR: "From January to December",
});
export const DimensionEnum = defineEnum(
  "Dimension",
  "What answers are grouped by; gives the key of each group",
  DIMENSIONS,
  {
    SURVEY: "Key of the survey that was answered",
    CHANNEL: "How the question reached the customer",
    TOUCHPOINT: "What was asked about, as given with the answer",
    SEGMENT: "Segment of the account, as it was when they answered",
    LANGUAGE: "Language of the answer, as given with it",
    ACCOUNT: "Id of the account; its label is the name",
    ROOT_CAUSE: "Key of the actual root cause of the answer's case, else of the stated one",
    THEME: "Key of each theme the comment speaks of; an answer may be in several groups",
    PROPERTY: "Value of the property that `propertyKey` names, as text",
  },
);
export const GroupOrderEnum = defineEnum("GroupOrder", "How groups are sorted; equal ones by key", GROUP_ORDERS, {
  ANSWERED: "The most answers first",
  NPS: "The best score first",
  KEY: "By key, in the order of code units",
});
export const VerdictEnum = defineEnum("ChangeVerdict", "Whether a score moved, by a two-sided test", VERDICTS, {
  UP: "It rose: p is below 0.05",
  DOWN: "It fell: p is below 0.05",
  NOT_DISTINGUISHABLE: "p is 0.05 or more: chance alone may explain the difference",
  NOT_ENOUGH_DATA: "Fewer than 30 were counted on one side; nothing can be said",
});
export const CaveatEnum = defineEnum("Caveat", "Why a difference is not all the doing of those who called", CAVEATS, {
  SELF_SELECTION: "Who was contacted was not drawn by lot: those who can be reached differ from those who cannot",
  REGRESSION_TO_MEAN: "Extreme scores come back towards the average by themselves",
  ATTRITION: "Some did not answer again, and those who left never will",
  SMALL_SAMPLE: "Fewer than 30 next answers on one side",
});

export const CountingUnitEnum = defineEnum("CountingUnit", "What a score is counted over", COUNTING_UNITS, {
  RESPONSE: "Every answer counts as one",
  RESPONDENT:
    "The latest answer of each person within the filter, and the group or interval; one without a person stands for itself",
  ACCOUNT: "The mean over accounts of each account's own score; answers without an account are not counted",
});
export const WeightingEnum = defineEnum("Weighting", "What each answer or account counts for", WEIGHTINGS, {
  NONE: "All the same",
  ACCOUNT_VALUE: "The account's annual value of today, shared equally by its counted answers; none known: weight 0",
});
export const ExclusionRuleEnum = defineEnum("ExclusionRule", "What became of excluded responses", EXCLUSION_RULES, {
  LEFT_OUT: "They were not counted",
  COUNTED: "They were counted like others, as `includeExcluded` asked for",
});
export const RoundingEnum = defineEnum("Rounding", "How `npsRounded` is rounded: once, at the end", ROUNDINGS, {
  HALF_AWAY_FROM_ZERO: "Halves away from zero: 12.5 to 13, −12.5 to −13",
});
export const IntervalMethodEnum = defineEnum(
  "IntervalMethod",
  "How a confidence interval was computed",
  INTERVAL_METHODS,
  {
    ADJUSTED_WALD: "From the adjusted counts of promoters and detractors; unweighted scores, and their difference",
    ACCOUNT_MEANS: "Student's t over the accounts' scores; unit ACCOUNT without weights",
    WEIGHTED_LINEARISED: "Taylor linearisation of the weighted mean, normal quantile",
    WALD_ON_PAIRED_CHANGE: "From each person's own change; `npsChange` with `paired`",
  },
);

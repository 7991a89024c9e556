import { builder } from "../platform/graphql.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { INTERVAL_METHODS, type Interval, type Rate } from "../scoring/index.ts";
import { COUNTING_UNITS, EXCLUSION_RULES, type NpsDefinition, ROUNDINGS, WEIGHTINGS } from "./rules.ts";
import type { NpsSummary } from "./summary.ts";

/** What every number comes with. */

export const CountingUnitEnum = defineEnum("CountingUnit", "What a score is counted over", COUNTING_UNITS, {
  RESPONSE: "Every answer",
  RESPONDENT: "The latest answer of each person within the filter; one without a person stands for itself",
  ACCOUNT: "The mean over accounts of each account's own score; answers without an account are not counted",
});
export const WeightingEnum = defineEnum("Weighting", "What each answer or account counts for", WEIGHTINGS, {
  NONE: "All the same",
  ACCOUNT_VALUE: "The account's annual value of today, shared equally by its counted answers; none known: weight 0",
});
const ExclusionRuleEnum = defineEnum("ExclusionRule", "What became of excluded responses", EXCLUSION_RULES, {
  LEFT_OUT: "They were not counted",
  COUNTED: "They were counted like others, as `includeExcluded` asked for",
});
const RoundingEnum = defineEnum("Rounding", "How `npsRounded` is rounded: once, at the end", ROUNDINGS, {
  HALF_AWAY_FROM_ZERO: "Halves away from zero: 12.5 to 13, −12.5 to −13",
});
const IntervalMethodEnum = defineEnum("IntervalMethod", "How a confidence interval was computed", INTERVAL_METHODS, {
  ADJUSTED_WALD: "From the adjusted counts of promoters and detractors; unweighted scores, and their difference",
  ACCOUNT_MEANS: "Student's t over the accounts' scores; unit ACCOUNT without weights",
  WEIGHTED_LINEARISED: "Taylor linearisation of the weighted mean, normal quantile",
  WALD_ON_PAIRED_CHANGE: "From each person's own change; `npsChange` with `paired`",
});

export const RateType = builder.objectRef<Rate>("Rate").implement({
  description: "A share of what was counted, with its Wilson interval of 95 %",
  extensions: { scope: null },
  fields: (t) => ({
    value: t.exposeFloat("value", { nullable: true, description: "0 to 1; null when nothing was counted" }),
    numerator: t.exposeInt("numerator", { description: "How many of them" }),
    denominator: t.exposeInt("denominator", { description: "How many were counted" }),
    low: t.exposeFloat("low", { nullable: true, description: "0 or more" }),
    high: t.exposeFloat("high", { nullable: true, description: "1 or less" }),
  }),
});

export const NpsIntervalType = builder.objectRef<Interval>("NpsInterval").implement({
  description: "Holds the true value with this confidence",
  extensions: { scope: null },
  fields: (t) => ({
    low: t.exposeFloat("low", { description: "Its lower end" }),
    high: t.exposeFloat("high", { description: "Its upper end" }),
    level: t.exposeFloat("level", { description: "0.95 for 95 %" }),
    method: t.field({ type: IntervalMethodEnum, description: "How it was computed", resolve: (i) => i.method }),
  }),
});

const NpsDefinitionType = builder.objectRef<NpsDefinition>("NpsDefinition").implement({
  description: "The counting rules; the same hash on the same data is the same number",
  extensions: { scope: null },
  fields: (t) => ({
    unit: t.field({ type: CountingUnitEnum, description: "What counts as one", resolve: ({ unit }) => unit }),
    weighting: t.field({ type: WeightingEnum, description: "What each counts for", resolve: (d) => d.weighting }),
    currency: t.exposeString("currency", { nullable: true, description: "Of the weights" }),
    from: t.field({ type: "DateTime", nullable: true, description: "Answered at or after", resolve: (d) => d.from }),
    to: t.field({ type: "DateTime", nullable: true, description: "Answered before", resolve: ({ to }) => to }),
    timeZone: t.exposeString("timeZone", { description: "Where days begin" }),
    exclusions: t.field({
      type: ExclusionRuleEnum,
      description: "Of excluded responses",
      resolve: (d) => d.exclusions,
    }),
    rounding: t.field({ type: RoundingEnum, description: "Of `npsRounded`", resolve: ({ rounding }) => rounding }),
    hash: t.exposeString("hash", { description: "SHA-256 over all of these, the filter and the confidence" }),
  }),
});

export const NpsSummaryType = builder.objectRef<NpsSummary>("NpsSummary").implement({
  description: "A Net Promoter Score with everything that is needed to judge it",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    nps: t.exposeFloat("nps", { nullable: true, description: "−100 to 100, exact; null when nothing was answered" }),
    npsRounded: t.exposeInt("npsRounded", { nullable: true, description: "Rounded once, half away from zero" }),
    answered: t.exposeInt("answered", { description: "Answers that were counted" }),
    promoters: t.exposeInt("promoters", { description: "Scores 9 and 10" }),
    passives: t.exposeInt("passives", { description: "Scores 7 and 8" }),
    detractors: t.exposeInt("detractors", { description: "Scores 0 to 6" }),
    dangerZone: t.exposeInt("dangerZone", { description: "Scores 0 to 3, which are detractors too" }),
    counted: t.exposeInt("counted", { description: "Units the score is over: answers, people or accounts" }),
    distribution: t.field({
      type: ["Int"],
      description: "11 counts, scores 0 to 10",
      resolve: ({ distribution }) => distribution,
    }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description: "How sure the score is; null when nothing was answered, or there is no variance to go by",
      resolve: ({ interval }) => interval,
    }),
    unweighted: t.exposeInt("unweighted", { description: "Counted answers of weight 0" }),
    effectiveSampleSize: t.exposeFloat("effectiveSampleSize", {
      nullable: true,
      description: "Kish's; equals `answered` when unweighted",
    }),
    lowConfidence: t.exposeBoolean("lowConfidence", { description: "Fewer than 30 counted" }),
    definition: t.field({ type: NpsDefinitionType, description: "How it was counted", resolve: (s) => s.definition }),
  }),
});

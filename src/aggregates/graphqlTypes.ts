import { builder } from "../platform/graphql.ts";
import type { Interval, Rate } from "../scoring/index.ts";
import {
  CountingUnitEnum,
  ExclusionRuleEnum,
  IntervalMethodEnum,
  RoundingEnum,
  WeightingEnum,
} from "./graphqlEnums.ts";
import type { NpsDefinition } from "./rules.ts";
import type { NpsSummary } from "./summary.ts";

/** What every number comes with. */

export const RateType = builder.objectRef<Rate>("Rate").implement({
  description: "A share of what was counted, with its Wilson interval of 95 %",
  extensions: { scope: null },
  fields: (t) => ({
    value: t.exposeFloat("value", {
      nullable: true,
      description: "numerator / denominator, 0 to 1; null when nothing was counted",
    }),
    numerator: t.exposeInt("numerator", { description: "How many of those counted are meant" }),
    denominator: t.exposeInt("denominator", { description: "How many were counted in all" }),
    low: t.exposeFloat("low", {
      nullable: true,
      description: "Lower end of the interval, 0 or more; null when nothing was counted",
    }),
    high: t.exposeFloat("high", {
      nullable: true,
      description: "Upper end of the interval, 1 or less; null when nothing was counted",
    }),
  }),
});

export const NpsIntervalType = builder.objectRef<Interval>("NpsInterval").implement({
  description: "A confidence interval in points of the score: where the true value may well lie",
  extensions: { scope: null },
  fields: (t) => ({
    low: t.exposeFloat("low", { description: "Its lower end, −100 or more; of a difference −200 or more" }),
    high: t.exposeFloat("high", { description: "Its upper end, 100 or less; of a difference 200 or less" }),
    level: t.exposeFloat("level", { description: "The confidence: 0.95 for 95 %" }),
    method: t.field({ type: IntervalMethodEnum, description: "How it was computed", resolve: (i) => i.method }),
  }),
});

const NpsDefinitionType = builder.objectRef<NpsDefinition>("NpsDefinition").implement({
  description: "The counting rules; the same hash on the same data is the same number",
  extensions: { scope: null },
  fields: (t) => ({
    unit: t.field({
      type: CountingUnitEnum,
      description: "What was counted: answers, people or accounts",
      resolve: ({ unit }) => unit,
    }),
    weighting: t.field({
      type: WeightingEnum,
      description: "What each of them counted for",
      resolve: (d) => d.weighting,
    }),
    currency: t.exposeString("currency", {
      nullable: true,
      description: "Of the weights, ISO 4217; null where none was asked for",
    }),
    from: t.field({
      type: "DateTime",
      nullable: true,
      description: "Answered at this time or later; null without a bound",
      resolve: (d) => d.from,
    }),
    to: t.field({
      type: "DateTime",
      nullable: true,
      description: "Answered before this time; null without a bound",
      resolve: ({ to }) => to,
    }),
    timeZone: t.exposeString("timeZone", {
      description: "IANA name of where days and intervals begin, the workspace's",
    }),
    exclusions: t.field({
      type: ExclusionRuleEnum,
      description: "Whether excluded responses were left out or counted",
      resolve: (d) => d.exclusions,
    }),
    rounding: t.field({
      type: RoundingEnum,
      description: "How `npsRounded` came about",
      resolve: ({ rounding }) => rounding,
    }),
    hash: t.exposeString("hash", { description: "SHA-256 in hex over all of these, the filter and the confidence" }),
  }),
});

export const NpsSummaryType = builder.objectRef<NpsSummary>("NpsSummary").implement({
  description: "A Net Promoter Score with everything that is needed to judge it",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    nps: t.exposeFloat("nps", {
      nullable: true,
      description:
        "−100 to 100, exact: 100 × (promoters − detractors) / answered, for ACCOUNT or weights the mean; null when nothing was answered",
    }),
    npsRounded: t.exposeInt("npsRounded", {
      nullable: true,
      description: "`nps` as a whole number, rounded once, half away from zero; null when nothing was answered",
    }),
    answered: t.exposeInt("answered", {
      description: "Answers that were counted; for RESPONDENT the latest of each person",
    }),
    promoters: t.exposeInt("promoters", { description: "Of them, scores 9 and 10" }),
    passives: t.exposeInt("passives", { description: "Of them, scores 7 and 8" }),
    detractors: t.exposeInt("detractors", { description: "Of them, scores 0 to 6" }),
    dangerZone: t.exposeInt("dangerZone", { description: "Of them, scores 0 to 3, which are detractors too" }),
    counted: t.exposeInt("counted", { description: "Units that the score is over: answers, people or accounts" }),
    distribution: t.field({
      type: ["Int"],
      description: "11 counts of answers: how many gave 0, 1, … 10",
      resolve: ({ distribution }) => distribution,
    }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description:
        "Where the true score may well lie; null when nothing was answered, or there is no variance to go by",
      resolve: ({ interval }) => interval,
    }),
    unweighted: t.exposeInt("unweighted", {
      description:
        "Counted answers that weighed 0, since their account has no value or another currency; 0 without weights",
    }),
    effectiveSampleSize: t.exposeFloat("effectiveSampleSize", {
      nullable: true,
      description:
        "Kish's: how many equally weighted answers would tell as much; `answered` without weights, null where all weigh 0",
    }),
    lowConfidence: t.exposeBoolean("lowConfidence", {
      description: "Fewer than 30 were counted: read the interval before the score",
    }),
    definition: t.field({
      type: NpsDefinitionType,
      description: "The rules by which it was counted",
      resolve: (s) => s.definition,
    }),
  }),
});

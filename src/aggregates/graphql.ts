import { invalidRequest } from "../platform/errors.ts";
import { builder } from "../platform/graphql.ts";
import { pageSize } from "../platform/graphqlConnection.ts";
import { ResponseFilterInput, toResponseFilter } from "../responses/graphqlFilter.ts";
import { breakdownOf } from "./breakdown.ts";
import { measureEffect } from "./effect.ts";
import { CountingUnitEnum, DimensionEnum, GroupOrderEnum, IntervalEnum, WeightingEnum } from "./graphqlEnums.ts";
import { ChangeType, EffectType, GroupType, PointType, TransitionsType } from "./graphqlResults.ts";
import { NpsSummaryType } from "./graphqlTypes.ts";
import { toRules } from "./rules.ts";
import { changeBetween, pairedChangeBetween, scoreOf } from "./score.ts";
import { countTransitions } from "./transitions.ts";
import { trendOf } from "./trend.ts";

const extensions = { scope: "aggregates:read" };
/** Of what reads many rows for one answer. */
const expensive = { ...extensions, cost: 100 };
const filterArg = {
  type: ResponseFilterInput,
  description: "Which responses; all that are counted when absent",
} as const;
const unitArg = {
  type: CountingUnitEnum,
  defaultValue: "RESPONSE",
  description: "What counts as one: an answer, a person, an account",
} as const;
const weightingArg = {
  type: WeightingEnum,
  defaultValue: "NONE",
  description: "What each of them counts for",
} as const;
const CURRENCY = "Of the weights, ISO 4217: accounts in another weigh 0; required where values are in several";

builder.queryFields((t) => ({
  nps: t.field({
    type: NpsSummaryType,
    description: "The Net Promoter Score of the responses that the filter names",
    extensions,
    args: {
      filter: t.arg(filterArg),
      unit: t.arg(unitArg),
      weighting: t.arg(weightingArg),
      currency: t.arg.string({ description: CURRENCY }),
      confidence: t.arg.float({
        defaultValue: 0.95,
        description: "Of the interval, above 0 and below 1: 0.95 for 95 %",
      }),
    },
    resolve: (_root, args, context) => {
      const [filter, rules] = [toResponseFilter(args.filter), toRules(args)];
      return context.read((tx) => scoreOf(tx, filter, rules));
    },
  }),
  npsTrend: t.field({
    type: [PointType],
    description:
      "The score interval by interval, oldest first, from the first answer to the last where the filter does not say; empty ones are there, at most 1,000",
    extensions: expensive,
    args: {
      interval: t.arg({ type: IntervalEnum, required: true, description: "How long each interval is" }),
      filter: t.arg(filterArg),
      unit: t.arg(unitArg),
      weighting: t.arg(weightingArg),
      currency: t.arg.string({ description: CURRENCY }),
      rollingDays: t.arg.int({
        description:
          "Each point is over so many local days before its interval's end, 1 to 3,660; the interval itself when absent",
      }),
    },
    resolve: (_root, args, context) => {
      const [filter, rules] = [toResponseFilter(args.filter), toRules(args)];
      return context.read((tx) => trendOf(tx, args.interval, filter, rules, args.rollingDays ?? null));
    },
  }),
  npsBreakdown: t.field({
    type: [GroupType],
    description: "The score of the answers by a value they share",
    extensions: expensive,
    args: {
      by: t.arg({ type: DimensionEnum, required: true, description: "The value by which they are grouped" }),
      propertyKey: t.arg.string({ description: "With `by: PROPERTY`, and only then: name of the property" }),
      filter: t.arg(filterArg),
      unit: t.arg(unitArg),
      weighting: t.arg(weightingArg),
      currency: t.arg.string({ description: CURRENCY }),
      orderBy: t.arg({ type: GroupOrderEnum, defaultValue: "ANSWERED", description: "Which groups come first" }),
      first: t.arg.int({ defaultValue: 20, description: "How many groups, 1 to 100" }),
    },
    resolve: (_root, args, context) => {
      const [filter, rules] = [toResponseFilter(args.filter), toRules(args)];
      const { by, propertyKey = null, orderBy } = args;
      const wanted = { by, propertyKey, orderBy: orderBy ?? "ANSWERED", first: pageSize(args.first) };
      return context.read((tx) => breakdownOf(tx, wanted, filter, rules));
    },
  }),
  npsChange: t.field({
    type: ChangeType,
    description:
      "Whether the score moved: between answers that are on one side only (else `invalid_request`), or of the people on both",
    extensions,
    args: {
      baseline: t.arg({
        type: ResponseFilterInput,
        required: true,
        description: "Which responses it is compared with",
      }),
      current: t.arg({ type: ResponseFilterInput, required: true, description: "Which responses are compared" }),
      unit: t.arg(unitArg),
      paired: t.arg.boolean({
        defaultValue: false,
        description: "Of the same people: their latest answer on each side; not with unit ACCOUNT",
      }),
    },
    resolve: (_root, args, context) => {
      const sides = {
        baseline: toResponseFilter(args.baseline, "baseline"),
        current: toResponseFilter(args.current, "current"),
      };
      const rules = toRules(args);
      if (args.paired !== true) return context.read((tx) => changeBetween(tx, sides, rules));
      if (rules.unit === "ACCOUNT") {
        throw invalidRequest([{ name: "unit", reason: "must not be ACCOUNT where people are paired" }]);
      }
      return context.read((tx) => pairedChangeBetween(tx, sides));
    },
  }),
  npsTransitions: t.field({
    type: TransitionsType,
    description: "What became of people between their last two answers within the filter",
    extensions: expensive,
    args: { filter: t.arg(filterArg) },
    resolve: (_root, args, context) => {
      const filter = toResponseFilter(args.filter);
      return context.read((tx) => countTransitions(tx, filter));
    },
  }),
  closedLoopEffect: t.field({
    type: EffectType,
    description:
      "Whether contacting customers shows in their next answer: of people whose first answer in the filter had a case",
    extensions: expensive,
    args: { filter: t.arg(filterArg) },
    resolve: (_root, args, context) => {
      const filter = toResponseFilter(args.filter);
      return context.read((tx) => measureEffect(tx, filter));
    },
  }),
}));

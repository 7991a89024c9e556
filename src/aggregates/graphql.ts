import { invalidRequest } from "../platform/errors.ts";
import { builder } from "../platform/graphql.ts";
import { pageSize } from "../platform/graphqlConnection.ts";
import { CategoryEnum, ResponseFilterInput, toResponseFilter } from "../responses/graphqlFilter.ts";
import { breakdownOf, type NpsGroup } from "./breakdown.ts";
import { type ClosedLoopEffect, measureEffect } from "./effect.ts";
import {
  CaveatEnum,
  CountingUnitEnum,
  DimensionEnum,
  GroupOrderEnum,
  IntervalEnum,
  VerdictEnum,
  WeightingEnum,
} from "./graphqlEnums.ts";
import { NpsIntervalType, NpsSummaryType, RateType } from "./graphqlTypes.ts";
import { toRules } from "./rules.ts";
import { changeBetween, type NpsChange, pairedChangeBetween, scoreOf } from "./score.ts";
import { countTransitions, type NpsTransitions } from "./transitions.ts";
import { type TrendPoint, trendOf } from "./trend.ts";

const PointType = builder.objectRef<TrendPoint>("NpsTrendPoint").implement({
  description: "The score of one interval, or with `rollingDays` of the days before its end",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    start: t.field({
      type: "DateTime",
      description: "When what was counted begins, inclusive",
      resolve: ({ start }) => start.toISOString(),
    }),
    end: t.field({
      type: "DateTime",
      description: "When it ends, exclusive; without `rollingDays` the next begins here",
      resolve: ({ end }) => end.toISOString(),
    }),
    summary: t.field({
      type: NpsSummaryType,
      description: "The score of the answers in between; `answered` is 0 where there are none",
      resolve: ({ summary }) => summary,
    }),
  }),
});

const GroupType = builder.objectRef<NpsGroup>("NpsGroup").implement({
  description: "The score of answers that share a value",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "The value they share; empty where they have none" }),
    label: t.exposeString("label", { description: "The key for people to read; `(none)` for the empty one" }),
    summary: t.field({
      type: NpsSummaryType,
      description: "The score of the answers of the group",
      resolve: ({ summary }) => summary,
    }),
  }),
});

const ChangeType = builder.objectRef<NpsChange>("NpsChange").implement({
  description: "Whether a score moved, and how sure that is",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    baseline: t.field({
      type: NpsSummaryType,
      description: "What the score was, on the side it is compared with",
      resolve: ({ baseline }) => baseline,
    }),
    current: t.field({
      type: NpsSummaryType,
      description: "What the score is, on the side that is compared",
      resolve: ({ current }) => current,
    }),
    difference: t.exposeFloat("difference", {
      nullable: true,
      description: "Of the exact scores, current − baseline, −200 to 200; null where a side has none",
    }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description: "Of the difference, 95 %, around the adjusted one; null where there is no variance to go by",
      resolve: ({ interval }) => interval,
    }),
    z: t.exposeFloat("z", {
      nullable: true,
      description: "The adjusted difference in standard errors; null where there is no variance to go by",
    }),
    pValue: t.exposeFloat("pValue", {
      nullable: true,
      description:
        "How likely chance alone makes such a difference, two-sided, 0 to 1; null where there is no variance to go by",
    }),
    verdict: t.field({
      type: VerdictEnum,
      description: "What may be said of it; read this before `difference`",
      resolve: ({ verdict }) => verdict,
    }),
  }),
});

const CellType = builder.objectRef<NpsTransitions["cells"][number]>("NpsTransition").implement({
  description: "How many people moved from one category to another",
  extensions: { scope: null },
  fields: (t) => ({
    from: t.field({
      type: CategoryEnum,
      description: "Category of the answer before the latest",
      resolve: ({ from }) => from,
    }),
    to: t.field({ type: CategoryEnum, description: "Category of the latest answer", resolve: ({ to }) => to }),
    people: t.exposeInt("people", { description: "How many people did so" }),
  }),
});

const TransitionsType = builder.objectRef<NpsTransitions>("NpsTransitions").implement({
  description: "What became of people between their last two answers",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    people: t.exposeInt("people", { description: "How many people answered" }),
    answeredOnce: t.exposeInt("answeredOnce", { description: "Of them, how many only once: they are in no cell" }),
    cells: t.field({
      type: [CellType],
      description: "How many went from each category to each, all nine, 0 included",
      resolve: (n) => n.cells,
    }),
    recoveryRate: t.field({
      type: RateType,
      description: "Of those who were detractors before, who is passive or promoter now",
      resolve: (n) => n.recoveryRate,
    }),
    slippageRate: t.field({
      type: RateType,
      description: "Of those who were promoters before, who is one no more",
      resolve: (n) => n.slippageRate,
    }),
  }),
});

const EffectType = builder.objectRef<ClosedLoopEffect>("ClosedLoopEffect").implement({
  description: "The next score of customers who were contacted, against that of customers who were not",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    contacted: t.field({
      type: NpsSummaryType,
      description: "Next answers of people who were reached before giving them",
      resolve: (e) => e.contacted,
    }),
    notContacted: t.field({
      type: NpsSummaryType,
      description: "Next answers of people whom nobody had reached",
      resolve: (e) => e.notContacted,
    }),
    difference: t.exposeFloat("difference", {
      nullable: true,
      description: "contacted − notContacted, exact, −200 to 200; null where a side has none",
    }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description: "Of the difference, 95 %; null where there is no variance to go by",
      resolve: (e) => e.interval,
    }),
    contactedAnsweredAgain: t.field({
      type: RateType,
      description: "Of the people who were contacted, who answered again",
      resolve: (e) => e.contactedAnsweredAgain,
    }),
    notContactedAnsweredAgain: t.field({
      type: RateType,
      description: "Of the people who were not contacted, who answered again",
      resolve: (e) => e.notContactedAnsweredAgain,
    }),
    caveats: t.field({
      type: [CaveatEnum],
      description: "Why the difference may not be the doing of the calls; show them with it",
      resolve: (e) => e.caveats,
    }),
  }),
});

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

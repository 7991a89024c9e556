import { invalidRequest } from "../platform/errors.ts";
import { builder } from "../platform/graphql.ts";
import { pageSize } from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { CategoryEnum, ResponseFilterInput, toResponseFilter } from "../responses/graphqlFilter.ts";
import { VERDICTS } from "../scoring/index.ts";
import { breakdownOf, DIMENSIONS, GROUP_ORDERS, type NpsGroup } from "./breakdown.ts";
import { INTERVALS } from "./buckets.ts";
import { CAVEATS, type ClosedLoopEffect, measureEffect } from "./effect.ts";
import { CountingUnitEnum, NpsIntervalType, NpsSummaryType, RateType, WeightingEnum } from "./graphqlTypes.ts";
import { toRules } from "./rules.ts";
import { changeBetween, type NpsChange, pairedChangeBetween, scoreOf } from "./score.ts";
import { countTransitions, type NpsTransitions } from "./transitions.ts";
import { type TrendPoint, trendOf } from "./trend.ts";

export const IntervalEnum = defineEnum("Interval", "Of the calendar, in the workspace's time zone", INTERVALS, {
  DAY: "From midnight to midnight",
  WEEK: "From Monday to Sunday",
  MONTH: "From the first of a month to its last day",
  QUARTER: "Three months, from January, April, July or October",
  YEAR: "From January to December",
});
const DimensionEnum = defineEnum("Dimension", "What answers are grouped by; gives the key of each group", DIMENSIONS, {
  SURVEY: "Key of the survey that was answered",
  CHANNEL: "How the question reached the customer",
  TOUCHPOINT: "What was asked about, as given with the answer",
  SEGMENT: "Segment of the account, as it was when they answered",
  LANGUAGE: "Language of the answer, as given with it",
  ACCOUNT: "Id of the account; its label is the name",
  ROOT_CAUSE: "Key of the actual root cause of the answer's case, else of the stated one",
  THEME: "Key of each theme the comment speaks of; an answer may be in several groups",
  PROPERTY: "Value of the property that `propertyKey` names, as text",
});
const GroupOrderEnum = defineEnum("GroupOrder", "How groups are sorted; equal ones by key", GROUP_ORDERS, {
  ANSWERED: "The most answers first",
  NPS: "The best score first",
  KEY: "By key, in the order of code units",
});
const VerdictEnum = defineEnum("ChangeVerdict", "Whether a score moved, by a two-sided test", VERDICTS, {
  UP: "It rose: p is below 0.05",
  DOWN: "It fell: p is below 0.05",
  NOT_DISTINGUISHABLE: "p is 0.05 or more: chance alone may explain the difference",
  NOT_ENOUGH_DATA: "Fewer than 30 were counted on one side; nothing can be said",
});
const CaveatEnum = defineEnum("Caveat", "Why a difference is not all the doing of those who called", CAVEATS, {
  SELF_SELECTION: "Who was contacted was not drawn by lot: those who can be reached differ from those who cannot",
  REGRESSION_TO_MEAN: "Extreme scores come back towards the average by themselves",
  ATTRITION: "Some did not answer again, and those who left never will",
  SMALL_SAMPLE: "Fewer than 30 next answers on one side",
});

const PointType = builder.objectRef<TrendPoint>("NpsTrendPoint").implement({
  description: "The score of one interval, or of the days before its end",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    start: t.field({ type: "DateTime", description: "Its begin", resolve: ({ start }) => start.toISOString() }),
    end: t.field({ type: "DateTime", description: "The begin of the next", resolve: ({ end }) => end.toISOString() }),
    summary: t.field({ type: NpsSummaryType, description: "Its score", resolve: ({ summary }) => summary }),
  }),
});

const GroupType = builder.objectRef<NpsGroup>("NpsGroup").implement({
  description: "The score of answers that share something",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "What they share; empty where they have none" }),
    label: t.exposeString("label", { description: "For people to read" }),
    summary: t.field({ type: NpsSummaryType, description: "Their score", resolve: ({ summary }) => summary }),
  }),
});

const ChangeType = builder.objectRef<NpsChange>("NpsChange").implement({
  description: "Whether a score moved, and how sure that is",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    baseline: t.field({ type: NpsSummaryType, description: "What it was", resolve: ({ baseline }) => baseline }),
    current: t.field({ type: NpsSummaryType, description: "What it is", resolve: ({ current }) => current }),
    difference: t.exposeFloat("difference", { nullable: true, description: "Of the exact scores, −200 to 200" }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description: "Of the difference; around the adjusted one, −200 to 200",
      resolve: ({ interval }) => interval,
    }),
    z: t.exposeFloat("z", { nullable: true, description: "The difference in standard errors" }),
    pValue: t.exposeFloat("pValue", { nullable: true, description: "Two-sided" }),
    verdict: t.field({ type: VerdictEnum, description: "What that says", resolve: ({ verdict }) => verdict }),
  }),
});

const CellType = builder.objectRef<NpsTransitions["cells"][number]>("NpsTransition").implement({
  description: "How many people moved from one category to another",
  extensions: { scope: null },
  fields: (t) => ({
    from: t.field({ type: CategoryEnum, description: "Of the answer before", resolve: ({ from }) => from }),
    to: t.field({ type: CategoryEnum, description: "Of the latest answer", resolve: ({ to }) => to }),
    people: t.exposeInt("people", { description: "How many" }),
  }),
});

const TransitionsType = builder.objectRef<NpsTransitions>("NpsTransitions").implement({
  description: "What became of people between their last two answers",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    people: t.exposeInt("people", { description: "Who answered" }),
    answeredOnce: t.exposeInt("answeredOnce", { description: "Of them, who answered only once" }),
    cells: t.field({ type: [CellType], description: "From each category to each, all nine", resolve: (n) => n.cells }),
    recoveryRate: t.field({
      type: RateType,
      description: "Of the detractors, who became passive or promoter",
      resolve: (n) => n.recoveryRate,
    }),
    slippageRate: t.field({
      type: RateType,
      description: "Of the promoters, who did not stay",
      resolve: (n) => n.slippageRate,
    }),
  }),
});

const EffectType = builder.objectRef<ClosedLoopEffect>("ClosedLoopEffect").implement({
  description: "The next score of customers who were contacted, against that of those who were not",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    contacted: t.field({
      type: NpsSummaryType,
      description: "The next answers of who was reached before them",
      resolve: (e) => e.contacted,
    }),
    notContacted: t.field({
      type: NpsSummaryType,
      description: "The next answers of who was not",
      resolve: (e) => e.notContacted,
    }),
    difference: t.exposeFloat("difference", { nullable: true, description: "Of the two scores" }),
    interval: t.field({
      type: NpsIntervalType,
      nullable: true,
      description: "Of the difference",
      resolve: (e) => e.interval,
    }),
    contactedAnsweredAgain: t.field({
      type: RateType,
      description: "Who answered again, of who was contacted",
      resolve: (e) => e.contactedAnsweredAgain,
    }),
    notContactedAnsweredAgain: t.field({
      type: RateType,
      description: "Who answered again, of who was not",
      resolve: (e) => e.notContactedAnsweredAgain,
    }),
    caveats: t.field({ type: [CaveatEnum], description: "What the figure does not say", resolve: (e) => e.caveats }),
  }),
});

const extensions = { scope: "aggregates:read" };
/** Of what reads many rows for one answer. */
const expensive = { ...extensions, cost: 100 };
const filterArg = { type: ResponseFilterInput, description: "Which responses" } as const;
const unitArg = { type: CountingUnitEnum, defaultValue: "RESPONSE", description: "What counts as one" } as const;
const weightingArg = { type: WeightingEnum, defaultValue: "NONE", description: "What each counts for" } as const;
const CURRENCY = "Of the weights; accounts in another weigh nothing";

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
      confidence: t.arg.float({ defaultValue: 0.95, description: "Of the interval: 0.95 for 95 %" }),
    },
    resolve: (_root, args, context) => {
      const [filter, rules] = [toResponseFilter(args.filter), toRules(args)];
      return context.read((tx) => scoreOf(tx, filter, rules));
    },
  }),
  npsTrend: t.field({
    type: [PointType],
    description: "The score interval by interval; empty intervals are there",
    extensions: expensive,
    args: {
      interval: t.arg({ type: IntervalEnum, required: true, description: "How long each is" }),
      filter: t.arg(filterArg),
      unit: t.arg(unitArg),
      weighting: t.arg(weightingArg),
      currency: t.arg.string({ description: CURRENCY }),
      rollingDays: t.arg.int({ description: "Each point is over so many local days before the interval's end" }),
    },
    resolve: (_root, args, context) => {
      const [filter, rules] = [toResponseFilter(args.filter), toRules(args)];
      return context.read((tx) => trendOf(tx, args.interval, filter, rules, args.rollingDays ?? null));
    },
  }),
  npsBreakdown: t.field({
    type: [GroupType],
    description: "The score of the answers by what they share",
    extensions: expensive,
    args: {
      by: t.arg({ type: DimensionEnum, required: true, description: "What they share" }),
      propertyKey: t.arg.string({ description: "Of PROPERTY: which" }),
      filter: t.arg(filterArg),
      unit: t.arg(unitArg),
      weighting: t.arg(weightingArg),
      currency: t.arg.string({ description: CURRENCY }),
      orderBy: t.arg({ type: GroupOrderEnum, defaultValue: "ANSWERED", description: "Which groups first" }),
      first: t.arg.int({ defaultValue: 20, description: "How many groups, at most 100" }),
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
    description: "Whether the score moved: of answers that have none in common, or of the people in both",
    extensions,
    args: {
      baseline: t.arg({ ...filterArg, required: true }),
      current: t.arg({ ...filterArg, required: true }),
      unit: t.arg(unitArg),
      paired: t.arg.boolean({ defaultValue: false, description: "Of the same people, by their latest answers" }),
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
    description: "Whether contacting customers shows in their next answer, with the caveats",
    extensions: expensive,
    args: { filter: t.arg(filterArg) },
    resolve: (_root, args, context) => {
      const filter = toResponseFilter(args.filter);
      return context.read((tx) => measureEffect(tx, filter));
    },
  }),
}));

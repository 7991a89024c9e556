import { OutcomeEnum } from "../cases/graphqlEnums.ts";
import { CaseFilterInput, toCaseFilter } from "../cases/graphqlFilter.ts";
import { builder } from "../platform/graphql.ts";
import { pageSize } from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import type { Bucket } from "./buckets.ts";
import { CASE_DIMENSIONS, type CaseGroup, groupCases, trendFirstContacts } from "./caseGroups.ts";
import { type FirstContactKpi, measureFirstContacts, NO_FIRST_CONTACTS } from "./firstContact.ts";
import { IntervalEnum } from "./graphqlEnums.ts";
import { RateType } from "./graphqlTypes.ts";

const DimensionEnum = defineEnum(
  "CaseDimension",
  "What cases are grouped by; gives the key of each group",
  CASE_DIMENSIONS,
  {
    STATED_CAUSE: "Key of the root cause that the customer blames",
    ACTUAL_CAUSE: "Key of the root cause that it turned out to be",
    OUTCOME: "How it ended; none while it has not",
    STATUS: "How far the follow-up is",
    ASSIGNEE: "Who is accountable",
    SEGMENT: "Segment of its answers, as it was when they were given; a case may be in several groups",
    SURVEY: "Key of the survey of its answers; a case may be in several groups",
    PRIORITY: "Its place in the queue: URGENT, HIGH, NORMAL or LOW",
  },
);

const KpiType = builder.objectRef<FirstContactKpi>("FirstContactKpi").implement({
  description: "Whether customers are contacted in time; what is counted are clocks, not cases",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    met: t.exposeInt("met", { description: "Clocks that were stopped by `dueAt`" }),
    missed: t.exposeInt("missed", { description: "Clocks stopped too late, or overdue and still running" }),
    pending: t.exposeInt("pending", { description: "Clocks still running that are not due yet" }),
    rate: t.field({ type: RateType, description: "met / (met + missed)", resolve: ({ rate }) => rate }),
    medianHours: t.exposeFloat("medianHours", {
      nullable: true,
      description:
        "Hours from the start to the first contact by Kaplan–Meier, which counts those still waiting; null while the share that waits has not fallen to a half",
    }),
    within24h: t.field({
      type: RateType,
      description: "Reached within 24 hours of the start, of those for whom that is decided",
      resolve: (kpi) => kpi.within24h,
    }),
    within48h: t.field({
      type: RateType,
      description: "Reached within 48 hours of the start, of those for whom that is decided",
      resolve: (kpi) => kpi.within48h,
    }),
  }),
});

const PointType = builder.objectRef<Bucket & { kpi: FirstContactKpi }>("FirstContactPoint").implement({
  description: "The clocks that started in one interval",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    start: t.field({
      type: "DateTime",
      description: "When the interval begins, inclusive",
      resolve: ({ start }) => start.toISOString(),
    }),
    end: t.field({
      type: "DateTime",
      description: "When it ends, exclusive; the next begins here",
      resolve: ({ end }) => end.toISOString(),
    }),
    kpi: t.field({ type: KpiType, description: "How the clocks of the interval went", resolve: ({ kpi }) => kpi }),
  }),
});

const OutcomeCountType = builder.objectRef<CaseGroup["outcomes"][number]>("CaseOutcomeCount").implement({
  description: "How many cases of a group ended in one way",
  extensions: { scope: null },
  fields: (t) => ({
    outcome: t.field({ type: OutcomeEnum, description: "How the cases ended", resolve: ({ outcome }) => outcome }),
    cases: t.exposeInt("cases", { description: "How many of the group did so" }),
  }),
});

const GroupType = builder.objectRef<CaseGroup>("CaseGroup").implement({
  description: "Cases that share a value",
  extensions: { scope: "aggregates:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "The value they share; empty where they have none" }),
    label: t.exposeString("label", { description: "The key for people to read; `(none)` for the empty one" }),
    cases: t.exposeInt("cases", { description: "How many the group has" }),
    firstContact: t.field({
      type: KpiType,
      description: "Whether the customers were contacted in time",
      resolve: (g) => g.firstContact,
    }),
    outcomes: t.field({
      type: [OutcomeCountType],
      description: "How those that ended did, the most frequent first",
      resolve: (g) => g.outcomes,
    }),
  }),
});

const filterArg = { type: CaseFilterInput, description: "Which cases; all when absent" } as const;
const extensions = { scope: "aggregates:read" };

builder.queryFields((t) => ({
  firstContactKpi: t.field({
    type: KpiType,
    description: "Whether customers are contacted in time",
    extensions,
    args: { filter: t.arg(filterArg) },
    resolve: async (_root, args, context) => {
      const filter = toCaseFilter(args.filter);
      return (await context.read((tx) => measureFirstContacts(tx, filter))).get("") ?? NO_FIRST_CONTACTS;
    },
  }),
  firstContactTrend: t.field({
    type: [PointType],
    description:
      "Whether customers are contacted in time, interval by interval of the clocks' start, oldest first; empty ones are there, at most 1,000",
    extensions,
    args: {
      interval: t.arg({ type: IntervalEnum, required: true, description: "How long each interval is" }),
      filter: t.arg(filterArg),
    },
    resolve: (_root, args, context) => {
      const filter = toCaseFilter(args.filter);
      return context.read((tx) => trendFirstContacts(tx, args.interval, filter));
    },
  }),
  caseBreakdown: t.field({
    type: [GroupType],
    description: "Cases by a value they share, the largest groups first",
    extensions: { ...extensions, cost: 100 },
    args: {
      by: t.arg({ type: DimensionEnum, required: true, description: "The value by which they are grouped" }),
      filter: t.arg(filterArg),
      first: t.arg.int({ defaultValue: 20, description: "How many groups, 1 to 100" }),
    },
    resolve: (_root, args, context) => {
      const [filter, first] = [toCaseFilter(args.filter), pageSize(args.first)];
      return context.read((tx) => groupCases(tx, args.by, filter, first));
    },
  }),
}));

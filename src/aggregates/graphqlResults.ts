import { builder } from "../platform/graphql.ts";
import { CategoryEnum } from "../responses/graphqlFilter.ts";
import type { NpsGroup } from "./breakdown.ts";
import type { ClosedLoopEffect } from "./effect.ts";
import { CaveatEnum, VerdictEnum } from "./graphqlEnums.ts";
import { NpsIntervalType, NpsSummaryType, RateType } from "./graphqlTypes.ts";
import type { NpsChange } from "./score.ts";
import type { NpsTransitions } from "./transitions.ts";
import type { TrendPoint } from "./trend.ts";

/** What is answered beside a single score. */

export const PointType = builder.objectRef<TrendPoint>("NpsTrendPoint").implement({
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

export const GroupType = builder.objectRef<NpsGroup>("NpsGroup").implement({
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

export const ChangeType = builder.objectRef<NpsChange>("NpsChange").implement({
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

export const TransitionsType = builder.objectRef<NpsTransitions>("NpsTransitions").implement({
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

export const EffectType = builder.objectRef<ClosedLoopEffect>("ClosedLoopEffect").implement({
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

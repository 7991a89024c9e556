import { builder } from "../platform/graphql.ts";
import type { Activity } from "./activity.ts";
import { ActivityTypeEnum, ActorKindEnum, ClockCauseEnum, PriorityTermEnum, StateEnum } from "./graphqlEnums.ts";
import type { Case, Commitment, Reference, ShownClock } from "./model.ts";

/** What a case is made of. */

export const ClockType = builder.objectRef<ShownClock>("FirstContact").implement({
  description: "A promise to reach out: its clock never pauses and is never cleared",
  extensions: { scope: null },
  fields: (t) => ({
    startedAt: t.field({ type: "DateTime", description: "When the reason became known", resolve: (c) => c.startedAt }),
    dueAt: t.field({ type: "DateTime", description: "When somebody must have reached out", resolve: (c) => c.dueAt }),
    metAt: t.field({ type: "DateTime", nullable: true, description: "When somebody did", resolve: (c) => c.metAt }),
    state: t.field({ type: StateEnum, description: "Whether it was kept", resolve: (c) => c.state }),
    cause: t.field({ type: ClockCauseEnum, description: "What started it", resolve: (c) => c.cause }),
    arrivedLate: t.exposeBoolean("arrivedLate", {
      description: "The answer reached us so late that, counted from when it was given, this would have been missed",
    }),
  }),
});

export const PriorityTermType = builder.objectRef<Case["priorityTerms"][number]>("PriorityTerm").implement({
  description: "One reason for the case's place in the queue",
  extensions: { scope: null },
  fields: (t) => ({
    term: t.field({ type: PriorityTermEnum, description: "Which", resolve: ({ term }) => term }),
    value: t.exposeFloat("value", { description: "How far it applies" }),
    weight: t.exposeFloat("weight", { description: "Points per unit of value" }),
    points: t.exposeFloat("points", { description: "What it adds to the score" }),
  }),
});

export const CommitmentType = builder.objectRef<Commitment>("Commitment").implement({
  description: "What was promised to a customer",
  extensions: { scope: null },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    text: t.exposeString("text", { description: "What was promised" }),
    dueOn: t.field({ type: "Date", description: "The day it is due", resolve: ({ dueOn }) => dueOn }),
    kept: t.exposeBoolean("kept", { nullable: true, description: "Whether it was kept; null until somebody says" }),
  }),
});

export const CausesType = builder.objectRef<Case["causes"]>("CaseCauses").implement({
  description: "Why a customer was unhappy: keys of root causes",
  extensions: { scope: null },
  fields: (t) => ({
    stated: t.exposeString("stated", { nullable: true, description: "What the customer blames" }),
    actual: t.exposeString("actual", { nullable: true, description: "What it was" }),
  }),
});

export const AssessmentType = builder.objectRef<Case["assessment"]>("CaseAssessment").implement({
  description: "What people say of a case",
  extensions: { scope: null },
  fields: (t) => ({
    feasibility: t.exposeInt("feasibility", { nullable: true, description: "How well it can be mended, 1 to 5" }),
    alignment: t.exposeInt("alignment", { nullable: true, description: "How well that fits, 1 to 5" }),
    publicRisk: t.exposeBoolean("publicRisk", { description: "They may say it in public" }),
  }),
});

export const ReferenceType = builder.objectRef<Reference>("CaseReference").implement({
  description: "The same matter in another system",
  extensions: { scope: null },
  fields: (t) => ({
    system: t.exposeString("system", { description: "Which" }),
    externalId: t.exposeString("externalId", { description: "The ticket's id there" }),
    url: t.exposeString("url", { nullable: true, description: "Where it can be read" }),
  }),
});

const ActorType = builder.objectRef<Activity["actor"]>("Actor").implement({
  description: "Who did something",
  extensions: { scope: null },
  fields: (t) => ({
    kind: t.field({ type: ActorKindEnum, description: "As whom", resolve: ({ kind }) => kind }),
    id: t.exposeString("id", { description: "Which" }),
  }),
});

export const ActivityType = builder.objectRef<Activity>("CaseActivity").implement({
  description: "Something that happened to a case; never changed, never taken back",
  extensions: { scope: null },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    type: t.field({ type: ActivityTypeEnum, description: "What", resolve: ({ type }) => type }),
    actor: t.field({ type: ActorType, description: "Who did it", resolve: ({ actor }) => actor }),
    occurredAt: t.field({ type: "DateTime", description: "When it happened", resolve: (a) => a.occurredAt }),
    recordedAt: t.field({ type: "DateTime", description: "When we learnt of it", resolve: (a) => a.recordedAt }),
    text: t.exposeString("text", { nullable: true, description: "What somebody wrote" }),
    details: t.field({ type: "JSON", description: "What else there is to say, by type", resolve: (a) => a.details }),
  }),
});

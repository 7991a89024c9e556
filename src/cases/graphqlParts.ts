import { builder } from "../platform/graphql.ts";
import type { Activity } from "./activity.ts";
import { ActivityTypeEnum, ActorKindEnum, ClockCauseEnum, PriorityTermEnum, StateEnum } from "./graphqlEnums.ts";
import type { Case, Commitment, Reference, ShownClock } from "./model.ts";

/** What a case is made of. */

export const ClockType = builder.objectRef<ShownClock>("FirstContact").implement({
  description: "A promise to reach out: its clock never pauses and is never cleared",
  extensions: { scope: null },
  fields: (t) => ({
    startedAt: t.field({
      type: "DateTime",
      description: "When the reason to call became known",
      resolve: (c) => c.startedAt,
    }),
    dueAt: t.field({
      type: "DateTime",
      description: "When somebody must have reached out, by the policy of the workspace",
      resolve: (c) => c.dueAt,
    }),
    metAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When somebody first did; null while nobody has",
      resolve: (c) => c.metAt,
    }),
    state: t.field({
      type: StateEnum,
      description: "Whether the promise was kept, as of now",
      resolve: (c) => c.state,
    }),
    cause: t.field({ type: ClockCauseEnum, description: "What started the clock", resolve: (c) => c.cause }),
    arrivedLate: t.exposeBoolean("arrivedLate", {
      description: "The answer reached us so late that, counted from when it was given, this would have been missed",
    }),
  }),
});

export const PriorityTermType = builder.objectRef<Case["priorityTerms"][number]>("PriorityTerm").implement({
  description: "One reason for the place of a case in the queue",
  extensions: { scope: null },
  fields: (t) => ({
    term: t.field({ type: PriorityTermEnum, description: "What the reason is", resolve: ({ term }) => term }),
    value: t.exposeFloat("value", {
      description: "How far it applies: 0 to 1, −1 to 1 for what was assessed, hours for WAITING",
    }),
    weight: t.exposeFloat("weight", { description: "Points for each unit of `value`" }),
    points: t.exposeFloat("points", { description: "value × weight: what it adds to `priorityScore`" }),
  }),
});

export const CommitmentType = builder.objectRef<Commitment>("Commitment").implement({
  description: "Something that was promised to a customer",
  extensions: { scope: null },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    text: t.exposeString("text", { description: "What was promised, in somebody's words" }),
    dueOn: t.field({ type: "Date", description: "The day it was promised for", resolve: ({ dueOn }) => dueOn }),
    kept: t.exposeBoolean("kept", { nullable: true, description: "Whether it was kept; null until somebody says" }),
  }),
});

export const CausesType = builder.objectRef<Case["causes"]>("CaseCauses").implement({
  description: "Why a customer was unhappy: keys of root causes",
  extensions: { scope: null },
  fields: (t) => ({
    stated: t.exposeString("stated", {
      nullable: true,
      description: "Key of what the customer blames; null until somebody says",
    }),
    actual: t.exposeString("actual", {
      nullable: true,
      description: "Key of what it turned out to be; null until somebody says",
    }),
  }),
});

export const AssessmentType = builder.objectRef<Case["assessment"]>("CaseAssessment").implement({
  description: "What people who work a case say of it; the queue follows",
  extensions: { scope: null },
  fields: (t) => ({
    feasibility: t.exposeInt("feasibility", {
      nullable: true,
      description: "How well it can be mended, 1 to 5; null until somebody says",
    }),
    alignment: t.exposeInt("alignment", {
      nullable: true,
      description: "How well that fits where we are going, 1 to 5; null until somebody says",
    }),
    publicRisk: t.exposeBoolean("publicRisk", {
      description: "Whether they may say it in public; false until somebody says",
    }),
  }),
});

export const ReferenceType = builder.objectRef<Reference>("CaseReference").implement({
  description: "The ticket that another system has about the case",
  extensions: { scope: null },
  fields: (t) => ({
    system: t.exposeString("system", { description: "Your name of the other system, like zendesk" }),
    externalId: t.exposeString("externalId", { description: "Id of the ticket there" }),
    url: t.exposeString("url", { nullable: true, description: "Where it can be read; null where that was not given" }),
  }),
});

const ActorType = builder.objectRef<Activity["actor"]>("Actor").implement({
  description: "Somebody who did something",
  extensions: { scope: null },
  fields: (t) => ({
    kind: t.field({ type: ActorKindEnum, description: "As whom they acted", resolve: ({ kind }) => kind }),
    id: t.exposeString("id", { description: "Id of the key, job or source, or the user's name in their token" }),
  }),
});

export const ActivityType = builder.objectRef<Activity>("CaseActivity").implement({
  description: "Something that happened to a case; never changed, never taken back",
  extensions: { scope: null },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    type: t.field({
      type: ActivityTypeEnum,
      description: "What happened, of a closed list",
      resolve: ({ type }) => type,
    }),
    actor: t.field({ type: ActorType, description: "Who did it", resolve: ({ actor }) => actor }),
    occurredAt: t.field({ type: "DateTime", description: "When it happened", resolve: (a) => a.occurredAt }),
    recordedAt: t.field({
      type: "DateTime",
      description: "When we learnt of it: later where it was entered late",
      resolve: (a) => a.recordedAt,
    }),
    text: t.exposeString("text", { nullable: true, description: "What somebody wrote; null where nobody did" }),
    details: t.field({
      type: "JSON",
      description: "What else there is to say, with names by `type`; no personal data",
      resolve: (a) => a.details,
    }),
  }),
});

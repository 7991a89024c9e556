import { AccountType, loadAccount, loadPerson, PersonType } from "../people/graphql.ts";
import { builder, parseId } from "../platform/graphql.ts";
import {
  byId,
  createListLoader,
  createLoader,
  defineConnection,
  pageSize,
  readConnection,
} from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { loadSurvey, SurveyType } from "../surveys/graphql.ts";
import { listExclusions } from "./exclusionLedger.ts";
import { CategoryEnum, ChannelEnum, ResponseFilterInput, toResponseFilter } from "./graphqlFilter.ts";
import { EXCLUSION_REASONS, type ExclusionRecord, type RecordedResponse } from "./model.ts";
import { countResponses, listResponses, listResponsesById, listResponsesOfPeople, RESPONSE_ORDERS } from "./queries.ts";

export const loadResponse = createLoader(async (tx, ids) => byId(await listResponsesById(tx, ids)));

const ExclusionReasonEnum = defineEnum(
  "ExclusionReason",
  "Why a response is out of every aggregate",
  EXCLUSION_REASONS,
  {
    TEST: "Sent to try something out",
    INTERNAL: "Given by one of our own people",
    DUPLICATE: "The same answer is there a second time",
    INCENTIVISED: "Given for a reward",
    NOT_NPS: "The question was not how likely they are to recommend",
    OTHER: "Any other reason, which `note` says",
  },
);

const ExclusionType = builder.objectRef<NonNullable<RecordedResponse["exclusion"]>>("Exclusion").implement({
  description: "Out of every aggregate, and why",
  extensions: { scope: null },
  fields: (t) => ({
    reason: t.field({ type: ExclusionReasonEnum, description: "Why", resolve: ({ reason }) => reason }),
    note: t.exposeString("note", { nullable: true, description: "In somebody's words" }),
    excludedAt: t.field({ type: "DateTime", description: "When", resolve: ({ excludedAt }) => excludedAt }),
    excludedBy: t.exposeString("excludedBy", { description: "Who: user, key, job or source, and its id" }),
  }),
});

const PreviousType = builder.objectRef<NonNullable<RecordedResponse["previous"]>>("PreviousResponse").implement({
  description: "The same person's answer before this one",
  extensions: { scope: null },
  fields: (t) => ({
    score: t.exposeInt("score", { description: "0 to 10" }),
    category: t.field({ type: CategoryEnum, description: "What the score says", resolve: (p) => p.category }),
    respondedAt: t.field({ type: "DateTime", description: "When they answered", resolve: (p) => p.respondedAt }),
  }),
});

export const ResponseType = builder.objectRef<RecordedResponse>("Response").implement({
  description: "A survey answer",
  extensions: { scope: "responses:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    score: t.exposeInt("score", { description: "0 to 10" }),
    category: t.field({ type: CategoryEnum, description: "What the score says", resolve: (r) => r.category }),
    dangerZone: t.exposeBoolean("dangerZone", { description: "Score 0 to 3: likeliest to leave" }),
    comment: t.exposeString("comment", { nullable: true, description: "In their own words" }),
    followUpRequested: t.exposeBoolean("followUpRequested", { description: "They asked to be contacted" }),
    channel: t.field({ type: ChannelEnum, nullable: true, description: "How it was asked", resolve: (r) => r.channel }),
    touchpoint: t.exposeString("touchpoint", { nullable: true, description: "What it was about" }),
    language: t.exposeString("language", { nullable: true, description: "BCP 47" }),
    incentivised: t.exposeBoolean("incentivised", { description: "They were promised something for answering" }),
    properties: t.field({ type: "JSON", description: "Facts kept as answered", resolve: (r) => r.properties }),
    respondedAt: t.field({ type: "DateTime", description: "When they answered", resolve: (r) => r.respondedAt }),
    receivedAt: t.field({ type: "DateTime", description: "When it reached us", resolve: (r) => r.receivedAt }),
    updatedAt: t.field({ type: "DateTime", description: "When it last changed", resolve: (r) => r.updatedAt }),
    source: t.exposeString("source", { description: "Where it came from" }),
    externalId: t.exposeString("externalId", { nullable: true, description: "Its id there" }),
    segment: t.string({
      nullable: true,
      description: "Of the account, as it was when they answered",
      resolve: ({ account }) => account?.segment ?? null,
    }),
    exclusion: t.field({
      type: ExclusionType,
      nullable: true,
      description: "Set when it is out of every aggregate",
      resolve: (r) => r.exclusion,
    }),
    acknowledgedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When the customer was thanked",
      resolve: (r) => r.acknowledgedAt,
    }),
    previous: t.field({
      type: PreviousType,
      nullable: true,
      description: "The same person's answer before this one",
      resolve: (r) => r.previous,
    }),
    survey: t.field({
      type: SurveyType,
      nullable: true,
      description: "The survey that was answered",
      resolve: ({ survey }, _args, context) => loadSurvey(context, survey.key),
    }),
    person: t.field({
      type: PersonType,
      nullable: true,
      description: "Who answered, where that is known",
      resolve: ({ person }, _args, context) => (person === null ? null : loadPerson(context, person.id)),
    }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account it belongs to, where that is known",
      resolve: ({ account }, _args, context) => (account === null ? null : loadAccount(context, account.id)),
    }),
  }),
});

const ResponseOrderEnum = defineEnum("ResponseOrder", "How a list of responses is sorted", RESPONSE_ORDERS, {
  NEWEST: "By `respondedAt`, the latest first",
  OLDEST: "By `respondedAt`, the earliest first",
  UPDATED: "By `updatedAt`, the earliest change first: for following changes",
});

const ResponseConnection = defineConnection("Response", ResponseType);

builder.queryFields((t) => ({
  response: t.field({
    type: ResponseType,
    nullable: true,
    description: "One response, or null",
    extensions: { scope: "responses:read" },
    args: { id: t.arg({ type: "ID", required: true, description: "Its id" }) },
    resolve: (_root, { id }, context) => loadResponse(context, parseId("id", id)),
  }),
  responses: t.field({
    type: ResponseConnection,
    description: "Responses, a page at a time",
    extensions: { scope: "responses:read" },
    args: {
      filter: t.arg({ type: ResponseFilterInput, description: "Which" }),
      orderBy: t.arg({ type: ResponseOrderEnum, defaultValue: "NEWEST", description: "In which order" }),
      first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before" }),
    },
    resolve: (_root, args, context) => {
      const [filter, order] = [toResponseFilter(args.filter), args.orderBy ?? "NEWEST"];
      return readConnection(context, args, {
        order,
        list: async (tx, page) =>
          (await listResponses(tx, { filter, order, ...page })).map((node) => ({
            node,
            sortValue: order === "UPDATED" ? node.updatedAt : node.respondedAt,
          })),
        count: (tx) => countResponses(tx, filter),
      });
    },
  }),
}));

const loadExclusions = createLoader(listExclusions);

const ExclusionRecordType = builder.objectRef<ExclusionRecord>("ExclusionRecord").implement({
  description: "One line of the ledger of exclusions: out of every aggregate, and back in",
  extensions: { scope: null },
  fields: (t) => ({
    reason: t.field({ type: ExclusionReasonEnum, description: "Why", resolve: ({ reason }) => reason }),
    note: t.exposeString("note", { nullable: true, description: "In somebody's words" }),
    excludedAt: t.field({ type: "DateTime", description: "When it went out", resolve: (e) => e.excludedAt }),
    excludedBy: t.exposeString("excludedBy", { description: "Who: user, key, job or source, and its id" }),
    includedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it came back",
      resolve: (e) => e.includedAt,
    }),
    includedBy: t.exposeString("includedBy", { nullable: true, description: "Who put it back" }),
  }),
});

builder.objectField(ResponseType, "exclusionHistory", (t) =>
  t.field({
    type: [ExclusionRecordType],
    description: "When it was taken out of the aggregates and put back, oldest first",
    resolve: async ({ id }, _args, context) => (await loadExclusions(context, id)) ?? [],
  }),
);

const loadResponsesOfPerson = createListLoader(async (tx, personIds, limit) =>
  Map.groupBy(await listResponsesOfPeople(tx, personIds, limit), ({ person }) => person?.id ?? ""),
);

builder.objectField(PersonType, "responses", (t) =>
  t.field({
    type: [ResponseType],
    description: "Their answers, newest first",
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }) },
    resolve: ({ id }, { first }, context) => loadResponsesOfPerson(context, id, pageSize(first)),
  }),
);

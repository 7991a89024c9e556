import { AccountType, loadAccount, loadPerson, PersonType } from "../people/graphql.ts";
import { byId } from "../platform/byId.ts";
import { builder, parseId } from "../platform/graphql.ts";
import {
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
  description: "Why and by whom a response was taken out of every aggregate",
  extensions: { scope: null },
  fields: (t) => ({
    reason: t.field({
      type: ExclusionReasonEnum,
      description: "Why it is not counted",
      resolve: ({ reason }) => reason,
    }),
    note: t.exposeString("note", {
      nullable: true,
      description: "The reason in somebody's own words; null where none were given",
    }),
    excludedAt: t.field({
      type: "DateTime",
      description: "When it was taken out",
      resolve: ({ excludedAt }) => excludedAt,
    }),
    excludedBy: t.exposeString("excludedBy", { description: "Who did it: user, key, job or source, and its id" }),
  }),
});

const PreviousType = builder.objectRef<NonNullable<RecordedResponse["previous"]>>("PreviousResponse").implement({
  description: "The same person's answer before this one",
  extensions: { scope: null },
  fields: (t) => ({
    score: t.exposeInt("score", { description: "0 to 10, as answered then" }),
    category: t.field({ type: CategoryEnum, description: "What that score said of them", resolve: (p) => p.category }),
    respondedAt: t.field({
      type: "DateTime",
      description: "When they gave that answer",
      resolve: (p) => p.respondedAt,
    }),
  }),
});

export const ResponseType = builder.objectRef<RecordedResponse>("Response").implement({
  description: "A survey answer, with who gave it and what became of it",
  extensions: { scope: "responses:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    score: t.exposeInt("score", { description: "How likely they are to recommend, 0 to 10" }),
    category: t.field({
      type: CategoryEnum,
      description: "Promoter, passive or detractor, by the score",
      resolve: (r) => r.category,
    }),
    dangerZone: t.exposeBoolean("dangerZone", { description: "Score 0 to 3: the likeliest to leave" }),
    comment: t.exposeString("comment", {
      nullable: true,
      description: "What they wrote; null where they wrote nothing",
    }),
    followUpRequested: t.exposeBoolean("followUpRequested", { description: "Whether they asked to be contacted" }),
    channel: t.field({
      type: ChannelEnum,
      nullable: true,
      description: "How the question reached them; null where it was not given",
      resolve: (r) => r.channel,
    }),
    touchpoint: t.exposeString("touchpoint", {
      nullable: true,
      description: "What it was about, like onboarding; null where it was not given",
    }),
    language: t.exposeString("language", {
      nullable: true,
      description: "BCP 47 tag of the answer, like en or pt-BR; null where it was not given",
    }),
    incentivised: t.exposeBoolean("incentivised", {
      description: "Whether they were promised something for answering",
    }),
    properties: t.field({
      type: "JSON",
      description: "Facts kept with the answer, as they were then: names with text, number or boolean values",
      resolve: (r) => r.properties,
    }),
    respondedAt: t.field({
      type: "DateTime",
      description: "When they answered; what every aggregate counts by",
      resolve: (r) => r.respondedAt,
    }),
    receivedAt: t.field({
      type: "DateTime",
      description: "When it reached us; what first-contact clocks start from",
      resolve: (r) => r.receivedAt,
    }),
    updatedAt: t.field({
      type: "DateTime",
      description: "When anything of it last changed here",
      resolve: (r) => r.updatedAt,
    }),
    source: t.exposeString("source", { description: "The system it came from; `api` where none was named" }),
    externalId: t.exposeString("externalId", {
      nullable: true,
      description: "Its id in the source; null where it has none",
    }),
    segment: t.string({
      nullable: true,
      description: "Segment of the account, as it was when they answered; null where it was unknown",
      resolve: ({ account }) => account?.segment ?? null,
    }),
    exclusion: t.field({
      type: ExclusionType,
      nullable: true,
      description: "Why it is out of every aggregate; null while it is counted",
      resolve: (r) => r.exclusion,
    }),
    acknowledgedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When the customer was thanked; null before that",
      resolve: (r) => r.acknowledgedAt,
    }),
    previous: t.field({
      type: PreviousType,
      nullable: true,
      description: "The same person's answer before this one; null for their first, or where the person is unknown",
      resolve: (r) => r.previous,
    }),
    survey: t.field({
      type: SurveyType,
      description: "The survey that was answered",
      resolve: async ({ survey }, _args, context) => {
        const found = await loadSurvey(context, survey.key);
        if (found === null) throw new Error("a response has no survey");
        return found;
      },
    }),
    person: t.field({
      type: PersonType,
      nullable: true,
      description: "Who answered; null where nobody is known",
      resolve: ({ person }, _args, context) => (person === null ? null : loadPerson(context, person.id)),
    }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account it belongs to; null where none is known",
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
    description: "One response; null where there is none with this id",
    extensions: { scope: "responses:read" },
    args: { id: t.arg({ type: "ID", required: true, description: "Our id of it, a UUID" }) },
    resolve: (_root, { id }, context) => loadResponse(context, parseId("id", id)),
  }),
  responses: t.field({
    type: ResponseConnection,
    description: "Responses, a page at a time",
    extensions: { scope: "responses:read" },
    args: {
      filter: t.arg({ type: ResponseFilterInput, description: "Which responses; all that are counted when absent" }),
      orderBy: t.arg({ type: ResponseOrderEnum, defaultValue: "NEWEST", description: "What is sorted by" }),
      first: t.arg.int({ defaultValue: 20, description: "How many on a page, 1 to 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before; the first page when absent" }),
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
    reason: t.field({
      type: ExclusionReasonEnum,
      description: "Why it was taken out",
      resolve: ({ reason }) => reason,
    }),
    note: t.exposeString("note", {
      nullable: true,
      description: "The reason in somebody's own words; null where none were given",
    }),
    excludedAt: t.field({ type: "DateTime", description: "When it was taken out", resolve: (e) => e.excludedAt }),
    excludedBy: t.exposeString("excludedBy", { description: "Who did it: user, key, job or source, and its id" }),
    includedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it was put back; null while it is out",
      resolve: (e) => e.includedAt,
    }),
    includedBy: t.exposeString("includedBy", {
      nullable: true,
      description: "Who put it back: user, key, job or source, and its id; null while it is out",
    }),
  }),
});

builder.objectField(ResponseType, "exclusionHistory", (t) =>
  t.field({
    type: [ExclusionRecordType],
    description: "Every time it was taken out of the aggregates, and put back, oldest first",
    resolve: async ({ id }, _args, context) => (await loadExclusions(context, id)) ?? [],
  }),
);

const loadResponsesOfPerson = createListLoader(async (tx, personIds, limit) =>
  Map.groupBy(await listResponsesOfPeople(tx, personIds, limit), ({ person }) => person?.id ?? ""),
);

builder.objectField(PersonType, "responses", (t) =>
  t.field({
    type: [ResponseType],
    description: "Their answers by `respondedAt`, the latest first, excluded ones as well",
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, 1 to 100" }) },
    resolve: ({ id }, { first }, context) => loadResponsesOfPerson(context, id, pageSize(first)),
  }),
);

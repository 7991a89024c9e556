import { type Static, Type } from "@sinclair/typebox";
import { AccountInputSchema, PersonInputSchema, PropertiesSchema } from "../people/index.ts";
import { DateTime, Id, Nullable, nullableRef, OneOf, ref, Strict, Text } from "../platform/schema.ts";
import { CATEGORIES, SCORE_MAX } from "../scoring/index.ts";
import { SURVEY_KINDS, SurveyInputSchema } from "../surveys/index.ts";

/** How the question reached the customer. */
export const CHANNELS = ["EMAIL", "IN_APP", "WEB", "SMS", "CHAT", "PHONE", "IN_PERSON", "OTHER"] as const;
export type Channel = (typeof CHANNELS)[number];

/** Why a response is out of every aggregate. */
export const EXCLUSION_REASONS = ["TEST", "INTERNAL", "DUPLICATE", "INCENTIVISED", "NOT_NPS", "OTHER"] as const;
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number];

export const CASE_STATUSES = ["OPEN", "CONTACTED", "PARKED", "RESOLVED", "CLOSED"] as const;
export type CaseStatus = (typeof CASE_STATUSES)[number];

export const CASE_PRIORITIES = ["URGENT", "HIGH", "NORMAL", "LOW"] as const;
export type CasePriority = (typeof CASE_PRIORITIES)[number];

export const COMMENT_LENGTH_MAX = 10_000;
/** The source of an answer that names none. */
export const DEFAULT_SOURCE = "api";

const Score = (description: string) => Type.Integer({ minimum: 0, maximum: SCORE_MAX, description });

export const ResponseInputSchema = Strict(
  {
    score: Score("How likely they are to recommend, 0 to 10"),
    survey: Type.Optional(ref(SurveyInputSchema)),
    comment: Type.Optional(
      Nullable(Type.String({ format: "text", maxLength: COMMENT_LENGTH_MAX, description: "In their own words" })),
    ),
    followUpRequested: Type.Optional(
      Type.Boolean({ description: "They ask to be contacted: opens a case at any score" }),
    ),
    respondedAt: Type.Optional(DateTime("When they answered, 1970 to a day from now; now when absent")),
    source: Type.Optional(Text({ description: `Where the answer comes from; \`${DEFAULT_SOURCE}\` when absent` })),
    externalId: Type.Optional(
      Nullable(Text({ description: "The answer's id there: with `source` the key against duplicates" })),
    ),
    channel: Type.Optional(Nullable(OneOf(CHANNELS, { description: "How the question reached them" }))),
    touchpoint: Type.Optional(Nullable(Text({ description: "What it was about: onboarding, delivery, …" }))),
    language: Type.Optional(Nullable(Text({ description: "BCP 47, like en or pt-BR" }))),
    incentivised: Type.Optional(Type.Boolean({ description: "They were promised something for answering" })),
    test: Type.Optional(Type.Boolean({ description: "Stored, but excluded from every aggregate; opens no case" })),
    properties: Type.Optional(PropertiesSchema),
    person: Type.Optional(nullableRef(PersonInputSchema, { description: "Who answered, by any of their names" })),
    account: Type.Optional(
      nullableRef(AccountInputSchema, { description: "Of an answer without a person; else it is the person's" }),
    ),
  },
  { $id: "ResponseInput", description: "A survey answer" },
);
export type ResponseInput = Static<typeof ResponseInputSchema>;

const { survey: _survey, properties: _properties, ...inputFields } = ResponseInputSchema.properties;

/** Properties are merged by key: null takes one away. */
const PropertiesPatchSchema = Type.Unsafe<Record<string, string | number | boolean | null>>({
  ...PropertiesSchema,
  additionalProperties: {
    ...(PropertiesSchema["additionalProperties"] as object),
    type: ["string", "number", "boolean", "null"],
  },
});

export const ResponsePatchSchema = Strict(
  {
    score: Type.Optional(inputFields.score),
    comment: inputFields.comment,
    followUpRequested: inputFields.followUpRequested,
    touchpoint: inputFields.touchpoint,
    language: inputFields.language,
    properties: Type.Optional(PropertiesPatchSchema),
    person: inputFields.person,
    account: inputFields.account,
  },
  { $id: "ResponsePatch", description: "What is given is set, null clears, what is absent stays as it is" },
);
export type ResponsePatch = Static<typeof ResponsePatchSchema>;

export const ResponseUpsertSchema = Strict(
  {
    ...ResponseInputSchema.properties,
    source: Text({ description: "Where the answer comes from" }),
    externalId: Text({ description: "The answer's id there" }),
    updatedAt: Type.Optional(DateTime("When it last changed there: what is older than what we have changes nothing")),
  },
  { $id: "ResponseUpsert", description: "A survey answer, new or changed; can be sent again blindly" },
);
export type ResponseUpsert = Static<typeof ResponseUpsertSchema>;

export const ExclusionInputSchema = Strict(
  {
    reason: OneOf(EXCLUSION_REASONS, { description: "Why it is no answer to be counted" }),
    note: Type.Optional(Nullable(Text({ description: "In your own words" }))),
  },
  { $id: "ExclusionInput", description: "Takes a response out of every aggregate, and never deletes it" },
);
export type ExclusionInput = Static<typeof ExclusionInputSchema>;

/** One line of the ledger: out, and back in. */
export interface ExclusionRecord {
  reason: ExclusionReason;
  note: string | null;
  excludedAt: string;
  excludedBy: string;
  includedAt: string | null;
  includedBy: string | null;
}

const properties = {
  id: Id("Its id"),
  score: Score("0 to 10"),
  category: OneOf(CATEGORIES, { description: "PROMOTER 9–10, PASSIVE 7–8, DETRACTOR 0–6" }),
  dangerZone: Type.Boolean({ description: "Score 0 to 3: likeliest to leave" }),
  comment: Nullable(Type.String({ description: "In their own words" })),
  followUpRequested: Type.Boolean({ description: "Whether they asked to be contacted" }),
  channel: Nullable(OneOf(CHANNELS, { description: "How the question reached them" })),
  touchpoint: Nullable(Type.String({ description: "What it was about" })),
  language: Nullable(Type.String({ description: "BCP 47, like en or pt-BR" })),
  incentivised: Type.Boolean({ description: "Whether they were promised something for answering" }),
  properties: PropertiesSchema,
  respondedAt: DateTime("When they answered"),
  receivedAt: DateTime("When it reached us"),
  updatedAt: DateTime("When it last changed"),
  source: Type.String({ description: "Where the answer comes from" }),
  externalId: Nullable(Type.String({ description: "Your own id of it" })),
  survey: Strict(
    {
      key: Type.String({ description: "The survey's key" }),
      kind: OneOf(SURVEY_KINDS, {
        description: "RELATIONSHIP: about the company as a whole; TRANSACTIONAL: about something that just happened",
      }),
    },
    { description: "What was answered" },
  ),
  person: Nullable(
    Strict(
      {
        id: Id("Its id"),
        externalId: Nullable(Type.String({ description: "Your own id of it" })),
        email: Nullable(Type.String({ description: "In lower case" })),
        name: Nullable(Type.String({ description: "For people to read" })),
      },
      { description: "Who answered; null where nobody knows" },
    ),
  ),
  account: Nullable(
    Strict(
      {
        id: Id("Its id"),
        externalId: Type.String({ description: "Your own id of it" }),
        name: Nullable(Type.String({ description: "For people to read" })),
        segment: Nullable(Type.String({ description: "As it was when they answered" })),
      },
      { description: "Whose customer they were when they answered" },
    ),
  ),
  exclusion: Nullable(
    Strict(
      {
        reason: OneOf(EXCLUSION_REASONS, { description: "Why it is no answer to be counted" }),
        note: Nullable(Type.String({ description: "In the words of who excluded it" })),
        excludedAt: DateTime("When it was excluded"),
        excludedBy: Type.String({ description: "Who: user, key, job or source, and its id" }),
      },
      { description: "Why it is out of every aggregate; null while it counts" },
    ),
  ),
  acknowledgedAt: Nullable(DateTime("When the customer was thanked")),
  previous: Nullable(
    Strict(
      {
        score: Score("0 to 10"),
        category: OneOf(CATEGORIES, { description: "PROMOTER 9–10, PASSIVE 7–8, DETRACTOR 0–6" }),
        respondedAt: DateTime("When they answered"),
      },
      { description: "The same person's answer before this one" },
    ),
  ),
};

/** The follow-up case as its responses show it. */
const CaseSummarySchema = Strict(
  {
    id: Id("Its id"),
    status: OneOf(CASE_STATUSES, { description: "How far the follow-up is" }),
    priority: OneOf(CASE_PRIORITIES, { description: "Whom to call first" }),
    firstContactDueAt: DateTime("When somebody must have reached out"),
  },
  { description: "The follow-up case; null where none was opened" },
);
export type CaseSummary = Static<typeof CaseSummarySchema>;

export const ResponseSchema = Strict(
  { ...properties, case: Nullable(CaseSummarySchema) },
  { $id: "Response", description: "A survey answer as it is stored" },
);
export type Response = Static<typeof ResponseSchema>;

/** OPEN: the rules say whether a case opens. NONE: history that opens none, now or by a later change. */
export const FOLLOW_UPS = ["OPEN", "NONE"] as const;
export type FollowUp = (typeof FOLLOW_UPS)[number];

/** A response before anybody looked whether a case belongs to it. */
export interface RecordedResponse extends Omit<Response, "case"> {
  followUp: FollowUp;
}

/** A response before and after something of it changed. */
export interface ResponseChange {
  before: RecordedResponse;
  after: RecordedResponse;
}

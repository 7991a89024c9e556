import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { PROPERTIES_MAX } from "../people/index.ts";
import {
  DateTime,
  Id,
  Nullable,
  nullableRef,
  OneOf,
  ref,
  STRING_LENGTH_MAX,
  Strict,
  Text,
} from "../platform/schema.ts";
import { CHANNELS, ResponseSchema } from "../responses/index.ts";
import { SurveyInputSchema } from "../surveys/index.ts";

/** Whose deliveries a source takes. JSON is any body, found by JSON Pointers, with a shared token. */
export const VENDORS = [
  "STANDARD_WEBHOOKS",
  "TYPEFORM",
  "TALLY",
  "FORMBRICKS",
  "DELIGHTED",
  "WOOTRIC",
  "SURVICATE",
  "JSON",
] as const;
export type Vendor = (typeof VENDORS)[number];

/** What is done with answers that are not finished. */
export const PARTIAL_RULES = ["IGNORE", "RECORD"] as const;
export type PartialRule = (typeof PARTIAL_RULES)[number];

/** The fields of an answer that a mapping can name, beside `properties`. */
export const MAPPED_FIELDS = [
  "score",
  "comment",
  "followUpRequested",
  "email",
  "phone",
  "name",
  "personExternalId",
  "externalId",
  "respondedAt",
  "updatedAt",
  "surveyKey",
  "channel",
  "language",
  "touchpoint",
  "accountExternalId",
  "accountName",
  "accountSegment",
] as const;
type MappedField = (typeof MAPPED_FIELDS)[number];

export type Mapping = { [Field in MappedField]?: string } & { properties?: Record<string, string> };
type Nulls<T> = { [K in keyof T]?: T[K] | null };

const propertyNames = { type: "string", format: "filled", minLength: 1, maxLength: STRING_LENGTH_MAX };

function mappingSchema<M>(question: TSchema, $id: string, description: string) {
  const fields = Object.fromEntries(MAPPED_FIELDS.map((field) => [field, Type.Optional(question)]));
  const properties = Type.Unsafe({
    type: "object",
    maxProperties: PROPERTIES_MAX,
    propertyNames,
    additionalProperties: question,
    description: "Questions that become `properties` of the response, by the name they get there",
  });
  return Type.Unsafe<M>(Strict({ ...fields, properties: Type.Optional(properties) }, { $id, description }));
}

const Question = Text({ description: "The vendor's own name of the question; for JSON a JSON Pointer (RFC 6901)" });
export const MappingSchema = mappingSchema<Mapping>(
  Question,
  "SourceMapping",
  "Where each field of an answer is found: a mapped one is looked for there and nowhere else",
);
export const MappingPatchSchema = mappingSchema<Nulls<Mapping>>(
  Nullable(Question),
  "SourceMappingPatch",
  "What is given is set, null clears, what is absent stays as it is",
);

const defaultFields = {
  channel: OneOf(CHANNELS, { description: "How the question reached them" }),
  touchpoint: Text({ description: "What it was about" }),
  language: Text({ description: "BCP 47, like en or pt-BR" }),
  incentivised: Type.Boolean({ description: "They were promised something for answering" }),
  test: Type.Boolean({ description: "Stored, but excluded from every aggregate" }),
};
export const DefaultsSchema = Strict(
  {
    survey: Type.Optional(ref(SurveyInputSchema)),
    channel: Type.Optional(defaultFields.channel),
    touchpoint: Type.Optional(defaultFields.touchpoint),
    language: Type.Optional(defaultFields.language),
    incentivised: Type.Optional(defaultFields.incentivised),
    test: Type.Optional(defaultFields.test),
  },
  { $id: "SourceDefaults", description: "What holds for new answers that do not say otherwise" },
);
export type Defaults = Static<typeof DefaultsSchema>;

const DefaultsPatchSchema = Strict(
  {
    survey: Type.Optional(Nullable(Strict(SurveyInputSchema.properties, { description: "The survey of its answers" }))),
    channel: Type.Optional(Nullable(defaultFields.channel)),
    touchpoint: Type.Optional(Nullable(defaultFields.touchpoint)),
    language: Type.Optional(Nullable(defaultFields.language)),
    incentivised: Type.Optional(Nullable(defaultFields.incentivised)),
    test: Type.Optional(Nullable(defaultFields.test)),
  },
  { description: "What holds for new answers that do not say otherwise" },
);

const Secret = Type.String({
  format: "filled",
  minLength: 1,
  maxLength: 255,
  description:
    "What deliveries are signed with; for JSON the token they carry; for STANDARD_WEBHOOKS and FORMBRICKS whsec_ and base64. Encrypted, and never shown again",
});
const TokenHeader = Type.String({
  format: "header",
  maxLength: 100,
  description: "Of a JSON source: the header with the token; X-Webhook-Token when absent",
});

export const SourceInputSchema = Strict(
  {
    name: Text({ description: "For people to read" }),
    key: Type.Optional(Text({ description: "The `source` of its responses; the source's id when absent" })),
    vendor: OneOf(VENDORS, { description: "Which survey tool it is: how it signs and what its payload looks like" }),
    secret: Type.Optional(Nullable(Secret)),
    tokenHeader: Type.Optional(Nullable(TokenHeader)),
    mapping: Type.Optional(
      nullableRef(MappingSchema, {
        description:
          "JSON needs `score` and `externalId`, FORMBRICKS and SURVICATE `score`; STANDARD_WEBHOOKS takes none",
      }),
    ),
    defaults: Type.Optional(nullableRef(DefaultsSchema)),
    partial: Type.Optional(OneOf(PARTIAL_RULES, { description: "Unfinished answers; IGNORE when absent" })),
  },
  { $id: "SourceInput", description: "A survey tool that sends answers by webhook" },
);
export type SourceInput = Static<typeof SourceInputSchema>;

export const SourcePatchSchema = Strict(
  {
    name: Type.Optional(Text({ description: "For people to read" })),
    secret: Type.Optional(Nullable(Secret)),
    tokenHeader: Type.Optional(Nullable(TokenHeader)),
    mapping: Type.Optional(nullableRef(MappingPatchSchema)),
    defaults: Type.Optional(Nullable(DefaultsPatchSchema)),
    partial: Type.Optional(
      Nullable(OneOf(PARTIAL_RULES, { description: "Unfinished answers: left out, or recorded as they are" })),
    ),
  },
  {
    $id: "SourcePatch",
    description:
      "What is given is set, null clears, what is absent stays as it is. After a new secret the old one is taken for 24 hours more, so that no delivery is lost while the sender changes",
    absent: { pattern: "^(key|vendor)$", reason: "a source keeps it for good, make another source" },
  },
);
export type SourcePatch = Static<typeof SourcePatchSchema>;

const sourceFields = {
  id: Id("Its id"),
  name: Type.String({ description: "For people to read" }),
  key: Type.String({ description: "The `source` of its responses" }),
  vendor: OneOf(VENDORS, { description: "Which survey tool it is: how it signs and what its payload looks like" }),
  url: Type.String({ description: "Where the survey tool sends to" }),
  hasSecret: Type.Boolean({ description: "false: every delivery is refused until it has one" }),
  previousSecretUntil: Nullable(DateTime("Until when the secret before is taken too")),
  tokenHeader: Nullable(Type.String({ description: "Of a JSON source: the header with the token" })),
  mapping: ref(MappingSchema),
  defaults: ref(DefaultsSchema),
  partial: OneOf(PARTIAL_RULES, { description: "Unfinished answers: left out, or recorded as they are" }),
  createdAt: DateTime("When it was made"),
  updatedAt: DateTime("When it last changed"),
};
export const SourceSchema = Strict(sourceFields, { $id: "Source", description: "A survey tool that sends answers" });
export type Source = Static<typeof SourceSchema>;

export const CreatedSourceSchema = Strict(
  {
    ...sourceFields,
    secret: Type.Optional(Type.String({ description: "Made here because none was given; shown this once" })),
  },
  { $id: "CreatedSource", description: "A source, with the secret that was made for it" },
);
export type CreatedSource = Static<typeof CreatedSourceSchema>;

/** What became of a delivery. */
const OUTCOMES = ["RECORDED", "UPDATED", "DUPLICATE", "IGNORED"] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** FAILED: by a fault of ours; the sender was told to send it again. */
export const RECEIPT_OUTCOMES = [...OUTCOMES, "FAILED"] as const;

const Reason = Type.String({ description: "Why nothing was done" });
export const DeliveryResultSchema = Strict(
  {
    outcome: OneOf(OUTCOMES, { description: "What became of it" }),
    responseId: Type.Optional(Id("The response it was recorded as")),
    reason: Type.Optional(Reason),
  },
  { $id: "DeliveryResult", description: "What became of a delivery" },
);
export type DeliveryResult = Static<typeof DeliveryResultSchema>;

export const PreviewSchema = Strict(
  {
    outcome: OneOf(OUTCOMES, { description: "What became of it" }),
    reason: Type.Optional(Reason),
    response: Type.Optional(ref(ResponseSchema)),
  },
  { $id: "DeliveryPreview", description: "What would become of a delivery; its ids are made up" },
);

export const ReceiptSchema = Strict(
  {
    id: Id("Its id"),
    receivedAt: DateTime("When it came in"),
    processedAt: DateTime("When it was last looked at, by itself or in a replay"),
    outcome: OneOf(RECEIPT_OUTCOMES, { description: "What became of it" }),
    reason: Nullable(Reason),
    externalId: Nullable(Type.String({ description: "The vendor's id of the answer, as far as it was found" })),
    responseId: Nullable(Id("The response it was recorded as")),
    headers: Type.Record(Type.String(), Type.String(), { description: "Those that say how to read the body" }),
    body: Type.String({ description: "As it came; bytes that are no UTF-8 are replaced" }),
  },
  { $id: "SourceReceipt", description: "A delivery, and what became of it" },
);
export type Receipt = Static<typeof ReceiptSchema>;

export const ReplayResultSchema = Strict(
  {
    replayed: Type.Integer({ description: "How many receipts" }),
    outcomes: Type.Record(Type.String(), Type.Integer(), { description: "How many of each outcome" }),
    nextCursor: Nullable(Type.String({ description: "Send it again as `cursor` to go on; null: that was all" })),
  },
  { $id: "ReplayResult", description: "What became of the receipts that were looked at again" },
);
export type ReplayResult = Static<typeof ReplayResultSchema>;

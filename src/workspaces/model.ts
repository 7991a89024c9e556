import { type Static, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, OneOf, Strict, Text } from "../platform/schema.ts";
import { ACTOR_KINDS } from "../platform/tenancy.ts";

/** What a credential may do. A route or field names one of these. */
export const SCOPES = [
  "responses:write",
  "responses:read",
  "people:write",
  "people:read",
  "cases:write",
  "cases:read",
  "aggregates:read",
  "sources:manage",
  "webhooks:manage",
  "privacy:manage",
  "workspace:manage",
] as const;
export type Scope = (typeof SCOPES)[number];

export interface Workspace {
  id: string;
  name: string;
  /** IANA name; days, weeks and months of every figure begin at its midnight. */
  timeZone: string;
}

const Days = (from: string) =>
  Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 36_500, description: `Days ${from}` })));

const RetentionSchema = Strict(
  {
    commentDays: Days("of comments and properties of answers, from `respondedAt`"),
    identityDays: Days("of who a person is, from their last answer: then they are erased"),
    receiptDays: Days("of what sources have sent us, from its receipt"),
    deliveryDays: Days("of what endpoints were sent, from the event"),
  },
  {
    description:
      "After how many days what is held about people goes; null: it stays, or goes when the installation says",
  },
);
export type Retention = Static<typeof RetentionSchema>;

const KeptDays = (description: string) =>
  Nullable(
    Type.Integer({ description: `Days; null: for good, or for as long as the installation keeps ${description}` }),
  );

export const WorkspaceSchema = Strict(
  {
    id: Id("Its id"),
    name: Type.String({ description: "For people to read" }),
    timeZone: Type.String({ description: "IANA name; days, weeks and months of every figure begin at its midnight" }),
    retention: Strict(
      {
        commentDays: KeptDays("comments"),
        identityDays: KeptDays("identities"),
        receiptDays: KeptDays("receipts"),
        deliveryDays: KeptDays("deliveries"),
      },
      {
        description:
          "After how many days what is held about people goes; null: it stays, or goes when the installation says",
      },
    ),
    createdAt: DateTime("When it was made"),
  },
  { $id: "Workspace", description: "Whose data it is" },
);
export type WorkspaceSettings = Static<typeof WorkspaceSchema>;

export const WorkspacePatchSchema = Strict(
  {
    name: Type.Optional(Text({ description: "For people to read" })),
    timeZone: Type.Optional(Text({ description: "IANA name, like Europe/Berlin" })),
    retention: Type.Optional(Nullable(RetentionSchema)),
  },
  { $id: "WorkspacePatch", description: "What is to be other than it is; null clears" },
);
export type WorkspacePatch = Static<typeof WorkspacePatchSchema>;

export const ApiKeyInputSchema = Strict(
  {
    name: Text({ description: "For people to read: who uses it" }),
    scopes: Type.Array(OneOf(SCOPES), { minItems: 1, description: "What it may do" }),
    expiresAt: Type.Optional(Nullable(DateTime("It is refused from then on; for good where it is absent"))),
  },
  { $id: "ApiKeyInput", description: "A key to be made" },
);
export type ApiKeyInput = Static<typeof ApiKeyInputSchema>;

const apiKeyFields = {
  id: Id("Its id"),
  name: Type.String({ description: "For people to read" }),
  scopes: Type.Array(OneOf(SCOPES), { description: "What it may do" }),
  createdAt: DateTime("When it was made"),
  expiresAt: Nullable(DateTime("It is refused from then on; null: never")),
  lastUsedAt: Nullable(DateTime("To the minute")),
  revokedAt: Nullable(DateTime("When it was revoked; null while it is taken")),
  previousSecretUntil: Nullable(DateTime("Until then the text from before the last rotation is taken too")),
};
export const ApiKeySchema = Strict(apiKeyFields, {
  $id: "ApiKey",
  description: "A key to this workspace, without its text",
});
export type ApiKey = Static<typeof ApiKeySchema>;

export const ShownApiKeySchema = Strict(
  {
    ...apiKeyFields,
    apiKey: Type.String({ description: "To be sent as `Authorization: Bearer …`; never shown again" }),
  },
  { $id: "ShownApiKey", description: "A key to this workspace, with its text" },
);

const Facts = (description: string) =>
  Nullable(Type.Unsafe<object>({ type: "object", additionalProperties: true, description }));

export const AuditEntrySchema = Strict(
  {
    id: Id("Its id"),
    occurredAt: DateTime("When it was done"),
    actor: Strict(
      {
        kind: OneOf(ACTOR_KINDS, { description: "A user, a key, a job of ours, or a survey tool" }),
        id: Type.String({ description: "Its id" }),
      },
      { description: "Who did it" },
    ),
    action: Type.String({ description: "What was done, like `api_key.created`" }),
    subject: Strict(
      { type: Type.String({ description: "What kind of thing" }), id: Type.String({ description: "Its id" }) },
      { description: "To what" },
    ),
    before: Facts("What the changed fields were"),
    after: Facts("What they are now"),
    requestId: Nullable(Type.String({ description: "The request, as the log names it" })),
  },
  { $id: "AuditEntry", description: "One change, without personal data; never changed, never taken back" },
);
export type ShownAuditEntry = Static<typeof AuditEntrySchema>;

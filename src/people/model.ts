import { type Static, Type } from "@sinclair/typebox";
import {
  CalendarDate,
  DateTime,
  Id,
  Nullable,
  nullableRef,
  ref,
  STRING_LENGTH_MAX,
  Strict,
  Text,
} from "../platform/schema.ts";
import { SEPARATORS } from "./mentioning.ts";

export const PROPERTIES_MAX = 50;
export const PROPERTY_LENGTH_MAX = 1_000;

/** Free facts: up to 50 of text, number or boolean, texts up to 1,000 characters. */
export const PropertiesSchema = Type.Unsafe<Record<string, string | number | boolean>>({
  type: "object",
  maxProperties: PROPERTIES_MAX,
  propertyNames: { type: "string", format: "filled", minLength: 1, maxLength: STRING_LENGTH_MAX },
  additionalProperties: {
    type: ["string", "number", "boolean"],
    format: "text",
    maxLength: PROPERTY_LENGTH_MAX,
  },
  description: "Up to 50 values of text, number or boolean",
});
export type Properties = Static<typeof PropertiesSchema>;

export const AccountInputSchema = Strict(
  {
    externalId: Text({ description: "Your own id of the account" }),
    name: Type.Optional(Nullable(Text({ description: "For people to read" }))),
    segment: Type.Optional(Nullable(Text({ description: "SMALL, MID_MARKET, ENTERPRISE, … in your own words" }))),
    annualValue: Type.Optional(
      Nullable(Type.Number({ minimum: 0, description: "What the account is worth a year, in `currency`" })),
    ),
    currency: Type.Optional(Nullable(Type.String({ format: "currency", description: "ISO 4217, like EUR" }))),
    renewsOn: Type.Optional(Nullable(CalendarDate("When its contract is up for renewal"))),
    owner: Type.Optional(Nullable(Text({ description: "Who is accountable; a new case starts with them" }))),
    churnedOn: Type.Optional(Nullable(CalendarDate("When it left; null while it is a customer"))),
  },
  { $id: "AccountInput", description: "What is given is set, null clears, what is absent stays as it is" },
);
export type AccountInput = Static<typeof AccountInputSchema>;

export const PersonInputSchema = Strict(
  {
    externalId: Type.Optional(Nullable(Text({ description: "Your own id of the person" }))),
    email: Type.Optional(
      Nullable(
        Type.String({
          format: "email",
          maxLength: STRING_LENGTH_MAX,
          description: "In any case; belongs to one person of the workspace",
        }),
      ),
    ),
    phone: Type.Optional(
      Nullable(
        Type.String({
          format: "phone",
          maxLength: STRING_LENGTH_MAX,
          description: "With or without separators; belongs to one person of the workspace",
        }),
      ),
    ),
    name: Type.Optional(Nullable(Text({ description: "For people to read" }))),
    properties: Type.Optional(PropertiesSchema),
    account: Type.Optional(ref(AccountInputSchema)),
  },
  { $id: "PersonInput", description: "Known by externalId, e-mail or phone, at least one of them" },
);
export type PersonInput = Static<typeof PersonInputSchema>;

export const PersonUpsertSchema = Strict(
  {
    ...PersonInputSchema.properties,
    externalId: Text({ description: "Your own id of the person" }),
    account: Type.Optional(nullableRef(AccountInputSchema)),
  },
  { $id: "PersonUpsert", description: "What is given is set, null clears, what is absent stays as it is" },
);
export type PersonUpsert = Static<typeof PersonUpsertSchema>;

const times = { createdAt: DateTime("When we first heard of it"), updatedAt: DateTime("When it last changed") };

export const AccountSchema = Strict(
  {
    id: Id("Its id"),
    externalId: Type.String({ description: "Your own id of it" }),
    name: Nullable(Type.String({ description: "For people to read" })),
    segment: Nullable(Type.String({ description: "In your own words" })),
    annualValue: Nullable(Type.Number({ description: "What it is worth a year, in `currency`" })),
    currency: Nullable(Type.String({ description: "ISO 4217" })),
    renewsOn: Nullable(CalendarDate("When its contract is up for renewal")),
    owner: Nullable(Type.String({ description: "Who is accountable for it; a new case starts with them" })),
    churnedOn: Nullable(CalendarDate("When it left; null while it is a customer")),
    ...times,
  },
  { $id: "Account", description: "A customer organisation" },
);
export type Account = Static<typeof AccountSchema>;

/** What is known of an account, without when we learnt it. */
export type AccountFacts = Omit<Account, "createdAt" | "updatedAt">;

export const PersonSchema = Strict(
  {
    id: Id("Its id"),
    externalId: Nullable(Type.String({ description: "Your own id of it" })),
    email: Nullable(Type.String({ description: "In lower case" })),
    phone: Nullable(Type.String({ description: "Without separators" })),
    name: Nullable(Type.String({ description: "For people to read" })),
    properties: PropertiesSchema,
    account: nullableRef(AccountSchema),
    ...times,
  },
  { $id: "Person", description: "Somebody who answers" },
);
export type Person = Static<typeof PersonSchema>;

/** What is known of a person, with the account by its id. */
export type PersonFacts = Omit<Person, "account" | "createdAt" | "updatedAt"> & { accountId: string | null };

/** The three ways a person is known, in the order they are matched. */
export const IDENTITIES = ["externalId", "email", "phone"] as const;
export type Identity = (typeof IDENTITIES)[number];

/** The form in which an identity is compared and kept: e-mail in lower case, phone without separators. */
export function normaliseIdentity(kind: Identity, value: string): string {
  if (kind === "email") return value.normalize("NFC").toLowerCase();
  return kind === "phone" ? value.replaceAll(SEPARATORS, "") : value;
}

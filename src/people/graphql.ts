import { byId } from "../platform/byId.ts";
import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { createListLoader, createLoader, pageSize } from "../platform/graphqlConnection.ts";
import { IDENTITIES, normaliseIdentity } from "./model.ts";
import {
  listAccounts,
  listAccountsPage,
  listPeople,
  listPeopleOfAccounts,
  listPeoplePage,
  type StoredAccount,
  type StoredPerson,
} from "./queries.ts";

export const loadAccount = createLoader(async (tx, ids) => byId(await listAccounts(tx, ids)));
export const loadPerson = createLoader(async (tx, ids) => byId(await listPeople(tx, ids)));

export const AccountType = builder.objectRef<StoredAccount>("Account").implement({
  description: "A customer organisation, known by its `externalId`",
  extensions: { scope: "people:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    externalId: t.exposeString("externalId", { description: "Your id of it, unique in the workspace" }),
    name: t.exposeString("name", { nullable: true, description: "For people to read; null while unknown" }),
    segment: t.exposeString("segment", {
      nullable: true,
      description: "As it is today, in your words; null while unknown. Answers keep the one of their day",
    }),
    annualValue: t.exposeFloat("annualValue", {
      nullable: true,
      description: "What it pays a year, in `currency`; null while unknown",
    }),
    currency: t.exposeString("currency", {
      nullable: true,
      description: "ISO 4217 code of `annualValue`, like EUR; null while unknown",
    }),
    renewsOn: t.field({
      type: "Date",
      nullable: true,
      description: "When its contract renews; null while unknown",
      resolve: ({ renewsOn }) => renewsOn,
    }),
    owner: t.exposeString("owner", {
      nullable: true,
      description: "Who is accountable for it on our side, and for its new cases; null for nobody",
    }),
    churnedOn: t.field({
      type: "Date",
      nullable: true,
      description: "When it stopped being a customer; null while it is one",
      resolve: (a) => a.churnedOn,
    }),
    createdAt: t.field({ type: "DateTime", description: "When we first heard of it", resolve: (a) => a.createdAt }),
    updatedAt: t.field({
      type: "DateTime",
      description: "When anything of it last changed here",
      resolve: (a) => a.updatedAt,
    }),
  }),
});

export const PersonType = builder.objectRef<StoredPerson>("Person").implement({
  description: "Somebody who answers, or was told to us",
  extensions: { scope: "people:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    externalId: t.exposeString("externalId", {
      nullable: true,
      description: "Your id of them, unique in the workspace; null while unknown",
    }),
    email: t.exposeString("email", {
      nullable: true,
      description: "In lower case, unique in the workspace; null while unknown",
    }),
    phone: t.exposeString("phone", {
      nullable: true,
      description: "Without separators, unique in the workspace; null while unknown",
    }),
    name: t.exposeString("name", { nullable: true, description: "For people to read; null while unknown" }),
    properties: t.field({
      type: "JSON",
      description: "Facts kept with the person: names with text, number or boolean values",
      resolve: (p) => p.properties,
    }),
    createdAt: t.field({ type: "DateTime", description: "When we first heard of them", resolve: (p) => p.createdAt }),
    updatedAt: t.field({
      type: "DateTime",
      description: "When anything of them last changed here",
      resolve: (p) => p.updatedAt,
    }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account they belong to; null where none is known",
      resolve: ({ accountId }, _args, context) => (accountId === null ? null : loadAccount(context, accountId)),
    }),
  }),
});

const loadPeopleOfAccount = createListLoader(async (tx, accountIds, limit) =>
  Map.groupBy(await listPeopleOfAccounts(tx, accountIds, limit), ({ accountId }) => accountId ?? ""),
);

builder.objectField(AccountType, "people", (t) =>
  t.field({
    type: [PersonType],
    description: "Who belongs to it, the newest first",
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, 1 to 100" }) },
    resolve: ({ id }, { first }, context) => loadPeopleOfAccount(context, id, pageSize(first)),
  }),
);

builder.queryFields((t) => ({
  person: t.field({
    type: PersonType,
    nullable: true,
    description: "One person by exactly one of the arguments; null where nobody is known by it",
    extensions: { scope: "people:read" },
    args: {
      id: t.arg({ type: "ID", description: "Our id, a UUID" }),
      externalId: t.arg.string({ description: "Your id of them" }),
      email: t.arg.string({ description: "Their address, in upper or lower case" }),
    },
    resolve: async (_root, args, context) => {
      const by = onlyOne(["id", "externalId", "email"], args);
      if (by.name === "id") return loadPerson(context, parseId("id", by.value));
      const kind = IDENTITIES.find((identity) => identity === by.name) ?? "externalId";
      const known = { [kind]: [normaliseIdentity(kind, by.value)] };
      const [person] = await context.read((tx) => listPeoplePage(tx, known, { limit: 1 }));
      return person ?? null;
    },
  }),
  account: t.field({
    type: AccountType,
    nullable: true,
    description: "One account by exactly one of the arguments; null where none is known by it",
    extensions: { scope: "people:read" },
    args: {
      id: t.arg({ type: "ID", description: "Our id, a UUID" }),
      externalId: t.arg.string({ description: "Your id of it" }),
    },
    resolve: async (_root, args, context) => {
      const by = onlyOne(["id", "externalId"], args);
      if (by.name === "id") return loadAccount(context, parseId("id", by.value));
      const [account] = await context.read((tx) => listAccountsPage(tx, { externalIds: [by.value] }, { limit: 1 }));
      return account ?? null;
    },
  }),
}));

/** The one argument given. @throws {AppError} `invalid_request` for none or several */
function onlyOne(
  names: readonly string[],
  args: Record<string, string | null | undefined>,
): { name: string; value: string } {
  const given = Object.entries(args).flatMap(([name, value]) => (typeof value === "string" ? [{ name, value }] : []));
  const [first] = given;
  if (first !== undefined && given.length === 1) return first;
  const reason = `must be given alone: exactly one of ${names.join(", ")}`;
  throw invalidRequest(names.map((name) => ({ name, reason })));
}

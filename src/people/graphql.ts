import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { byId, createListLoader, createLoader, pageSize } from "../platform/graphqlConnection.ts";
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
  description: "A customer organisation",
  extensions: { scope: "people:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    externalId: t.exposeString("externalId", { description: "Yours" }),
    name: t.exposeString("name", { nullable: true, description: "For people to read" }),
    segment: t.exposeString("segment", { nullable: true, description: "As it is today" }),
    annualValue: t.exposeFloat("annualValue", { nullable: true, description: "Worth a year, in `currency`" }),
    currency: t.exposeString("currency", { nullable: true, description: "ISO 4217" }),
    renewsOn: t.field({ type: "Date", nullable: true, description: "Renewal", resolve: ({ renewsOn }) => renewsOn }),
    owner: t.exposeString("owner", { nullable: true, description: "Who is accountable on our side" }),
    churnedOn: t.field({ type: "Date", nullable: true, description: "When it left", resolve: (a) => a.churnedOn }),
    createdAt: t.field({ type: "DateTime", description: "When we first heard of it", resolve: (a) => a.createdAt }),
    updatedAt: t.field({ type: "DateTime", description: "When it last changed", resolve: (a) => a.updatedAt }),
  }),
});

export const PersonType = builder.objectRef<StoredPerson>("Person").implement({
  description: "Somebody who answers",
  extensions: { scope: "people:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    externalId: t.exposeString("externalId", { nullable: true, description: "Yours" }),
    email: t.exposeString("email", { nullable: true, description: "In lower case" }),
    phone: t.exposeString("phone", { nullable: true, description: "Without separators" }),
    name: t.exposeString("name", { nullable: true, description: "For people to read" }),
    properties: t.field({ type: "JSON", description: "Facts kept with the person", resolve: (p) => p.properties }),
    createdAt: t.field({ type: "DateTime", description: "When we first heard of them", resolve: (p) => p.createdAt }),
    updatedAt: t.field({ type: "DateTime", description: "When they last changed", resolve: (p) => p.updatedAt }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account they belong to",
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
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }) },
    resolve: ({ id }, { first }, context) => loadPeopleOfAccount(context, id, pageSize(first)),
  }),
);

builder.queryFields((t) => ({
  person: t.field({
    type: PersonType,
    nullable: true,
    description: "One person by one of these, or null",
    extensions: { scope: "people:read" },
    args: {
      id: t.arg({ type: "ID", description: "Ours" }),
      externalId: t.arg.string({ description: "Yours" }),
      email: t.arg.string({ description: "In any case" }),
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
    description: "One account by one of these, or null",
    extensions: { scope: "people:read" },
    args: { id: t.arg({ type: "ID", description: "Ours" }), externalId: t.arg.string({ description: "Yours" }) },
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

import { builder } from "../platform/graphql.ts";
import { byId, createLoader } from "../platform/graphqlConnection.ts";
import type { Account, Person } from "./model.ts";
import { listAccounts, listPeople } from "./queries.ts";

export const loadAccount = createLoader(async (tx, ids) => byId(await listAccounts(tx, ids)));
export const loadPerson = createLoader(async (tx, ids) => byId(await listPeople(tx, ids)));

export const AccountType = builder.objectRef<Account>("Account").implement({
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
  }),
});

export const PersonType = builder.objectRef<Person>("Person").implement({
  description: "Somebody who answers",
  extensions: { scope: "people:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    externalId: t.exposeString("externalId", { nullable: true, description: "Yours" }),
    email: t.exposeString("email", { nullable: true, description: "In lower case" }),
    phone: t.exposeString("phone", { nullable: true, description: "Without separators" }),
    name: t.exposeString("name", { nullable: true, description: "For people to read" }),
    properties: t.field({ type: "JSON", description: "Facts kept with the person", resolve: (p) => p.properties }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account they belong to",
      resolve: ({ accountId }, _args, context) => (accountId === null ? null : loadAccount(context, accountId)),
    }),
  }),
});

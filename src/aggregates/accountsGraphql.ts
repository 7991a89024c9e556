import { AccountType } from "../people/graphql.ts";
import { builder } from "../platform/graphql.ts";
import { defineConnection, readConnection } from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { ACCOUNT_ORDERS, type AccountFilter, countAccounts, cursorValuesOf, listAccountsBy } from "./accounts.ts";

const AccountOrderEnum = defineEnum(
  "AccountOrder",
  "How a list of accounts is sorted; what is not known comes last",
  ACCOUNT_ORDERS,
  {
    ANNUAL_VALUE: "The largest annual value first, in whatever currency each is",
    RENEWS_ON: "The earliest renewal first, past ones included",
    NAME: "By name, else externalId, in the order of code points",
  },
);

const AccountFilterInput = builder.inputType("AccountFilter", {
  description: "Which accounts: all given terms must hold, a list means any of its values",
  fields: (t) => ({
    segments: t.stringList({ description: "In these segments today" }),
    owners: t.stringList({ description: "Of these owners" }),
    minAnnualValue: t.float({ description: "Worth this a year or more, in their own currency" }),
    renewsBefore: t.field({ type: "Date", description: "Renewing before this day" }),
    hasOpenCase: t.boolean({ description: "With a case that is being worked, or without" }),
    dangerZone: t.boolean({ description: "Where somebody's latest answer is 0 to 3, or nobody's" }),
    lastRespondedBefore: t.field({ type: "DateTime", description: "Not heard of at this time or later" }),
  }),
});

const AccountConnection = defineConnection("Account", AccountType);

builder.queryField("accounts", (t) =>
  t.field({
    type: AccountConnection,
    description: "Accounts, a page at a time",
    extensions: { scope: "people:read" },
    args: {
      filter: t.arg({ type: AccountFilterInput, description: "Which" }),
      orderBy: t.arg({ type: AccountOrderEnum, defaultValue: "ANNUAL_VALUE", description: "In which order" }),
      first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before" }),
    },
    resolve: async (_root, args, context) => {
      const terms = Object.entries(args.filter ?? {}).filter(([, value]) => value !== null);
      const filter = Object.fromEntries(terms) as AccountFilter;
      const order = args.orderBy ?? "ANNUAL_VALUE";
      return readConnection(context, args, {
        order,
        values: cursorValuesOf(order),
        list: (tx, page) => listAccountsBy(tx, filter, order, page),
        count: (tx) => countAccounts(tx, filter),
      });
    },
  }),
);

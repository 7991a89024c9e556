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
  description: "Which accounts: all given terms must hold, a list means any of its values, an empty one finds nothing",
  fields: (t) => ({
    segments: t.stringList({ description: "In any of these segments today" }),
    owners: t.stringList({ description: "Any of these is accountable for it" }),
    minAnnualValue: t.float({ description: "Worth this a year or more, each in its own currency" }),
    renewsBefore: t.field({ type: "Date", description: "Renewing before this day, past renewals included" }),
    hasOpenCase: t.boolean({ description: "true: with a case that is OPEN, CONTACTED or PARKED; false: without one" }),
    dangerZone: t.boolean({ description: "true: the latest answer of somebody there is 0 to 3; false: nobody's is" }),
    lastRespondedBefore: t.field({ type: "DateTime", description: "Without an answer at this time or later" }),
  }),
});

const AccountConnection = defineConnection("Account", AccountType);

builder.queryField("accounts", (t) =>
  t.field({
    type: AccountConnection,
    description: "Accounts, a page at a time",
    extensions: { scope: "people:read" },
    args: {
      filter: t.arg({ type: AccountFilterInput, description: "Which accounts; all when absent" }),
      orderBy: t.arg({ type: AccountOrderEnum, defaultValue: "ANNUAL_VALUE", description: "What is sorted by" }),
      first: t.arg.int({ defaultValue: 20, description: "How many on a page, 1 to 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before; the first page when absent" }),
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

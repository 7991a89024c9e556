import { AccountType, PersonType } from "../people/graphql.ts";
import { listPeople } from "../people/index.ts";
import { byId } from "../platform/byId.ts";
import { builder, type GraphqlContext } from "../platform/graphql.ts";
import { createLoader, defineConnection, readConnection } from "../platform/graphqlConnection.ts";
import { CategoryEnum, ResponseFilterInput, toResponseFilter } from "../responses/graphqlFilter.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { NpsSummaryType } from "./graphqlTypes.ts";
import { toRules } from "./rules.ts";
import { scoresOfAccounts } from "./score.ts";
import type { NpsSummary } from "./summary.ts";
import { countMovers, listMovers } from "./transitions.ts";

const PersonConnection = defineConnection("Person", PersonType);
const ORDER = "LATEST";

builder.queryField("npsMovers", (t) =>
  t.field({
    type: PersonConnection,
    description: "Who moved from one category to another between their last two answers, the latest answer first",
    extensions: { scope: "people:read" },
    args: {
      from: t.arg({ type: CategoryEnum, required: true, description: "Category of the answer before the latest" }),
      to: t.arg({ type: CategoryEnum, required: true, description: "Category of the latest answer" }),
      filter: t.arg({ type: ResponseFilterInput, description: "Which responses; all that are counted when absent" }),
      first: t.arg.int({ defaultValue: 20, description: "How many on a page, 1 to 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before; the first page when absent" }),
    },
    resolve: (_root, { from, to, ...args }, context) => {
      const filter = toResponseFilter(args.filter);
      return readConnection(context, args, {
        order: ORDER,
        list: async (tx, page) => {
          const found = await listMovers(tx, { from, to }, filter, page);
          const ids = found.map(({ id }) => id);
          const people = byId(await listPeople(tx, ids));
          return found.flatMap(({ id, respondedAt }) => {
            const node = people.get(id);
            return node === undefined ? [] : [{ node, sortValue: respondedAt.toISOString() }];
          });
        },
        count: (tx) => countMovers(tx, { from, to }, filter),
      });
    },
  }),
);

type Load = (context: GraphqlContext, accountId: string) => Promise<NpsSummary | null>;

/** Of every filter of a request, one loader: a page of accounts asks with the same. */
const loaders = new WeakMap<object, Map<string, Load>>();

function loaderOf(context: GraphqlContext, filter: ResponseFilter): Load {
  const own = loaders.get(context.generation) ?? new Map<string, Load>();
  loaders.set(context.generation, own);
  const key = JSON.stringify(filter);
  const load = own.get(key) ?? createLoader((tx, ids) => scoresOfAccounts(tx, ids, filter, toRules({})));
  own.set(key, load);
  return load;
}

builder.objectField(AccountType, "nps", (t) =>
  t.field({
    type: NpsSummaryType,
    description: "The Net Promoter Score of its answers",
    args: {
      filter: t.arg({
        type: ResponseFilterInput,
        description: "Which of its answers; all that are counted when absent",
      }),
    },
    resolve: async ({ id }, args, context) => {
      const summary = await loaderOf(context, toResponseFilter(args.filter))(context, id);
      if (summary === null) throw new Error("an account has no score");
      return summary;
    },
  }),
);

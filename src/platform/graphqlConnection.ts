import DataLoader from "dataloader";
import { invalidRequest } from "./errors.ts";
import { builder, type GraphqlContext } from "./graphql.ts";
import { type Cursor, decodeCursor, encodeCursor, LIMIT_DEFAULT, LIMIT_MAX } from "./pagination.ts";
import type { WorkspaceTx } from "./tenancy.ts";

/** A page in Relay's form. */
export interface Connection<Node> {
  edges: { node: Node; cursor: string }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  /** Counts only when it is asked for. */
  countAll: () => Promise<number>;
}

interface PageInfoShape {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

const PageInfo = builder.objectRef<PageInfoShape>("PageInfo").implement({
  description: "Whether a list goes on, and from where",
  extensions: { scope: null },
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether another page follows this one" }),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage", { description: "Whether this page was asked for by `after`" }),
    startCursor: t.exposeString("startCursor", {
      nullable: true,
      description: "Cursor of the page's first entry; null for an empty page. Lists are read forwards only",
    }),
    endCursor: t.exposeString("endCursor", {
      nullable: true,
      description: "Give this as `after` to get the next page; null for an empty page",
    }),
  }),
});

type NodeRef<Node> = ReturnType<ReturnType<typeof builder.objectRef<Node>>["implement"]>;

/** The connection and edge types of a node, `<Name>Connection` and `<Name>Edge`. */
export function defineConnection<Node>(name: string, node: NodeRef<Node>) {
  const Edge = builder.objectRef<{ node: Node; cursor: string }>(`${name}Edge`).implement({
    description: "One entry of a page, and its place in the list",
    extensions: { scope: null },
    fields: (t) => ({
      node: t.field({ type: node, description: "What stands there", resolve: (edge) => edge.node as never }),
      cursor: t.exposeString("cursor", { description: "Its place in the list; as `after`, what follows it" }),
    }),
  });
  return builder.objectRef<Connection<Node>>(`${name}Connection`).implement({
    description: "A page of a list; a cursor holds for its own `orderBy` only",
    extensions: { scope: null },
    fields: (t) => ({
      edges: t.field({
        type: [Edge],
        description: "The entries of the page, in the order that was asked for",
        resolve: ({ edges }) => edges,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: "How to get the next page",
        resolve: ({ edges, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        }),
      }),
      totalCount: t.int({
        description: "How many there are on all pages together; costs a count, and nothing where it is not asked for",
        resolve: ({ countAll }) => countAll(),
      }),
    }),
  });
}

/** How a list is read for a connection; `list` gives one row more than `limit` where there are more. */
interface ConnectionSource<Node> {
  order: string;
  values?: Parameters<typeof decodeCursor>[3];
  list: (
    tx: WorkspaceTx,
    page: { limit: number; after: Cursor | undefined },
  ) => Promise<{ node: Node; sortValue: string }[]>;
  count: (tx: WorkspaceTx) => Promise<number>;
}

/** The page that the arguments name. @throws {AppError} `invalid_request` for a size or cursor that cannot be */
export async function readConnection<Node extends { id: string }>(
  context: GraphqlContext,
  args: { first?: number | null | undefined; after?: string | null | undefined },
  { order, values, list, count }: ConnectionSource<Node>,
): Promise<Connection<Node>> {
  const limit = pageSize(args.first);
  const after = decodeCursor(args.after ?? undefined, order, "after", values);
  const found = await context.read((tx) => list(tx, { limit, after }));
  const edges = found.slice(0, limit).map(({ node, sortValue: value }) => ({
    node,
    cursor: encodeCursor({ order, value, id: node.id }),
  }));
  return {
    edges,
    hasNextPage: found.length > limit,
    hasPreviousPage: after !== undefined,
    countAll: () => context.read(count),
  };
}

/** @throws {AppError} `invalid_request` for a page of none or of more than 100 */
export function pageSize(first: number | null | undefined): number {
  const size = first ?? LIMIT_DEFAULT;
  if (size < 1 || size > LIMIT_MAX) throw invalidRequest([{ name: "first", reason: `must be from 1 to ${LIMIT_MAX}` }]);
  return size;
}

/** More keys than this are asked for in several statements. */
const KEYS_PER_STATEMENT_MAX = 1000;

/**
 * A link that costs one statement however many things on the page have it. `load` gets the distinct
 * keys and answers with a map; what is not in it is null.
 */
export function createLoader<Value>(
  load: (tx: WorkspaceTx, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): (context: GraphqlContext, key: string) => Promise<Value | null> {
  const loaders = new WeakMap<object, DataLoader<string, Value | null>>();
  return (context, key) => {
    let loader = loaders.get(context.generation);
    if (loader === undefined) {
      loader = new DataLoader<string, Value | null>(
        async (keys) => {
          const values = await context.read((tx) => load(tx, keys));
          return keys.map((wanted) => values.get(wanted) ?? null);
        },
        { maxBatchSize: KEYS_PER_STATEMENT_MAX },
      );
      loaders.set(context.generation, loader);
    }
    return loader.load(key);
  };
}

/**
 * A link to several things of each: one statement for all that have it on the page. `load` gets the
 * distinct keys and how many of each are wanted.
 */
export function createListLoader<Value>(
  load: (tx: WorkspaceTx, keys: readonly string[], limit: number) => Promise<ReadonlyMap<string, readonly Value[]>>,
): (context: GraphqlContext, key: string, limit: number) => Promise<readonly Value[]> {
  // Of every size that is asked for, one loader; there are 100 sizes.
  const bySize = new Map<number, ReturnType<typeof createLoader<readonly Value[]>>>();
  return async (context, key, limit) => {
    const loader = bySize.get(limit) ?? createLoader((tx, keys) => load(tx, keys, limit));
    bySize.set(limit, loader);
    return (await loader(context, key)) ?? [];
  };
}

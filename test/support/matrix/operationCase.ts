import type { Scope } from "../../../src/workspaces/index.ts";
import type { Client } from "../service.ts";
import type { Ids } from "./things.ts";

/** How one operation is called. Every value of `ids` is also tried as another workspace has it. */
export interface OperationCase {
  scope: Scope | "authenticated" | "public";
  /** Of success. */
  status: number;
  /** Makes what the call is about in this workspace, anew for each call; those of the path by their names there. */
  ids?: (client: Client) => Promise<Ids> | Ids;
  query?: (ids: Ids) => Record<string, string | undefined>;
  body?: (ids: Ids) => unknown;
  headers?: (ids: Ids) => Record<string, string>;
}

/** A call that only looks. */
export const reads = (scope: Scope, ids?: OperationCase["ids"], query?: OperationCase["query"]): OperationCase => ({
  scope,
  status: 200,
  ...(ids && { ids }),
  ...(query && { query }),
});

/** What needs no credential. */
export const open: OperationCase = { scope: "public", status: 200 };

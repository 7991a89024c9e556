// Sends calls of the tables, and holds answers against one another.
import { newId } from "../../../src/platform/ids.ts";
import { SCOPES, type Scope } from "../../../src/workspaces/index.ts";
import type { Client, Service } from "../service.ts";
import type { OperationCase } from "./operationCase.ts";
import type { Ids } from "./things.ts";

/** A request as it goes out. */
export interface Call {
  method: string;
  url: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** An answer as it came in. */
export interface Reply {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** @param operation its method and path, as the document has them */
export function callOf(operation: string, { query, body, headers }: OperationCase, ids: Ids): Call {
  const [method = "", template = ""] = operation.split(" ");
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = ids[name];
    if (value === undefined) throw new Error(`${operation} has no ${name} in its case`);
    return encodeURIComponent(value);
  });
  const terms = Object.entries(query?.(ids) ?? {}).map(([name, value = ""]): [string, string] => [name, value]);
  const url = terms.length === 0 ? path : `${path}?${new URLSearchParams(terms).toString()}`;
  return { method, url, ...(body && { body: body(ids) }), ...(headers && { headers: headers(ids) }) };
}

export async function send({ app }: Service, { method, url, body, headers }: Call, key?: string): Promise<Reply> {
  const answer = await app.inject({
    method: method as "POST",
    url,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body };
}

/** Keys of a workspace by what they may do, each made once. */
export function keysOf(client: Client) {
  const made = new Map<string, Promise<string>>();
  const keyOf = (scopes: readonly Scope[]) => {
    const name = scopes.join(" ");
    const key = made.get(name) ?? client.withScopes(...scopes).then(({ apiKey }) => apiKey);
    made.set(name, key);
    return key;
  };
  return {
    /** May do one thing; everything, where no scope is named. */
    only: (scope: string) => keyOf(SCOPES.filter((one) => one === scope || !SCOPES.includes(scope as Scope))),
    /** May do everything else. */
    without: (scope: string) => keyOf(SCOPES.filter((one) => one !== scope)),
  };
}

/** Of nobody, and as long as this one. */
const unlike = (id: string) => id.replaceAll(ID, () => newId());

/**
 * What must be the same whoever owns the id that was asked for: all but the two fields that name the request, the date, and
 * how much of a limit is left. What the caller sent stands for itself, and what was made has an id and a time of its own.
 */
export function blank({ status, headers, text }: Reply, ids: Ids): object {
  let body = text;
  for (const [name, id] of Object.entries(ids)) body = body.replaceAll(id, `<${name}>`);
  if (status >= 400) body = body.replaceAll(/"(instance|requestId)":"[^"]*"/g, '"$1":""');
  else body = body.replaceAll(ID, "<id>").replaceAll(TIME, "<time>");
  const moving = /^(date|ratelimit-.*|afterscore-position)$/;
  return { status, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !moving.test(name))), body };
}

/** What a call is tried with in the place of one of its own ids. */
export interface Swap {
  name: string;
  /** The answers with another workspace's, and with one of nobody. */
  foreign: { reply: Reply; sent: Ids };
  unknown: { reply: Reply; sent: Ids };
}

/** Whether an operation or field changes nothing. */
export const isRead = (name: string): boolean => /^(GET|Query)/.test(name);

/** Makes the ids of an operation or field: anew each time, where a call may change what they name. */
export function makerOf(name: string, { ids = () => ({}) }: Pick<OperationCase, "ids">, client: Client) {
  let kept: Promise<Ids> | Ids | undefined;
  return () => {
    kept = isRead(name) ? (kept ?? ids(client)) : ids(client);
    return kept;
  };
}

/**
 * Tries a call with each of its ids as another workspace has it, and as nobody has it.
 * @param make the caller's own ids
 */
export async function swapIds(
  call: (ids: Ids) => Call,
  make: () => Promise<Ids> | Ids,
  theirs: Ids,
  ask: (call: Call) => Promise<Reply>,
): Promise<Swap[]> {
  const swaps: Swap[] = [];
  for (const [name, id] of Object.entries(theirs)) {
    const tried = async (value: string) => {
      const sent = { ...(await make()), [name]: value };
      return { reply: await ask(call(sent)), sent };
    };
    const isTheirs = unlike(id) !== id;
    const usesIt = JSON.stringify(call({ ...theirs, [name]: "x" })) !== JSON.stringify(call(theirs));
    if (isTheirs && usesIt) swaps.push({ name, foreign: await tried(id), unknown: await tried(unlike(id)) });
  }
  return swaps;
}

/** Everything that lies in the tables of a workspace, as text; its ids are in `ids`. */
export async function contentOf(client: Client): Promise<{ text: string; ids: Set<string> }> {
  const tables = await client.rows(`select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`);
  let text = "";
  for (const { name } of tables) {
    const column = name === "workspaces" ? "id" : "workspace_id";
    if (name === "schema_migrations") continue;
    const rows = await client.rows(`select to_jsonb(one)::text as row from ${String(name)} one
      where ${column} = '${client.workspaceId}' order by 1`);
    text += `${String(name)}\n${rows.map(({ row }) => `${String(row)}\n`).join("")}`;
  }
  return { text, ids: new Set(text.match(ID)) };
}

/** Those ids in an answer that the caller can only have from another workspace. */
export function leaked({ text, headers }: Reply, sent: Ids, foreign: Set<string>): string[] {
  const given = new Set(Object.values(sent).flatMap((id) => id.match(ID) ?? []));
  const shown = `${text} ${JSON.stringify(headers)}`.match(ID) ?? [];
  return shown.filter((id) => foreign.has(id) && !given.has(id));
}

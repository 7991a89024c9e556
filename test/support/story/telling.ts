// Calls operations by their names and remembers what was sent and answered, in a form that is the same in every run.
import type { Example } from "../../../src/platform/describing.ts";
import type { Document } from "../arbitraries.ts";
import type { Client, Service } from "../service.ts";

/** How an operation is called: ids of its path, query, body, headers. */
export interface Telling {
  ids?: Record<string, string>;
  query?: Record<string, string>;
  /** A text is sent as it is. */
  body?: object | string;
  headers?: Record<string, string>;
  /** Of a refusal, by the code that it must have. */
  refused?: string;
  /** Without a credential, or with another one. */
  apiKey?: string | null;
}

export interface Story {
  /** Sends it and keeps it as the operation's example, unless it has one with that status. @returns the answer's body */
  tell: (operationId: string, telling?: Telling) => Promise<any>;
  examples: Record<string, Example>;
  problems: Record<string, unknown>;
}

export function startStory(document: Document, { app }: Service, client: Client): Story {
  const examples: Record<string, Example> = {};
  const problems: Record<string, unknown> = {};
  const operations = new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [operationId, { path, method }] as const),
    ),
  );
  return {
    examples,
    problems,
    tell: async (operationId, { ids = {}, query, body, headers = {}, refused, apiKey = client.apiKey } = {}) => {
      const { path = "", method = "" } = operations.get(operationId) ?? {};
      const answer = await app.inject({
        method: method.toUpperCase() as "POST",
        url: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? "")),
        ...(query && { query }),
        headers: {
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const isJson = /json(;|$)/.test(String(answer.headers["content-type"]));
      const told = answer.body === "" ? undefined : isJson ? answer.json() : answer.body;
      if ((refused === undefined) !== answer.statusCode < 300 || (refused !== undefined && told.code !== refused)) {
        throw new Error(`${operationId}: ${answer.statusCode} ${answer.body}`);
      }
      if (refused !== undefined) {
        problems[refused] ??= told;
        return told;
      }
      const example = (examples[operationId] ??= body === undefined ? {} : { request: body });
      if (told !== undefined) example.answers = { [answer.statusCode]: told, ...example.answers };
      return told;
    },
  };
}

/** When the examples happened; what they say of a time is as far from it as it really was from the run. */
const EPOCH = Date.parse("2026-05-04T09:15:00.000Z");
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

const SECRETS = [
  [/whsec_[A-Za-z0-9+/=]+/g, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  [/nps_[0-9a-f]{32}_\w+/g, "nps_019df1e5a7a070408000000000000040_7Hs2kQx"],
] as const;

/** The same story as it would be told by any run: ids by the order in which they came up, no secrets, that time. */
export function normalise<T>(told: T, begun: number): T {
  const ids = new Map<string, string>();
  const idOf = (id: string) => {
    const n = String(ids.size + 1).padStart(4, "0");
    const known = ids.get(id) ?? `019df1e5-a7a0-7${n.slice(1)}-8000-00000000${n}`;
    ids.set(id, known);
    return known;
  };
  const timeOf = (text: string) => {
    const sinceBegun = Date.parse(text) - begun;
    return sinceBegun < -60_000 ? text : new Date(EPOCH + sinceBegun).toISOString();
  };
  let text = JSON.stringify(told).replaceAll(TIME, timeOf).replaceAll(ID, idOf);
  for (const [pattern, shown] of SECRETS) text = text.replaceAll(pattern, shown);
  return JSON.parse(text);
}

/** What two runs have in common: no times of the run, cursors, which have some, and of points, which grow with waiting, the whole. */
export function comparable(told: unknown): unknown {
  const text = JSON.stringify(told)
    .replaceAll(/2026-05-0[4-6]T09:[1-5]\d:[0-9.]+Z/g, "TIME")
    .replaceAll(/-?\d+\.\d{4,}/g, (number) => String(Math.round(Number(number))))
    .replaceAll(/"nextCursor":"[^"]+"/g, '"nextCursor":"CURSOR"');
  return JSON.parse(text);
}

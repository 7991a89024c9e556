import { randomBytes } from "node:crypto";
import type { InjectOptions } from "fastify";
import type { Pool } from "pg";
import type { Test } from "tap";
import { buildApp } from "../../src/app.ts";
import { createPool } from "../../src/platform/database.ts";
import type { Server } from "../../src/platform/http.ts";
import { createLogger } from "../../src/platform/logger.ts";
import type { RateLimitSettings } from "../../src/platform/rateLimits.ts";
import { createTenancy, type Tenancy } from "../../src/platform/tenancy.ts";
import { createApiKey, createWorkspace, type Scope, type UserSettings } from "../../src/workspaces/index.ts";
import { cloneDatabase } from "./server.ts";

const SECRETS_KEY = randomBytes(32);

/** Answers of the service, with the body parsed. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  /** Of any shape: the tests say what they expect there. */
  body: any;
}

/** One workspace of the service under test, with a key that has every scope. */
export interface Client {
  workspaceId: string;
  apiKey: string;
  /** The same workspace by a key that may do less. */
  withScopes(...scopes: Scope[]): Promise<Client>;
  /** The same workspace by another key, or by a user's token. */
  withToken(token: string): Client;
  get(path: string): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  patch(path: string, body: unknown): Promise<Answer>;
  /** What lies in the tables of the workspace, past the service. */
  rows(statement: string): Promise<Record<string, unknown>[]>;
  /** The data of a GraphQL query; fails on errors. */
  query(query: string, variables?: object): Promise<any>;
}

export interface Service {
  app: Server;
  pool: Pool;
  tenancy: Tenancy;
  url: string;
  newClient(options?: { timeZone?: string }): Promise<Client>;
}

export interface ServiceOptions {
  /** A migrated database that is somebody else's to drop, instead of one of its own. */
  url?: string;
  /** Where it reads. */
  readUrl?: string;
  poolSize?: number;
  secretsKey?: Buffer | null;
  publicUrl?: string;
  /** How long a request may take to come in, in milliseconds. */
  requestTimeout?: number;
  /** How much is taken from each caller; anything when absent. */
  rateLimits?: RateLimitSettings;
  /** Why nothing may be sent to a URL. */
  explainRefusal?: (url: string) => Promise<string | undefined>;
  /** Whose users are let in. */
  users?: UserSettings;
  /** Whether there is GraphiQL. */
  graphiql?: boolean;
}

/** The whole service on a database of its own, both gone when the test has ended. */
export async function startService(
  t: Test,
  {
    poolSize = 10,
    secretsKey = SECRETS_KEY,
    publicUrl,
    explainRefusal,
    requestTimeout,
    rateLimits,
    users,
    graphiql,
    url,
    readUrl,
  }: ServiceOptions = {},
): Promise<Service> {
  const database = url === undefined ? await cloneDatabase() : { url, drop: async () => {} };
  const logger = createLogger("silent");
  const pool = createPool({ connectionString: database.url, max: poolSize, logger });
  const readPool = readUrl === undefined ? undefined : createPool({ connectionString: readUrl, max: poolSize, logger });
  const app = await buildApp(pool, logger, {
    readPool,
    secretsKey: secretsKey ?? undefined,
    publicUrl,
    requestTimeout,
    users,
    rateLimits,
    graphiql,
    ...(explainRefusal && { explainRefusal }),
  });
  t.teardown(async () => {
    await app.close();
    await readPool?.end();
    await pool.end();
    await database.drop();
  });
  const tenancy = createTenancy(pool);
  return {
    app,
    pool,
    tenancy,
    url: database.url,
    newClient: async ({ timeZone = "UTC" } = {}) => {
      const { workspace, apiKey } = await createWorkspace(tenancy, { name: "test", timeZone });
      return clientOf({ app, pool, tenancy }, workspace.id, apiKey);
    },
  };
}

function clientOf(
  { app, pool, tenancy }: Pick<Service, "app" | "pool" | "tenancy">,
  workspaceId: string,
  apiKey: string,
): Client {
  const authorization = `Bearer ${apiKey}`;
  const answer = async (request: InjectOptions): Promise<Answer> => {
    const { statusCode, headers, body } = await app.inject(request);
    return { status: statusCode, headers, body: body === "" ? undefined : JSON.parse(body) };
  };
  const send =
    (method: "POST" | "PUT" | "PATCH"): Client["post"] =>
    (url, body, headers = {}) =>
      answer({
        method,
        url,
        headers: { authorization, "content-type": "application/json", ...headers },
        payload: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      });
  const post = send("POST");
  return {
    workspaceId,
    apiKey,
    post,
    put: send("PUT"),
    patch: send("PATCH"),
    withScopes: async (...scopes) =>
      clientOf({ app, pool, tenancy }, workspaceId, await createApiKey(tenancy, workspaceId, "limited", scopes)),
    rows: async (statement) => {
      const client = await pool.connect();
      try {
        await client.query("begin");
        await client.query(`set local app.workspace_id = '${workspaceId}'`);
        const results = await client.query(statement);
        await client.query("commit");
        return [results].flat().at(-1)?.rows ?? [];
      } catch (error) {
        await client.query("rollback");
        throw error;
      } finally {
        client.release();
      }
    },
    withToken: (token) => clientOf({ app, pool, tenancy }, workspaceId, token),
    get: (url) => answer({ method: "GET", url, headers: { authorization } }),
    delete: (url) => answer({ method: "DELETE", url, headers: { authorization } }),
    query: async (query, variables = {}) => {
      const { body } = await post("/graphql", { query, variables });
      if (body.errors !== undefined) throw new Error(JSON.stringify(body.errors));
      return body.data;
    },
  };
}

import { fileURLToPath } from "node:url";
import { Client, Pool } from "pg";
import { rebuildRollups } from "../src/aggregates/index.ts";
import { createPool } from "../src/platform/database.ts";
import { startEmbeddedPostgres } from "../src/platform/embeddedPostgres.ts";
import { createLogger } from "../src/platform/logger.ts";
import { migrate } from "../src/platform/migrate.ts";
import { createTenancy } from "../src/platform/tenancy.ts";
import { createWorkspace } from "../src/workspaces/index.ts";
import { type RunningProgram, startProgram } from "./processes.ts";

/** In a folder of its own: as root, what lies in one folder has one place for its data. */
const HOME = fileURLToPath(new URL("../.afterscore/bench/home", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const DATABASE = "afterscore_bench";

/** The service in a process of its own, on an empty database. */
export interface BenchService {
  url: string;
  /** Of PostgreSQL. */
  version: string;
  newWorkspace(name: string): Promise<BenchWorkspace>;
  /** Another server on the same database, by the script and its first argument. */
  startServer(script: string, name: string): Promise<RunningProgram>;
  /** A worker on the same database, with these variables. */
  startWorker(variables: Record<string, string>): Promise<RunningProgram>;
  /** Gives the work empty, migrated databases of its own, which are gone afterwards. */
  inDatabases<T>(names: readonly string[], work: (databases: BenchDatabase[]) => Promise<T>): Promise<T>;
  /** Sends a request of each kind; throws for any answer but a good one. */
  post(workspace: BenchWorkspace, path: string, body: object): Promise<void>;
  get(workspace: BenchWorkspace, path: string): Promise<void>;
  ask(workspace: BenchWorkspace, query: string): Promise<void>;
  /** Counts the scores by day anew, as the worker would. */
  rebuild(workspaceIds: string[]): Promise<void>;
}

export interface BenchDatabase {
  url: string;
  /** As the superuser, whom row-level security does not bind. */
  adminUrl: string;
  /** A program of the service on it. */
  start(name: "api" | "worker"): Promise<RunningProgram>;
  /** @returns a key for it */
  newWorkspace(name: string): Promise<string>;
}

export interface BenchWorkspace {
  id: string;
  apiKey: string;
  /** Runs SQL past the service, in the workspace: to fill tables faster than anybody answers. */
  fill(sql: string): Promise<void>;
  /** The same as the role that does the service's work. */
  query(sql: string): Promise<void>;
  /** What autovacuum would have done by then. */
  vacuum(): Promise<void>;
}

/** Gives the work a service of its own on an empty database, which ends with it. */
export async function withService<T>(work: (service: BenchService) => Promise<T>): Promise<T> {
  const postgres = await startEmbeddedPostgres(HOME);
  const version = await ask(postgres.url, "show server_version");
  const databaseUrl = await createDatabase(postgres.url, DATABASE);
  const pool = createPool({ connectionString: databaseUrl, max: 2, logger: createLogger("silent") });
  const tenancy = createTenancy(pool);
  // What fills a table takes longer than the service waits for an answer.
  const patient = new Pool({ connectionString: databaseUrl, max: 1 });
  const startServer = (script: string, name: string) => startProgram(script, name, databaseUrl);
  const server = await startServer(MAIN, "api");
  try {
    const { url } = server;
    const send = async ({ apiKey }: BenchWorkspace, path: string, init: { method?: string; body?: string } = {}) => {
      const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
      const answer = await fetch(`${url}${path}`, { ...init, headers });
      const text = await answer.text();
      if (!answer.ok || text.includes('"errors"')) throw new Error(`${path}: ${answer.status} ${text}`);
    };
    return await work({
      url,
      startServer,
      startWorker: (variables) => startProgram(MAIN, "worker", databaseUrl, variables),
      post: (workspace, path, body) => send(workspace, path, { method: "POST", body: JSON.stringify(body) }),
      get: send,
      ask: (workspace, query) => send(workspace, "/graphql", { method: "POST", body: JSON.stringify({ query }) }),
      rebuild: (workspaceIds) => rebuildRollups(tenancy, workspaceIds),
      version,
      inDatabases: async (names, ownWork) => {
        const urls = await Promise.all(names.map((name) => createDatabase(postgres.url, `${DATABASE}_${name}`)));
        try {
          return await ownWork(urls.map(toDatabase));
        } finally {
          for (const name of names) await drop(postgres.url, `${DATABASE}_${name}`);
        }
      },
      newWorkspace: async (name) => {
        const { workspace, apiKey } = await createWorkspace(tenancy, { name, timeZone: "UTC" });
        return {
          id: workspace.id,
          apiKey,
          fill: async (sql) => {
            await patient.query(`begin; set local app.workspace_id = '${workspace.id}'; ${sql}; commit`);
          },
          query: async (sql) => {
            const role = "set local role afterscore_app";
            await patient.query(`begin; ${role}; set local app.workspace_id = '${workspace.id}'; ${sql}; commit`);
          },
          vacuum: async () => {
            await patient.query("vacuum analyze");
          },
        };
      },
    });
  } finally {
    await server.stop();
    await patient.end();
    await pool.end();
    await postgres.stop();
  }
}

/** By the superuser, who alone may end an autovacuum that is at work in it. */
async function drop(serverUrl: string, database: string): Promise<void> {
  await ask(asAdmin(serverUrl), `drop database if exists ${database} with (force)`);
}

function asAdmin(url: string): string {
  const admin = new URL(url);
  // Both roles of the embedded server have one password.
  admin.username = "postgres";
  return admin.href;
}

/** @returns the first value of the answer */
async function ask(url: string, sql: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, string>>(sql);
    return Object.values(rows[0] ?? {})[0] ?? "unknown";
  } finally {
    await client.end();
  }
}

/** An empty one that is migrated, instead of any that was left behind. @returns its URL */
async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await drop(serverUrl, name);
  await ask(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return url.href;
}

function toDatabase(url: string): BenchDatabase {
  return {
    url,
    adminUrl: asAdmin(url),
    start: (name) => startProgram(MAIN, name, url),
    newWorkspace: async (name) => {
      const pool = createPool({ connectionString: url, max: 1, logger: createLogger("silent") });
      const { apiKey } = await createWorkspace(createTenancy(pool), { name, timeZone: "UTC" });
      await pool.end();
      return apiKey;
    },
  };
}

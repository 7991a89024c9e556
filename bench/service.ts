import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { rebuildRollups } from "../src/aggregates/index.ts";
import { createPool } from "../src/platform/database.ts";
import { startEmbeddedPostgres } from "../src/platform/embeddedPostgres.ts";
import { createLogger } from "../src/platform/logger.ts";
import { migrate } from "../src/platform/migrate.ts";
import { createTenancy } from "../src/platform/tenancy.ts";
import { createWorkspace } from "../src/workspaces/index.ts";

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
  startServer(script: string, name: string): Promise<RunningServer>;
  /** Sends a request of each kind; throws for any answer but a good one. */
  get(workspace: BenchWorkspace, path: string): Promise<void>;
  ask(workspace: BenchWorkspace, query: string): Promise<void>;
  /** Counts the scores by day anew, as the worker would. */
  rebuild(workspaceIds: string[]): Promise<void>;
}

export interface RunningServer {
  url: string;
  stop(): Promise<void>;
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

export async function withService<T>(work: (service: BenchService) => Promise<T>): Promise<T> {
  const postgres = await startEmbeddedPostgres(HOME);
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`drop database if exists ${DATABASE} with (force)`);
  await admin.query(`create database ${DATABASE}`);
  const { rows } = await admin.query<{ server_version: string }>("show server_version");
  await admin.end();
  const database = new URL(postgres.url);
  database.pathname = `/${DATABASE}`;
  await migrate(database.href);
  const pool = createPool({ connectionString: database.href, max: 2, logger: createLogger("silent") });
  const tenancy = createTenancy(pool);
  const startServer = (script: string, name: string) => start(script, name, database.href);
  const server = await startServer(MAIN, "api");
  try {
    const { url } = server;
    const send = async ({ apiKey }: BenchWorkspace, path: string, init: { method?: string; body?: string } = {}) => {
      const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
      const answer = await fetch(`${url}${path}`, { ...init, headers });
      const text = await answer.text();
      if (answer.status !== 200 || text.includes('"errors"')) throw new Error(`${path}: ${answer.status} ${text}`);
    };
    return await work({
      url,
      startServer,
      get: send,
      ask: (workspace, query) => send(workspace, "/graphql", { method: "POST", body: JSON.stringify({ query }) }),
      rebuild: (workspaceIds) => rebuildRollups(tenancy, workspaceIds),
      version: rows[0]?.server_version ?? "unknown",
      newWorkspace: async (name) => {
        const { workspace, apiKey } = await createWorkspace(tenancy, { name, timeZone: "UTC" });
        return {
          id: workspace.id,
          apiKey,
          fill: async (sql) => {
            await pool.query(`begin; set local app.workspace_id = '${workspace.id}'; ${sql}; commit`);
          },
          query: async (sql) => {
            const role = "set local role afterscore_app";
            await pool.query(`begin; ${role}; set local app.workspace_id = '${workspace.id}'; ${sql}; commit`);
          },
          vacuum: async () => {
            await pool.query("vacuum analyze");
          },
        };
      },
    });
  } finally {
    await server.stop();
    await pool.end();
    await postgres.stop();
  }
}

async function start(script: string, name: string, databaseUrl: string): Promise<RunningServer> {
  const server = spawn(process.execPath, [script, name], {
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: "0", LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = async () => {
    server.kill("SIGTERM");
    await once(server, "exit");
  };
  try {
    return { url: await addressOf(server), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addressOf(server: ChildProcess): Promise<string> {
  for await (const chunk of server.stdout ?? []) {
    const address = /Server listening at (http:\S+?)"/.exec(String(chunk))?.[1];
    if (address !== undefined) {
      // Read on, so that its log does not fill the pipe.
      server.stdout?.resume();
      return address;
    }
  }
  throw new Error("the server did not start");
}

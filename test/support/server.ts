import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, DatabaseError, Pool } from "pg";
import { distribute } from "../../src/platform/distribute.ts";
import { migrate } from "../../src/platform/migrate.ts";
import type { LocalPostgres } from "./localPostgres.ts";

/** Where `before.ts` leaves the URL of the run's PostgreSQL for the test files. */
const checkout = createHash("sha256")
  .update(fileURLToPath(new URL("../..", import.meta.url)))
  .digest("hex");
export const SERVER_FILE = join(tmpdir(), `afterscore-test-${checkout.slice(0, 12)}.url`);

/** The PostgreSQL of the run, and how to find it again to stop it. */
export type TestServer = { url: string; home: string } | Cluster | LocalPostgres;

/** Servers that have Citus loaded; the URLs are of superusers. Without workers the first one is the whole cluster. */
export interface Cluster {
  url: string;
  workers: string[];
}

export async function readTestServer(): Promise<TestServer> {
  return JSON.parse(await readFile(SERVER_FILE, "utf8"));
}

/** The migrated, empty database that every test file clones. */
export const TEMPLATE = "afterscore_template";

export interface TestDatabase {
  url: string;
  drop: () => Promise<void>;
}

/** A database of one's own, migrated and empty of rows. */
export async function cloneDatabase(): Promise<TestDatabase> {
  const server = await readTestServer();
  return "workers" in server ? createDistributedDatabase(server) : createDatabase(server.url, `template ${TEMPLATE}`);
}

/** As whom the service connects to a cluster: to superusers row-level security would not apply. */
const CLUSTER_OWNER = "afterscore_owner";

/** Once for a run. */
export async function prepareCluster({ url, workers }: Cluster): Promise<void> {
  for (const server of [url, ...workers]) {
    await withClient(server, (client) =>
      client.query(`do $$ begin
        if to_regrole('${CLUSTER_OWNER}') is null then
          create role ${CLUSTER_OWNER} login createrole createdb;
        end if;
      end $$`),
    );
  }
  // The roles are the cluster's, and only one can let them log in.
  const { drop } = await createDistributedDatabase({ url, workers });
  await drop();
}

/** What is distributed cannot be cloned. */
async function createDistributedDatabase({ url, workers }: Cluster): Promise<TestDatabase> {
  const name = `afterscore_test_${randomBytes(6).toString("hex")}`;
  const databases: TestDatabase[] = [];
  for (const server of [url, ...workers]) {
    databases.push(await createDatabase(server, `owner ${CLUSTER_OWNER}`, name));
    await withClient(inDatabase(server, name), (client) => client.query("create extension citus"));
  }
  const owned = new URL(inDatabase(url, name));
  owned.username = CLUSTER_OWNER;
  await withClient(inDatabase(url, name), async (client) => {
    const at = (server: string) => [new URL(server).hostname, Number(new URL(server).port)];
    if (workers.length > 0) await client.query("select citus_set_coordinator_host($1, $2)", at(url));
    for (const worker of workers) await client.query("select citus_add_node($1, $2)", at(worker));
  });
  await migrate(owned.href);
  const pool = new Pool({ connectionString: inDatabase(url, name), max: 1 });
  // It does not wait for its connection to be closed, which dropping the database may break off.
  pool.on("error", () => undefined);
  await distribute(pool);
  await pool.end();
  return {
    url: owned.href,
    drop: async () => {
      for (const database of databases) await database.drop();
    },
  };
}

/** A database of one's own without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase((await readTestServer()).url, "");
}

async function createDatabase(
  server: string,
  options: string,
  name = `afterscore_test_${randomBytes(6).toString("hex")}`,
): Promise<TestDatabase> {
  await withClient(server, (client) => client.query(`create database ${name} ${options}`));
  return {
    url: inDatabase(server, name),
    drop: () => withClient(server, (client) => dropDatabase(client, name)),
  };
}

/** The URL of one of its databases. */
export function inDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * Forced, because a server under test may still be connected. PostgreSQL refuses to force out an
 * autovacuum worker, which belongs to the superuser, and Citus's own may come in meanwhile; they are gone in a moment.
 */
async function dropDatabase(client: Client, name: string, tries = 300): Promise<void> {
  try {
    await client.query(`drop database ${name} with (force)`);
  } catch (error) {
    const isInUse = error instanceof DatabaseError && ["42501", "55006"].includes(error.code ?? "");
    if (!isInUse || tries === 1) throw error;
    await delay(100);
    await dropDatabase(client, name, tries - 1);
  }
}

/** A connection past the service, as the owner of the tables. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs SQL in a workspace, past the service, as the owner of the tables. @returns the rows */
export async function rowsOf<Row extends object>(
  { databaseUrl, workspaceId }: { databaseUrl: string; workspaceId: string },
  sql: string,
): Promise<Row[]> {
  return withClient(databaseUrl, async (client) => {
    await client.query("begin");
    await client.query(`set local app.workspace_id = '${workspaceId}'`);
    const { rows } = await client.query<Row>(sql);
    await client.query("commit");
    return rows;
  });
}

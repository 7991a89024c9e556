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
export type TestServer = { url: string; home: string } | { url: string; isCitus: true } | LocalPostgres;

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
  return "isCitus" in server ? createDistributedDatabase() : createDatabase(`template ${TEMPLATE}`);
}

/** What is distributed cannot be cloned. The cluster is one server, as a superuser, with the extension loaded. */
async function createDistributedDatabase(): Promise<TestDatabase> {
  const database = await createDatabase("");
  await withClient(database.url, (client) => client.query("create extension citus"));
  await migrate(database.url);
  const pool = new Pool({ connectionString: database.url, max: 1 });
  await distribute(pool);
  await pool.end();
  return database;
}

/** A database of one's own without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase("");
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const { url: serverUrl } = await readTestServer();
  const name = `afterscore_test_${randomBytes(6).toString("hex")}`;
  await withClient(serverUrl, (client) => client.query(`create database ${name} ${options}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => withClient(serverUrl, (client) => dropDatabase(client, name)),
  };
}

/**
 * Forced, because a server under test may still be connected. PostgreSQL refuses to force out an
 * autovacuum worker, which belongs to the superuser; it is gone in a moment.
 */
async function dropDatabase(client: Client, name: string, tries = 50): Promise<void> {
  try {
    await client.query(`drop database ${name} with (force)`);
  } catch (error) {
    const isVacuumed = error instanceof DatabaseError && error.code === "42501";
    if (!isVacuumed || tries === 1) throw error;
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

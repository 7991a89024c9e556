import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";

/** Where `before.ts` leaves the URL of the run's PostgreSQL for the test files. */
const checkout = createHash("sha256")
  .update(fileURLToPath(new URL("../..", import.meta.url)))
  .digest("hex");
export const SERVER_FILE = join(tmpdir(), `afterscore-test-${checkout.slice(0, 12)}.url`);

/** The migrated, empty database that every test file clones. */
export const TEMPLATE = "afterscore_template";

export interface TestDatabase {
  url: string;
  drop: () => Promise<void>;
}

/** A database of one's own, migrated and empty of rows. */
export async function cloneDatabase(): Promise<TestDatabase> {
  return createDatabase(`template ${TEMPLATE}`);
}

/** A database of one's own without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase("");
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const serverUrl = (await readFile(SERVER_FILE, "utf8")).trim();
  const name = `afterscore_test_${randomBytes(6).toString("hex")}`;
  await withClient(serverUrl, (client) => client.query(`create database ${name} ${options}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await withClient(serverUrl, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
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

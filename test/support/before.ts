// Runs once before all test files: one PostgreSQL for the run, with a migrated database to clone.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../../src/platform/embeddedPostgres.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { startLocalPostgres } from "./localPostgres.ts";
import { inDatabase, prepareCluster, SERVER_FILE, TEMPLATE, type TestServer, withClient } from "./server.ts";

// Tests need no data after a power cut, and half the time without waiting for the disk.
const settings = { fsync: "off", full_page_writes: "off", max_connections: "300" };
const home = fileURLToPath(new URL("../../.afterscore/test", import.meta.url));

const bin = process.env["TEST_POSTGRES_BIN"];
const citus = process.env["CITUS_URL"];
const workers = process.env["CITUS_WORKERS"]?.split(",") ?? [];
const server: TestServer =
  citus !== undefined
    ? { url: citus, workers }
    : bin === undefined
      ? { url: (await startEmbeddedPostgres(home, settings)).url, home }
      : await startLocalPostgres(bin);
await withClient(server.url, async (client) => {
  const { rows } = await client.query("show server_version");
  console.error(`testing on PostgreSQL ${rows[0].server_version}`);
  await client.query(`drop database if exists ${TEMPLATE} with (force)`);
  await client.query(`create database ${TEMPLATE}`);
});
if ("workers" in server) await prepareCluster(server);
else await migrate(inDatabase(server.url, TEMPLATE));
await writeFile(SERVER_FILE, JSON.stringify(server));
process.exit();

// Runs once before all test files: one PostgreSQL for the run, with a migrated database to clone.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../../src/platform/embeddedPostgres.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { SERVER_FILE, TEMPLATE } from "./server.ts";

// Tests need no data after a power cut, and half the time without waiting for the disk.
const settings = { fsync: "off", full_page_writes: "off", max_connections: "300" };
const home = fileURLToPath(new URL("../../.afterscore/test", import.meta.url));

const url = process.env["TEST_DATABASE_URL"] ?? (await startEmbeddedPostgres(home, settings)).url;
const admin = new Client({ connectionString: url });
await admin.connect();
await admin.query(`drop database if exists ${TEMPLATE} with (force)`);
await admin.query(`create database ${TEMPLATE}`);
await admin.end();
const template = new URL(url);
template.pathname = `/${TEMPLATE}`;
await migrate(template.href);
await writeFile(SERVER_FILE, url);
process.exit();

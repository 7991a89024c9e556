// Runs once after all test files: stops the PostgreSQL of the run and removes its data.
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../../src/platform/embeddedPostgres.ts";
import { SERVER_FILE } from "./server.ts";

const home = fileURLToPath(new URL("../../.afterscore/test", import.meta.url));
if (process.env["TEST_DATABASE_URL"] === undefined) await (await startEmbeddedPostgres(home)).stop();
await rm(SERVER_FILE, { force: true });

// Runs once after all test files: stops the PostgreSQL of the run.
import { rm } from "node:fs/promises";
import { startEmbeddedPostgres } from "../../src/platform/embeddedPostgres.ts";
import { stopLocalPostgres } from "./localPostgres.ts";
import { readTestServer, SERVER_FILE } from "./server.ts";

const server = await readTestServer();
if ("home" in server) await (await startEmbeddedPostgres(server.home)).stop();
else if (!("workers" in server)) await stopLocalPostgres(server);
await rm(SERVER_FILE, { force: true });

// The two servers that recording is held against, by name on the command line: `bare` is a Fastify route with one
// INSERT a request, `single` is the service's own route with one transaction a request.
import { fastify } from "fastify";
import { buildApp } from "../src/app.ts";
import { createPool } from "../src/platform/database.ts";
import { createLogger } from "../src/platform/logger.ts";

const POOL_SIZE = 10;

const secretsKey = Buffer.from(process.env["SECRETS_KEY"] ?? "", "base64");
const logger = createLogger("silent");
const pool = createPool({ connectionString: process.env["DATABASE_URL"] ?? "", max: POOL_SIZE, logger });
const url = process.argv[2] === "bare" ? await serveBare() : await serveSingle();
process.stdout.write(`"Server listening at ${url}"\n`);
process.once("SIGTERM", () => process.exit(0));

async function serveBare(): Promise<string> {
  await pool.query(`create table if not exists bare_responses (id uuid primary key default uuidv7(),
    received_at timestamptz not null default now(), body jsonb not null)`);
  const app = fastify();
  app.post("/v1/responses", async (request, reply) => {
    const { rows } = await pool.query("insert into bare_responses (body) values ($1) returning id", [request.body]);
    return reply.code(201).send(rows[0]);
  });
  return app.listen({ port: 0 });
}

async function serveSingle(): Promise<string> {
  const app = await buildApp(pool, logger, { secretsKey }, (tenancy, work) => async (caller, asked) => {
    const [outcome] = await tenancy.inWorkspace(caller, (tx) => work(tx, [asked]));
    if (typeof outcome !== "object") throw new Error("recording gave no result");
    if ("error" in outcome) throw outcome.error;
    return outcome.answer;
  });
  return app.listen({ port: 0 });
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { PoolClient } from "pg";
import t from "tap";
import { limitSilence } from "../../src/platform/connection.ts";
import { createPool, isLost } from "../../src/platform/database.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { cloneDatabase } from "../support/server.ts";

const run = promisify(execFile);

/** Asks much on one connection. */
const ASKING = `
  import { createPool } from "./src/platform/database.ts";
  import { createLogger } from "./src/platform/logger.ts";
  const pool = createPool({ connectionString: process.env.DATABASE_URL, max: 1, logger: createLogger("silent") });
  const client = await pool.connect();
  for (let n = 0; n < 10_000; n += 1) await client.query("select $1::text as letters", ["x".repeat(3_000) + n]);
  client.release();
  await pool.end();
`;

const database = await cloneDatabase();
const pool = createPool({ connectionString: database.url, max: 2, logger: createLogger("silent") });
t.teardown(async () => {
  await pool.end();
  await database.drop();
});

t.test("of what was asked and answered nothing outlives the next collection of young garbage", async (t) => {
  const args = ["--trace-gc-nvp", "--input-type=module", "--eval", ASKING];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, DATABASE_URL: database.url } });
  const numbers = (name: string) => [...stdout.matchAll(new RegExp(` ${name}=(\\d+)`, "g"))].map(([, n]) => Number(n));
  const survived = numbers("new_space_survived");
  const shares = numbers("allocated").map((allocated, n) => (survived[n] ?? 0) / allocated);
  const middle = shares.toSorted((a, b) => a - b)[shares.length >> 1] ?? 1;
  t.ok(shares.length > 10 && middle < 0.05, `${middle} of what was allocated, in ${shares.length} collections`);
});

t.test("a connection on which nothing comes back is given up, with all that is asked there", async (t) => {
  const client = await pool.connect();
  limitSilence(client, 200);
  const asked = await Promise.allSettled([client.query("select pg_sleep(30)"), client.query("select 1")]);
  for (const one of asked) t.ok(one.status === "rejected" && isLost(one.reason), "lost");
  await t.rejects(client.query("select 1"), /not queryable/);
  client.release(true);
  t.same((await pool.query("select 1 as n")).rows, [{ n: 1 }], "and another one is made");
});

t.test("silence is limited only while somebody uses the connection, and anew for each", async (t) => {
  const limitOf = (one: PoolClient) =>
    (one as unknown as { connection: { stream: { timeout?: number } } }).connection.stream.timeout;
  const client = await pool.connect();
  t.equal(limitOf(client), 8_000);
  limitSilence(client, 60_000);
  client.release();
  t.equal(limitOf(client), 0);
  const again = await pool.connect();
  t.equal(limitOf(again), 8_000);
  again.release();
});

t.test("an error says who has asked", async (t) => {
  const failure = await pool.connect().then(async (client) => {
    try {
      return await client.query("select nothing").catch((error: unknown) => error);
    } finally {
      client.release();
    }
  });
  t.match(failure, { code: "42703", stack: /connection\.test\.ts/ });
});

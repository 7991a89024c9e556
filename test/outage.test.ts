import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import t from "tap";
import { buildApp } from "../src/app.ts";
import { createPool } from "../src/platform/database.ts";
import { createLogger } from "../src/platform/logger.ts";
import { printed, startProgram } from "./support/program.ts";
import { cloneDatabase } from "./support/server.ts";

t.test("a database that takes connections and says nothing: not ready, soon, and alive", async (t) => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const logger = createLogger("silent");
  const pool = createPool({ connectionString: `postgres://nobody@127.0.0.1:${port}/none`, max: 2, logger });
  const app = await buildApp(pool, logger);
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await app.close();
    await pool.end();
  });
  await app.ready();
  const startedAt = performance.now();
  const ready = await app.inject("/readyz");
  t.equal(ready.statusCode, 503);
  t.match(ready.json(), { code: "unavailable" });
  t.equal(ready.headers["retry-after"], "1");
  t.ok(performance.now() - startedAt < 2_500, `after ${performance.now() - startedAt} ms`);
  t.equal((await app.inject("/livez")).statusCode, 200);
});

t.test("a worker whose log nobody reads any more goes on, and ends when it is told to", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, LOG_LEVEL: "trace" };
  const worker = startProgram(["worker"], { env });
  t.teardown(() => worker.child.kill("SIGKILL"));
  await printed(worker, /"msg":"(working)"/);
  worker.child.stdout?.destroy();
  worker.child.stderr?.destroy();
  const startedAt = performance.now();
  worker.child.kill("SIGTERM");
  t.equal(await worker.exit, 0);
  t.ok(performance.now() - startedAt < 10_000);
});

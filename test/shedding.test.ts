import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { createPool } from "../src/platform/database.ts";
import { createServer } from "../src/platform/http.ts";
import { createLogger } from "../src/platform/logger.ts";
import { registerShedding } from "../src/platform/shedding.ts";
import { listening, startProgram } from "./support/program.ts";
import { cloneDatabase, rowsOf, withClient } from "./support/server.ts";

const AUTOCANNON = fileURLToPath(new URL("../node_modules/autocannon/autocannon.js", import.meta.url));
/** Many times as many as are under way at once in what the process is made for. */
const CONNECTIONS = 2_000;
const SECONDS = 5;

/** Answers sent as fast as they are taken, by a process of its own. */
async function load(url: string, apiKey: string) {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const options = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const body = JSON.stringify({ score: 9, comment: "Good" });
  const args = ["-c", CONNECTIONS, "-d", SECONDS, "-t", 20, "-m", "POST", ...options, "-b", body, "-j", url].map(
    String,
  );
  const child = spawn("env", ["-i", process.execPath, AUTOCANNON, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return JSON.parse(output);
}

const REFUSING = /too much to do: requests are refused/;

/** For five seconds at the most: what is asserted afterwards tells what is missing. */
async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 100 && !condition(); attempt += 1) await sleep(50);
}

t.test("more comes in than can be taken: some is refused at once, the rest is answered in time", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0", LOG_LEVEL: "warn", RATE_LIMIT_PER_SECOND: "0" };
  const create = startProgram(["workspace", "create", "--name", "Acme"], { env });
  t.equal(await create.exit, 0, create.output());
  const { workspace, apiKey } = JSON.parse(create.result());
  const server = startProgram(["api"], { env: { ...env, LOG_LEVEL: "info" } });
  t.teardown(() => server.child.kill("SIGKILL"));
  const url = await listening(server);

  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const post = () => fetch(`${url}/v1/responses`, { method: "POST", headers, body: JSON.stringify({ score: 9 }) });
  t.equal((await post()).status, 201);

  const loading = load(`${url}/v1/responses`, apiKey);
  const over = new AbortController();
  const waits: number[] = [];
  let isHeldUp = false;
  const probing = (async () => {
    while (!over.signal.aborted) {
      const startedAt = performance.now();
      for (const path of ["/livez", "/readyz"]) {
        const wasHeldUp = isHeldUp;
        const { status } = await fetch(url + path);
        // Held up, the database is not ready for what asks for it.
        if (status !== 200 && !(path === "/readyz" && (wasHeldUp || isHeldUp))) t.fail(`${path} answered ${status}`);
        if (path === "/livez") waits.push(performance.now() - startedAt);
      }
      await sleep(20);
    }
  })();
  // The sender shares the processors, and where it is the slower one nothing piles up by itself.
  await withClient(database.url, async (client) => {
    await until(() => server.output().split('"status":201').length > 200);
    isHeldUp = true;
    await client.query("begin; lock table responses in exclusive mode");
    await until(() => REFUSING.test(server.output()));
    await client.query("commit");
    isHeldUp = false;
  });
  const { statusCodeStats: answers, latency, errors } = await loading;
  over.abort();
  await probing;

  const told = JSON.stringify({ answers, latency, waits: waits.toSorted((a, b) => b - a).slice(0, 5) });
  t.same(Object.keys(answers).toSorted(), ["201", "503"], told);
  t.equal(errors, 0, "none is left without an answer");
  t.ok(latency.max < 8_000, told);
  const [slowest = 0] = waits.toSorted((a, b) => b - a);
  t.ok(waits.length > 5 && slowest < 3_000, told);
  t.match(server.output(), REFUSING);

  t.equal((await post()).status, 201, "and when it is over, everything is taken again");
  server.child.kill("SIGTERM");
  t.equal(await server.exit, 0);
  const place = { databaseUrl: database.url, workspaceId: workspace.id };
  const [stored] = await rowsOf<{ count: number }>(place, "select count(*)::int as count from responses");
  t.ok(Number(stored?.count) >= answers["201"].count + 2, "what was acknowledged is there");
});

t.test("a refusal is a problem like others, and who is answered makes room", async (t) => {
  const logger = createLogger("silent");
  const pool = createPool({ connectionString: "postgres://localhost", max: 1, logger });
  const app = createServer(logger);
  registerShedding(app, pool, {
    underWay: 1,
    underWayWhileLate: 1,
    waiting: 1,
    bodyBytes: 1_000,
    worthMs: 1_000,
    lateMs: 1_000,
  });
  const slow = Promise.withResolvers<void>();
  app.get("/slow", async () => slow.promise.then(() => "done"));
  app.get("/livez", async () => "alive");
  const url = await app.listen({ port: 0 });
  t.teardown(() => app.close());
  const first = fetch(`${url}/slow`);
  let refusal = await fetch(`${url}/slow?a=b`, { signal: AbortSignal.timeout(200) }).catch(() => undefined);
  for (let look = 0; look < 50 && refusal === undefined; look += 1) {
    refusal = await fetch(`${url}/slow?a=b`, { signal: AbortSignal.timeout(200) }).catch(() => undefined);
  }
  t.equal(refusal?.status, 503);
  t.match(refusal?.headers.get("content-type"), /^application\/problem\+json/);
  t.equal(refusal?.headers.get("retry-after"), "1");
  t.match(await refusal?.json(), { status: 503, code: "unavailable", instance: "/slow", requestId: /./ });
  t.equal((await fetch(`${url}/livez`)).status, 200);
  slow.resolve();
  t.equal(await (await first).text(), "done");
  t.equal((await fetch(`${url}/slow`)).status, 200);
});

t.test("hundreds who are refused at once keep nobody else waiting", async (t) => {
  const logger = createLogger("silent");
  const pool = createPool({ connectionString: "postgres://localhost", max: 1, logger });
  const app = createServer(logger);
  const nothing = { underWay: 0, underWayWhileLate: 0, waiting: 1, bodyBytes: 1, worthMs: 0, lateMs: 1_000 };
  registerShedding(app, pool, nothing);
  app.get("/livez", async () => "alive");
  const port = Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
  t.teardown(() => app.close());
  const sockets: Socket[] = [];
  while (sockets.length < 301) {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    await once(socket, "connect");
  }
  const answered: string[] = [];
  const done = Promise.withResolvers<void>();
  for (const [n, socket] of sockets.entries()) {
    socket.once("data", (data) => {
      answered.push(String(data).slice(9, 12));
      if (answered.length === sockets.length) done.resolve();
    });
    socket.write(`GET ${n === 300 ? "/livez" : "/"} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  }
  await done.promise;
  for (const socket of sockets) socket.destroy();
  t.equal(answered.filter((status) => status === "503").length, 300);
  const before = answered.indexOf("200");
  t.ok(before >= 0 && before < 150, `${before} refusals were answered before whoever came last`);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { createServer } from "../../src/platform/http.ts";
import { prepareListening } from "../../src/platform/listening.ts";
import { createLogger } from "../../src/platform/logger.ts";

const isLinux = process.platform === "linux" || "here the system does not share a port out";

/** Opens so many connections, says when all are open, and keeps them. */
const CLIENT = `
  const { connect } = require("node:net");
  let open = 0;
  for (let n = 0; n < Number(process.argv[2]); n += 1) {
    connect(Number(process.argv[1]), "127.0.0.1").once("connect", () => {
      open += 1;
      if (open === Number(process.argv[2])) process.stdout.write("open");
    });
  }
`;
const CONNECTIONS = 160;

async function start(port = 0) {
  const app = createServer(createLogger("silent"));
  let asked = 0;
  const answered: number[] = [];
  app.get("/slow", async (_request, reply) => {
    asked += 1;
    const ms = 200 + asked * 5;
    reply.raw.once("finish", () => answered.push(ms));
    return sleep(ms, "done");
  });
  const listen = prepareListening(app);
  await app.ready();
  const url = await listen({ host: "127.0.0.1", port });
  return { app, answered, url, port: Number(new URL(url).port) };
}

t.test(
  "many connections are taken on in a turn of the event loop",
  { skip: isLinux !== true && isLinux },
  async (t) => {
    const { app, port } = await start();
    t.teardown(() => app.close());
    const client = spawn(process.execPath, ["-e", CLIENT, String(port), String(CONNECTIONS)]);
    t.teardown(() => client.kill());
    let taken = 0;
    let turns = 0;
    const all = Promise.withResolvers<void>();
    app.server.on("connection", () => {
      taken += 1;
      if (taken === CONNECTIONS) all.resolve();
    });
    // The system takes them on by itself; they wait for us.
    const blocked = once(client.stdout, "data");
    const isOver = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(isOver, 0, 0, 2_000);
    const from = taken;
    const count = () => {
      turns += 1;
      if (taken < CONNECTIONS) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all([all.promise, blocked]);
    t.equal(from, 0);
    t.ok(turns < CONNECTIONS / 3, `${CONNECTIONS} connections in ${turns} turns`);
  },
);

t.test("a port that is taken is not shared, not even with one of us", async (t) => {
  const { app, port } = await start();
  t.teardown(() => app.close());
  await t.rejects(start(port), { code: "EADDRINUSE", port });
});

t.test("stopping waits for the answers of all connections, whoever took them on", async (t) => {
  const { app, url, answered } = await start();
  const asked = Array.from({ length: 40 }, () => fetch(`${url}/slow`));
  await sleep(150);
  t.same(answered, [], "all of them are under way");
  await app.close();
  t.equal(answered.length, asked.length);
  const answers = await Promise.all(asked);
  t.ok(answers.every(({ status }) => status === 200));
  await t.rejects(fetch(url));
});

import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { startReceiver } from "../support/receiver.ts";
import { cloneDatabase, rowsOf } from "../support/server.ts";
import { send } from "./support/http.ts";
import { createWorkspace, type Process, startProcess } from "./support/processes.ts";

const CASES = 2_000;
/** Their steps fall due 15, 20 and 30 s after the answer. */
const FIRST_CONTACT_HOURS = 20 / 3_600;
const STEPS = ["case.escalated", "case.first_contact_due_soon", "case.first_contact_missed"];
const IMPORTS = 2;
const ROWS = 20_000;
const KILLS = 8;
const ENV = {
  SECRETS_KEY: Buffer.alloc(32, 7).toString("base64"),
  OUTBOUND_ALLOWED_NETWORKS: "127.0.0.0/8",
  DELIVERY_RETRY_SECONDS: `0${",0.5".repeat(30)}`,
};
/** Jobs of a dead worker are taken over after 45 s at the latest, what it was sending after 20. */
const SETTLED_WITHIN_MS = 240_000;

t.test("two workers, of which one after the other is killed, in sweeps, imports and deliveries", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const api = await startProcess("api", database.url, ENV);
  const call = async (path: string, body?: string, type = "application/json", method: "POST" | "PUT" = "POST") => {
    const headers = { authorization: `Bearer ${workspace.apiKey}`, "content-type": type };
    const answer = await send(`${api.url}${path}`, body === undefined ? { headers } : { method, headers, body });
    if (answer.status >= 300) throw new Error(answer.text);
    return JSON.parse(answer.text);
  };
  const arrived = new Map<string, number>();
  let requests = 0;
  const receiver = await startReceiver(t, (response, { id }) => {
    requests += 1;
    if (requests % 10 === 0) return response.writeHead(500).end();
    arrived.set(id, (arrived.get(id) ?? 0) + 1);
    return response.writeHead(204).end();
  });
  await call("/v1/webhook-endpoints", JSON.stringify({ url: receiver.url, eventTypes: ["case.opened", ...STEPS] }));
  const policy = JSON.stringify({ detractor: { hours: FIRST_CONTACT_HOURS } });
  await call("/v1/policies/first-contact", policy, "application/json", "PUT");

  const workers = await Promise.all([
    startProcess("worker", database.url, ENV),
    startProcess("worker", database.url, ENV),
  ]);
  for (let n = 0; n < IMPORTS; n += 1) {
    const rows = Array.from({ length: ROWS }, (_, row) =>
      JSON.stringify({ score: row % 11, externalId: `${n}-${row}` }),
    );
    await call(`/v1/imports?source=file-${n}&followUp=NONE&events=false`, rows.join("\n"), "application/x-ndjson");
  }
  for (let from = 0; from < CASES; from += 500) {
    const responses = Array.from({ length: 500 }, () => ({ score: 5 }));
    await call("/v1/responses/batch", JSON.stringify({ responses }));
  }
  // Each shortly after it has begun, so that most of what is done is interrupted.
  const killAgainAndAgain = async (worker: Process) => {
    for (let kill = 0; kill < KILLS / workers.length; kill += 1) {
      await sleep(200 + 1_000 * Math.random());
      await worker.crash();
    }
  };
  await Promise.all(workers.map(killAgainAndAgain));

  const state = async () => {
    const [row] = await rowsOf<Record<string, number>>(
      workspace,
      `select (select count(*)::int from imports where status = 'DONE') as imports,
        (select count(*)::int from case_clock_steps) as steps,
        (select count(*)::int from webhook_deliveries where status = 'DELIVERED') as delivered,
        (select count(*)::int from events where position is null) as waiting`,
    );
    return row;
  };
  const settled = { imports: IMPORTS, steps: STEPS.length * CASES, delivered: (STEPS.length + 1) * CASES, waiting: 0 };
  t.comment(`after ${KILLS} kills: ${JSON.stringify(await state())}`);
  const from = performance.now();
  while (performance.now() < from + SETTLED_WITHIN_MS && JSON.stringify(await state()) !== JSON.stringify(settled)) {
    await sleep(500);
  }
  t.comment(`settled after ${Math.round(performance.now() - from)} ms`);
  t.same(await state(), settled, "everything that was to be done is done");

  const events = await rowsOf<{ id: string; type: string; about: string }>(
    workspace,
    `select id::text, type, data->'case'->>'id' as about from events where type like 'case.%' order by type`,
  );
  const counts = [...Map.groupBy(events, ({ type }) => type)].map(([type, all]) => ({
    type,
    events: all.length,
    cases: new Set(all.map(({ about }) => about)).size,
  }));
  t.same(
    counts,
    ["case.escalated", "case.first_contact_due_soon", "case.first_contact_missed", "case.opened"].map((type) => ({
      type,
      events: CASES,
      cases: CASES,
    })),
    "each step of each case was announced once",
  );
  t.same(new Set(arrived.keys()), new Set(events.map(({ id }) => id)), "each event arrived, and no other");
  const twice = [...arrived.values()].reduce((sum, n) => sum + n - 1, 0);
  t.comment(`${requests} deliveries were sent, ${twice} events came more than once`);
  t.ok(twice <= KILLS * 32, "no more came twice than were under way when a worker was killed");
  const imported = await rowsOf(
    workspace,
    `select source, count(*)::int as n, count(distinct external_id)::int as different
     from responses where source like 'file-%' group by source order by source`,
  );
  const all = Array.from({ length: IMPORTS }, (_, n) => ({ source: `file-${n}`, n: ROWS, different: ROWS }));
  t.same(imported, all, "each row of each file is there once");
  for (const one of [api, ...workers]) t.match(await one.stop(), { code: 0 });
});

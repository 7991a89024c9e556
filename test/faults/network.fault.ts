import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { cloneDatabase } from "../support/server.ts";
import { type Attempt, checkHistory, countsOf, numbers, recordAll } from "./support/history.ts";
import { send } from "./support/http.ts";
import { createWorkspace, isRunning, startProcess } from "./support/processes.ts";
import { startProxy } from "./support/proxy.ts";
import { readAll } from "./support/reads.ts";

/** To get a connection (8 s), and until it answers (8 s), and what the machine needs besides. */
const ENDS_WITHIN_MS = 18_000;
/**
 * When the way is open again, connections that are dead are found out by the requests that get them, which wait for an
 * answer (8 s); and then each sender is served again, some times, beside whatever else the machine does.
 */
const RECOVERS_WITHIN_MS = 12_000;

t.test("the way to the database fails in every way it can, and comes back", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const proxy = await startProxy(database.url);
  t.teardown(() => proxy.close());
  const processes = await Promise.all([startProcess("api", proxy.url), startProcess("worker", proxy.url)]);
  const [api] = processes;
  const history: Attempt[] = [];
  const stopping = new AbortController();
  const recorder = { ...workspace, urls: [api.url], history, timeoutMs: 60_000 };
  const load = recordAll(recorder, { senders: 20, pauseMs: 100, next: numbers({ signal: stopping.signal }) });
  const reads = readAll({ ...workspace, url: api.url, readers: 3, pauseMs: 50, signal: stopping.signal });

  const faults: [string, number, () => void][] = [
    ["latency", 4_000, () => proxy.set("latency")],
    ["black hole", 12_000, () => proxy.set("blackHole")],
    ["reset", 1_000, () => proxy.reset()],
    ["half-open", 12_000, () => proxy.set("halfOpen")],
    ["black hole for a moment", 1_000, () => proxy.set("blackHole")],
  ];
  for (const [name, lastsMs, begin] of faults) {
    await sleep(2_000);
    const beganAt = performance.now();
    begin();
    await sleep(lastsMs / 2);
    const livez = performance.now();
    t.equal((await send(`${api.url}/livez`)).status, 200);
    t.ok(performance.now() - livez < 1_000, `${name}: the process itself answers`);
    await sleep(lastsMs / 2);
    proxy.set("open");
    const openAt = performance.now();
    const isBack = () => {
      // Until then requests of the time before still end: all senders must be served.
      const after = history.filter(({ sentAt, outcome }) => sentAt > openAt && outcome === "ok");
      return after.length >= 100;
    };
    while (!isBack() && performance.now() < openAt + 40_000) await sleep(20);
    const tookMs = Math.round(performance.now() - openAt);
    const met = history.filter(({ endedAt }) => endedAt > beganAt);
    const slowest = Math.round(Math.max(...met.map(({ sentAt, endedAt }) => endedAt - sentAt)));
    t.comment(`${name}: back after ${tookMs} ms, the slowest request took ${slowest} ms; ${countsOf(met)}`);
    t.ok(tookMs < RECOVERS_WITHIN_MS, `${name}: it recovers within ${RECOVERS_WITHIN_MS} ms`);
  }
  stopping.abort();
  await load;
  const read = await reads;
  t.ok(processes.every(isRunning), "no process ended");
  t.equal(
    countsOf(history.filter(({ status }) => ![200, 201, 409, 503].includes(status))),
    "",
    "nothing but 503 and 409",
  );
  t.same(
    [...read].filter(([name]) => name !== "200" && name !== "503"),
    [],
    "the same of reads",
  );
  t.equal(countsOf(history.filter(({ sentAt, endedAt }) => endedAt - sentAt > ENDS_WITHIN_MS)), "", "in time");
  await checkHistory(t, workspace, history);
  for (const one of processes) t.match(await one.stop(), { code: 0 }, one.program.output());
});

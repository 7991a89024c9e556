import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { cloneDatabase } from "../support/server.ts";
import { type Attempt, checkHistory, numbers, recordAll } from "./support/history.ts";
import { createWorkspace, startProcess } from "./support/processes.ts";

const COUNT = 5_000;
const KILLED_EVERY_MS = 1_000;

t.test("5,000 recordings with retries, at two API processes of which one after the other is killed", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const processes = await Promise.all([startProcess("api", database.url), startProcess("api", database.url)]);
  const history: Attempt[] = [];
  const urls = processes.map(({ url }) => url);
  const done = new AbortController();
  let kills = 0;
  const kill = async () => {
    while (!done.signal.aborted) {
      await sleep(KILLED_EVERY_MS);
      await processes[kills % 2]?.crash();
      kills += 1;
    }
  };
  const killing = kill();
  await recordAll({ ...workspace, urls, history }, { senders: 40, pauseMs: 250, next: numbers({ count: COUNT }) });
  done.abort();
  await killing;
  t.comment(`${kills} kills`);
  t.ok(kills >= 3, "killed again and again");
  t.ok(
    history.some(({ outcome }) => outcome === "unknown"),
    "in the middle of requests",
  );
  t.equal(new Set(history.filter(({ outcome }) => outcome === "ok").map(({ number }) => number)).size, COUNT);
  await checkHistory(t, workspace, history);
  for (const one of processes) t.match(await one.stop(), { code: 0 });
});

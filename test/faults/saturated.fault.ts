import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startProgram } from "../support/program.ts";
import { cloneDatabase } from "../support/server.ts";
import { type Attempt, attempt, checkHistory, countsOf } from "./support/history.ts";
import { createWorkspace, isRunning, startProcess } from "./support/processes.ts";

/** What it can take is what so many senders reach who each wait for their answer; ten times as many ask for ten times that. */
const SENDERS = 40;
const TIMES = 10;
const SECONDS = 30;
const LIVEZ_P99_MS = 100;
const ENDS_WITHIN_MS = 18_000;
const RECOVERS_WITHIN_MS = 5_000;
const LIVEZ_WATCH = fileURLToPath(new URL("./support/livezWatch.ts", import.meta.url));

t.test("ten times the load it can take", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const server = await startProcess("serve", database.url);
  const history: Attempt[] = [];
  const recorder = { ...workspace, urls: [server.url], history, timeoutMs: 60_000 };
  let number = 0;
  const record = async () => {
    number += 1;
    return attempt(recorder, number);
  };
  /** So many senders without a pause, for so long. @returns how many were recorded a second */
  const load = async (senders: number, seconds: number) => {
    const until = performance.now() + seconds * 1_000;
    const from = history.length;
    const work = async () => {
      while (performance.now() < until) {
        const { status } = await record();
        // Who is told to come again does so later, as the answer says.
        if (status !== 201) await sleep(100);
      }
    };
    await Promise.all(Array.from({ length: senders }, work));
    return history.slice(from).filter(({ outcome }) => outcome === "ok").length / seconds;
  };
  await load(SENDERS, 3);
  const usual = await load(SENDERS, 5);
  const from = history.length;
  const watch = startProgram([server.url, String(SECONDS)], { script: LIVEZ_WATCH });
  const reached = await load(SENDERS * TIMES, SECONDS);
  const endedAt = performance.now();
  await watch.exit;
  const livez: number[] = JSON.parse(watch.result());
  const p99 = livez.toSorted((a, b) => a - b)[Math.floor(livez.length * 0.99)] ?? Number.NaN;
  const during = history.slice(from);
  const slowest = Math.max(...during.map((one) => one.endedAt - one.sentAt));
  t.comment(`${Math.round(usual)}/s before, ${Math.round(reached)}/s under ten times as many; ${countsOf(during)}`);
  t.comment(
    `/livez, asked ${livez.length} times: p50 ${Math.round(livez[livez.length >> 1] ?? 0)} ms, p99 ${Math.round(p99)} ms, the slowest request ${Math.round(slowest)} ms`,
  );
  t.ok(p99 < LIVEZ_P99_MS, `/livez answers within ${LIVEZ_P99_MS} ms at the 99th percentile`);
  t.ok(slowest < ENDS_WITHIN_MS, "what was accepted is answered in time");
  t.equal(countsOf(during.filter(({ status }) => ![201, 503].includes(status))), "", "nothing but 201 and 503");
  let again: Attempt;
  do again = await record();
  while (again.outcome !== "ok" || again.endedAt - again.sentAt > 500);
  t.ok(again.endedAt - endedAt < RECOVERS_WITHIN_MS, "it is as before within 5 s");
  t.ok(isRunning(server));
  await checkHistory(t, workspace, history);
  t.match(await server.stop(), { code: 0 });
});

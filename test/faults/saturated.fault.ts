import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { freePort } from "../support/localPostgres.ts";
import { startProgram } from "../support/program.ts";
import { cloneDatabase } from "../support/server.ts";
import { type Attempt, attempt, checkHistory, countsOf } from "./support/history.ts";
import { send } from "./support/http.ts";
import { createWorkspace, isRunning, startProcess } from "./support/processes.ts";

/** So many senders who each wait for their answer keep it busy to the full: what they reach is what it can take. */
const SENDERS = 400;
/** As many are more than it takes at once, and those who are refused soon ask again. */
const TIMES = 10;
const SECONDS = 30;
const LIVEZ_P99_MS = 100;
/** Of what was accepted. One of the bounds that the server's own measure of it has. */
const ENDS_WITHIN_SECONDS = 5;
const RECOVERS_WITHIN_MS = 5_000;
/** All of the senders at once would be one storm of connections, and the load comes after it. */
const BEGIN_WITHIN_MS = 2_000;
const LIVEZ_WATCH = fileURLToPath(new URL("./support/livezWatch.ts", import.meta.url));

t.test("ten times the load it can take", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const metricsPort = await freePort();
  const server = await startProcess("serve", database.url, { METRICS_PORT: String(metricsPort) });
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
    const work = async (_: unknown, n: number) => {
      await sleep((BEGIN_WITHIN_MS * n) / senders);
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
  // Elsewhere the senders would be on other machines: here they take only what the server leaves.
  setPriority(19);
  const reached = await load(SENDERS * TIMES, SECONDS);
  const endedAt = performance.now();
  await watch.exit;
  const livez = (JSON.parse(watch.result()) as number[]).toSorted((a, b) => a - b);
  const p99 = livez[Math.floor(livez.length * 0.99)] ?? Number.NaN;
  const during = history.slice(from);
  t.comment(
    `${Math.round(usual)}/s before; of ten times as many ${Math.round(during.length / SECONDS)}/s asked, ${Math.round(reached)}/s were recorded; ${countsOf(during)}`,
  );
  t.comment(
    `/livez, asked ${livez.length} times: p50 ${Math.round(livez[livez.length >> 1] ?? 0)} ms, p99 ${Math.round(p99)} ms`,
  );
  t.ok(p99 < LIVEZ_P99_MS, `/livez answers within ${LIVEZ_P99_MS} ms at the 99th percentile`);
  const metrics = (await send(`http://127.0.0.1:${metricsPort}/metrics`)).text.split("\n");
  const accepted = (what: string) =>
    Number(
      metrics
        .find((line) => line.includes(what) && /"\/v1\/responses".*"2xx"/.test(line))
        ?.split(" ")
        .at(-1),
    );
  t.ok(accepted("seconds_count") > 0);
  const inTime = accepted(`_bucket{le="${ENDS_WITHIN_SECONDS}"`);
  t.equal(inTime, accepted("seconds_count"), `what was accepted is answered within ${ENDS_WITHIN_SECONDS} s`);
  t.equal(countsOf(during.filter(({ status }) => ![201, 503].includes(status))), "", "nothing but 201 and 503");
  let again: Attempt;
  do again = await record();
  while (again.outcome !== "ok" || again.endedAt - again.sentAt > 500);
  t.ok(again.endedAt - endedAt < RECOVERS_WITHIN_MS, "it is as before within 5 s");
  t.ok(isRunning(server));
  await checkHistory(t, workspace, history);
  t.match(await server.stop(), { code: 0 });
});

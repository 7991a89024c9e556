import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { freePort } from "../support/localPostgres.ts";
import { startProgram } from "../support/program.ts";
import { cloneDatabase, rowsOf } from "../support/server.ts";
import { codeOf, send } from "./support/http.ts";
import { createWorkspace, isRunning, startProcess } from "./support/processes.ts";

/** Of each batch: heavy enough to take, and light to send, that one sender offers ten times what is taken on the same machine. */
const ROWS = 50;
/** So many who wait for their answers keep it busy to the full: what they reach is what it can take. */
const SENDERS = 100;
const TIMES = 10;
const SECONDS = 30;
const LIVEZ_P99_MS = 100;
/** Of what was accepted, from its headers on. One of the bounds that the server's own measure of it has. */
const ENDS_WITHIN_SECONDS = 5;
const RECOVERS_WITHIN_MS = 5_000;
const TIMEOUT_MS = 60_000;
const LIVEZ_WATCH = fileURLToPath(new URL("./support/livezWatch.ts", import.meta.url));

/** What became of one batch. */
interface Sent {
  batch: number;
  /** Of HTTP; the socket's code where there was no answer. */
  status: number | string;
  ms: number;
}

t.test("ten times as many batches a second as it can take", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const metricsPort = await freePort();
  const server = await startProcess("serve", database.url, { METRICS_PORT: String(metricsPort) });
  const history: Sent[] = [];
  let batches = 0;
  const sendBatch = async (): Promise<Sent> => {
    batches += 1;
    const batch = batches;
    const responses = Array.from({ length: ROWS }, (_, n) => ({
      score: n % 11,
      source: "flood",
      externalId: `${batch}-${n}`,
    }));
    const sentAt = performance.now();
    const status = await send(`${server.url}/v1/responses/batch`, {
      headers: { authorization: `Bearer ${workspace.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ responses }),
      timeoutMs: TIMEOUT_MS,
    }).then((answer) => answer.status, codeOf);
    const one = { batch, status, ms: performance.now() - sentAt };
    history.push(one);
    return one;
  };
  const isTaken = ({ status }: Sent) => status === 200;
  /** Each sender waits for its answer. @returns how many batches were taken a second */
  const takes = async (seconds: number) => {
    const until = performance.now() + seconds * 1_000;
    const from = history.length;
    const work = async () => {
      while (performance.now() < until) await sendBatch();
    };
    await Promise.all(Array.from({ length: SENDERS }, work));
    return history.slice(from).filter(isTaken).length / seconds;
  };
  /** So many a second, whatever becomes of those before. */
  const offer = async (rate: number, seconds: number) => {
    const under: Promise<Sent>[] = [];
    const from = performance.now();
    for (let passed = 0; passed < seconds * 1_000; passed = performance.now() - from) {
      while (under.length < (passed * rate) / 1_000) under.push(sendBatch());
      await sleep(5);
    }
    return { rate: under.length / seconds, sent: Promise.all(under) };
  };

  await takes(3);
  const usual = await takes(5);
  const watch = startProgram([server.url, String(SECONDS)], { script: LIVEZ_WATCH });
  // Elsewhere the sender would be on another machine: here it takes what the server leaves, as far as it must not send less.
  setPriority(10);
  const offered = await offer(usual * TIMES, SECONDS);
  const endedAt = performance.now();
  for (let again = await sendBatch(); !isTaken(again) || again.ms > 1_000; again = await sendBatch()) await sleep(100);
  const recovered = performance.now() - endedAt;
  const during = await offered.sent;
  await watch.exit;
  const livez = (JSON.parse(watch.result()) as number[]).toSorted((a, b) => a - b);
  const p99 = livez[Math.floor(livez.length * 0.99)] ?? Number.NaN;
  const taken = during.filter(isTaken);
  const counts = [...Map.groupBy(during, ({ status }) => status)].map(([status, { length }]) => `${length} ${status}`);
  t.comment(
    `it takes ${usual} batches of ${ROWS} a second; ${Math.round(offered.rate)} were sent: ${counts.join(", ")}`,
  );
  t.comment(
    `/livez, asked ${livez.length} times, p99 ${Math.round(p99)} ms; again as before after ${Math.round(recovered)} ms`,
  );
  t.ok(offered.rate >= usual * TIMES * 0.99, "ten times as many were sent");
  t.ok(p99 < LIVEZ_P99_MS, `/livez answers within ${LIVEZ_P99_MS} ms at the 99th percentile`);
  t.ok(taken.length > 0);
  const metrics = (await send(`http://127.0.0.1:${metricsPort}/metrics`)).text.split("\n");
  const accepted = (what: string) => {
    const line = metrics.find((one) => one.includes(what) && /"\/v1\/responses\/batch".*"2xx"/.test(one));
    return Number(line?.split(" ").at(-1));
  };
  t.comment(["1", "2.5", "5"].map((le) => `${accepted(`_bucket{le="${le}"`)} within ${le} s`).join(", "));
  t.ok(accepted("seconds_count") >= taken.length);
  const inTime = accepted(`_bucket{le="${ENDS_WITHIN_SECONDS}"`);
  t.equal(inTime, accepted("seconds_count"), `what was accepted is answered within ${ENDS_WITHIN_SECONDS} s`);
  t.same(
    during.filter(({ status }) => status !== 200 && status !== 503),
    [],
    "nothing but 200 and 503",
  );
  t.ok(recovered < RECOVERS_WITHIN_MS, `it is as before within 5 s: ${Math.round(recovered)} ms`);
  t.ok(isRunning(server));

  const rows = await rowsOf<{ batch: number; count: number }>(
    workspace,
    "select split_part(external_id, '-', 1)::int as batch, count(*)::int as count from responses where source = 'flood' group by 1",
  );
  const stored = new Map(rows.map(({ batch, count }) => [batch, count]));
  t.same(
    history.filter((one) => isTaken(one) && stored.get(one.batch) !== ROWS),
    [],
    "nothing that was taken is lost",
  );
  t.same(
    rows.filter(({ count }) => count !== ROWS),
    [],
    "nothing is there by half",
  );
  t.match(await server.stop(), { code: 0 });
});

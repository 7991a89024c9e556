import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { startLocalPostgres, stopLocalPostgres } from "../support/localPostgres.ts";
import { type Attempt, checkHistory, countsOf, numbers, recordAll } from "./support/history.ts";
import { crashPostgres, postgresBinaries } from "./support/postgres.ts";
import { createWorkspace, isRunning, startProcess } from "./support/processes.ts";
import { readAll } from "./support/reads.ts";

const RESTARTS = 5;
const BETWEEN_MS = 4_000;
/** From PostgreSQL's return to the first answer that is recorded. */
const BACK_WITHIN_MS = 2_000;

for (const { version, bin } of await postgresBinaries()) {
  t.test(`PostgreSQL (${version}) restarted in immediate mode under load`, async (t) => {
    const postgres = await startLocalPostgres(bin);
    t.teardown(() => stopLocalPostgres(postgres));
    const workspace = await createWorkspace(postgres.url);
    const processes = await Promise.all([startProcess("serve", postgres.url), startProcess("worker", postgres.url)]);
    const [api] = processes;
    const history: Attempt[] = [];
    const stopping = new AbortController();
    const recorder = { ...workspace, urls: [api.url], history };
    const load = recordAll(recorder, { senders: 20, pauseMs: 50, next: numbers({ signal: stopping.signal }) });
    const reads = readAll({ ...workspace, url: api.url, readers: 3, pauseMs: 50, signal: stopping.signal });
    const back: number[] = [];
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await sleep(BETWEEN_MS);
      await crashPostgres(postgres);
      const returnedAt = performance.now();
      let first: Attempt | undefined;
      while (first === undefined && performance.now() < returnedAt + 20_000) {
        await sleep(20);
        first = history.find(({ outcome, endedAt }) => outcome === "ok" && endedAt > returnedAt);
      }
      back.push(Math.round((first?.endedAt ?? Number.NaN) - returnedAt));
    }
    await sleep(BETWEEN_MS);
    stopping.abort();
    await load;
    const read = await reads;
    t.ok(processes.every(isRunning), "no process ended");
    t.same(
      back.filter((ms) => !(ms <= BACK_WITHIN_MS)),
      [],
      `recorded ${back.join(", ")} ms after each return`,
    );
    const strange = history.filter(({ status }) => ![200, 201, 409, 503].includes(status));
    t.same(countsOf(strange), "", "nothing but 503 and 409 meanwhile");
    t.same(
      [...read].filter(([name]) => name !== "200" && name !== "503"),
      [],
      "the same of reads",
    );
    t.ok(history.some(({ status }) => status === 503) && (read.get("503") ?? 0) > 0, "it was away");
    await checkHistory(t, workspace, history);
    t.comment(`reads: ${[...read].map(([name, count]) => `${count} ${name}`).join(", ")}`);
    for (const one of processes) {
      t.match(await one.stop(), { code: 0 });
      t.notMatch(one.program.output(), /"level":"fatal"/);
    }
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { showProgress } from "../src/platform/progress.ts";
import { answerLines } from "./answers.ts";
import { copyRows } from "./copying.ts";
import type { Measurement } from "./measurement.ts";
import type { RunningProgram } from "./processes.ts";
import type { BenchDatabase, BenchService } from "./service.ts";

const POLL_MS = 250;
const IMPORTING_MB = 350;
const EXPORTING_MB = 250;

interface Import {
  id: string;
  status: string;
  received: number;
  created: number;
  existing: number;
  rejected: number;
}

/**
 * A file of so many answers, sent over a socket and recorded by a worker that is killed in the middle, against COPY
 * of the rows that it left, and exported again.
 * @throws where a row is missing or doubled
 */
export async function measureImports(service: BenchService, count: number): Promise<Measurement[]> {
  return service.inDatabases(["imports", "copied"], async ([imported, copied]) => {
    if (imported === undefined || copied === undefined) throw new Error("no databases");
    const apiKey = await imported.newWorkspace("imports");
    const importing = await importAll(imported, apiKey, count);
    await checkRows(imported, count);
    const exporting = await exportAll(imported, apiKey, count);
    const copying = await copyRows([imported.adminUrl, copied.adminUrl]);
    const answers = count.toLocaleString("en");
    process.stderr.write(
      `${answers} answers: taken in within ${seconds(importing.received)}, recorded within ${seconds(importing.recorded)} (killed at ${importing.killedAt.toLocaleString("en")}), ` +
        `${copying.rows.toLocaleString("en")} rows copied in ${seconds(copying.milliseconds)}, exported in ${seconds(exporting.milliseconds)}\n`,
    );
    const memory = (what: string, measured: number | undefined, baseline: number): Measurement[] =>
      measured === undefined
        ? []
        : [{ what: `the ${what}'s resident memory at its peak, in MB`, baseline, measured, ratioMax: 1 }];
    return [
      {
        what: `a file of ${answers} answers, taken in and recorded through a crash: against COPY of the rows it becomes`,
        baseline: copying.milliseconds,
        measured: importing.recorded,
        ratioMax: 1 / 0.15,
      },
      ...memory("receiving server", importing.apiPeak, IMPORTING_MB),
      ...memory("importing worker", importing.workerPeak, IMPORTING_MB),
      ...memory("exporting server", exporting.peak, EXPORTING_MB),
    ];
  });
}

/** Both times in milliseconds from the first byte. */
async function importAll(database: BenchDatabase, apiKey: string, count: number) {
  const api = await database.start("api");
  const workers = [await database.start("worker")];
  try {
    // Loading a program takes more for a moment than it ever holds afterwards.
    await Promise.all([api.forgetPeak(), workers[0]?.forgetPeak()]);
    const startedAt = performance.now();
    const { id } = await send(api, apiKey, count);
    const received = performance.now() - startedAt;
    const find = () => call<Import>(api, apiKey, `/v1/imports/${id}`);
    const { created: killedAt } = await waitFor(find, count, ({ created }) => created >= count / 2);
    const peaks = [await workers[0]?.peakMegabytes()];
    await workers[0]?.kill();
    const another = await database.start("worker");
    workers.push(another);
    await another.forgetPeak();
    const done = await waitFor(find, count, ({ status }) => status === "DONE");
    const recorded = performance.now() - startedAt;
    if (done.created !== count || done.existing + done.rejected > 0) throw new Error(JSON.stringify(done));
    await checkCount(api, apiKey, count);
    peaks.push(await another.peakMegabytes());
    const workerPeak = peaks.some((peak) => peak === undefined) ? undefined : Math.max(...peaks.map(Number));
    return { received, killedAt, recorded, apiPeak: await api.peakMegabytes(), workerPeak };
  } finally {
    await Promise.all([api, ...workers].map((program) => program.stop()));
  }
}

async function send(api: RunningProgram, apiKey: string, count: number): Promise<Import> {
  const lines = function* () {
    let some: string[] = [];
    for (const line of answerLines(count, new Date())) {
      some.push(line);
      if (some.length < 200) continue;
      yield Buffer.from(some.join(""));
      some = [];
    }
    yield Buffer.from(some.join(""));
  };
  return call(api, apiKey, "/v1/imports", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: ReadableStream.from(lines()),
    duplex: "half",
  });
}

async function call<T>(api: RunningProgram, apiKey: string, path: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${apiKey}`);
  const answer = await fetch(`${api.url}${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function waitFor(find: () => Promise<Import>, count: number, until: (found: Import) => boolean): Promise<Import> {
  for (;;) {
    const found = await find();
    if (found.status === "FAILED") throw new Error(JSON.stringify(found));
    showProgress("rows imported", found.created, count);
    if (until(found)) return found;
    await sleep(POLL_MS);
  }
}

/** Asks how many answers the scores count. */
async function checkCount(api: RunningProgram, apiKey: string, count: number): Promise<void> {
  const body = JSON.stringify({ query: "{ nps { answered } }" });
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const { data } = await call<{ data: { nps: { answered: number } } }>(api, apiKey, "/graphql", init);
  if (data.nps.answered !== count) throw new Error(`${data.nps.answered} answers are counted`);
}

/** Says what a crash could have lost or doubled. */
async function checkRows({ adminUrl }: BenchDatabase, count: number): Promise<void> {
  const wanted = new Map<string, number>();
  for (const line of answerLines(count, new Date())) {
    const score = /"score":(\d+)/.exec(line)?.[1] ?? "";
    wanted.set(score, (wanted.get(score) ?? 0) + 1);
  }
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const expectSame = async (what: string, sql: string, expected: number) => {
      const found = Number((await client.query<{ n: string }>(sql)).rows[0]?.n);
      if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`);
    };
    await expectSame("external ids", "select count(distinct external_id) as n from responses", count);
    for (const [score, n] of wanted) {
      await expectSame(`answers of ${score}`, `select count(*) as n from responses where score = ${score}`, n);
    }
    await expectSame("events", "select count(*) as n from events where type = 'response.recorded'", count);
    await expectSame("chunks left", "select count(*) as n from import_chunks", 0);
  } finally {
    await client.end();
  }
}

/** By a server of its own, whose memory nothing else has grown. */
async function exportAll(database: BenchDatabase, apiKey: string, count: number) {
  const api = await database.start("api");
  try {
    await api.forgetPeak();
    const startedAt = performance.now();
    const answer = await fetch(`${api.url}/v1/exports/responses`, { headers: { authorization: `Bearer ${apiKey}` } });
    let lines = 0;
    for await (const bytes of answer.body ?? []) {
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
    }
    if (lines !== count) throw new Error(`${lines} answers were exported`);
    return { milliseconds: performance.now() - startedAt, peak: await api.peakMegabytes() };
  } finally {
    await api.stop();
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

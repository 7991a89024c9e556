import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { cloneDatabase } from "../support/server.ts";
import { type Attempt, attempt, checkHistory, countsOf } from "./support/history.ts";
import { createWorkspace, startProcess } from "./support/processes.ts";
import { readAll } from "./support/reads.ts";

const SECONDS = Number(process.env["FAULTS_CONSTANT_SECONDS"] ?? 600);
const PER_SECOND = 50;
/** Of the time; what is held then is what the load needs. */
const WARM_UP = 0.3;
/** From the first half of the rest to the second: megabytes that a leak of any size that matters would pass in ten minutes. */
const GROWTH_MAX_MB = 40;
/** As in a container of half a gigabyte: where there are many, V8 lets garbage lie, and what is resident says nothing of a leak. */
const NODE_OPTIONS = "--max-old-space-size=256";

t.test(`${SECONDS} s of constant load`, async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const server = await startProcess("serve", database.url, { NODE_OPTIONS });
  const history: Attempt[] = [];
  const recorder = { ...workspace, urls: [server.url], history };
  const stopping = new AbortController();
  const reads = readAll({ ...workspace, url: server.url, readers: 2, pauseMs: 100, signal: stopping.signal });
  const resident: number[] = [];
  const recordings: Promise<unknown>[] = [];
  for (let second = 0; second < SECONDS; second += 1) {
    for (let n = 0; n < PER_SECOND; n += 1) {
      recordings.push(attempt(recorder, second * PER_SECOND + n));
      await sleep(1_000 / PER_SECOND);
    }
    const status = await readFile(`/proc/${server.program.child.pid}/status`, "utf8").catch(() => "");
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kibibytes !== undefined) resident.push((Number(kibibytes) * 1_024) / 1e6);
  }
  stopping.abort();
  await Promise.all(recordings);
  const read = await reads;
  t.equal(countsOf(history.filter(({ outcome }) => outcome !== "ok")), "", "no error");
  t.same([...read.keys()], ["200"], "nor of reads");
  const took = history.map(({ sentAt, endedAt }) => endedAt - sentAt).toSorted((a, b) => a - b);
  t.comment(
    `p50 ${Math.round(took[took.length >> 1] ?? 0)} ms, p99 ${Math.round(took[Math.floor(took.length * 0.99)] ?? 0)} ms`,
  );
  const warm = resident.slice(Math.floor(resident.length * WARM_UP));
  if (warm.length === 0) t.comment("skipped: this system does not tell how much memory a process holds");
  else {
    const half = warm.length >> 1;
    const [before, after] = [median(warm.slice(0, half)), median(warm.slice(half))];
    t.comment(`${Math.round(before)} MB, then ${Math.round(after)} MB`);
    t.ok(after - before < GROWTH_MAX_MB, "its memory is level");
  }
  await checkHistory(t, workspace, history);
  t.match(await server.stop(), { code: 0 });
  t.equal(server.program.output(), "", "nothing was worth a warning");
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

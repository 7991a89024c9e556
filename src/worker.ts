import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { buildRollups, findRollupsToBuild, foldRollups, lookForShifts } from "./aggregates/index.ts";
import { secondsSinceDue, sweep } from "./cases/index.ts";
import { findWaitingImports, secondsImportsWait, workImport } from "./imports/index.ts";
import { forgetKeptAnswers } from "./platform/idempotencyForgetting.ts";
import { listQueueStates } from "./platform/jobStore.ts";
import { type JobData, type Jobs, type Queue, startJobs } from "./platform/jobs.ts";
import type { Logger } from "./platform/logger.ts";
import { type Backlog, observeLoop } from "./platform/metrics.ts";
import { createTenancy, type Tenancy } from "./platform/tenancy.ts";
import { together } from "./platform/together.ts";
import { within } from "./platform/within.ts";
import { eraseCopies, findRunningErasures, keepRetention } from "./privacy/index.ts";
import { RECORDING } from "./recording.ts";
import { applyThemes } from "./themes/index.ts";
import {
  type DeliveringOptions,
  forgetEvents,
  relayEvents,
  secondsDeliveriesWait,
  secondsEventsWait,
  startDelivering,
} from "./webhooks/index.ts";
import { getAllWorkspaces } from "./workspaces/index.ts";

/**
 * What is looked for again and again, in every process: cheap where there is nothing, and safe to do in several at once,
 * because it takes what it does from rows under a lock.
 */
interface Loop {
  name: string;
  intervalMs: number;
  /** @returns how much was done */
  work: (tenancy: Tenancy, jobs: Jobs) => Promise<number>;
}

const LOOPS: readonly Loop[] = [
  // So soon at the latest something that is due is announced.
  { name: "sweep", intervalMs: 30_000, work: sweep },
  { name: "themes", intervalMs: 5_000, work: applyThemes },
  { name: "rollups", intervalMs: 5_000, work: foldRollups },
  { name: "find imports", intervalMs: 1_000, work: offering("imports", findWaitingImports) },
  { name: "find erasures", intervalMs: 1_000, work: offering("erasures", findRunningErasures) },
  { name: "find rollups", intervalMs: 5_000, work: offering("rollups", findRollupsToBuild) },
];

/** What is to be done is a row that a request has written; here it becomes a job. */
function offering(
  queue: string,
  find: (tenancy: Tenancy) => Promise<readonly { workspaceId: string; id?: string }[]>,
): Loop["work"] {
  return async (tenancy, jobs) => {
    const found = await find(tenancy);
    const wanted = found.map((one) => ({ key: one.id ?? one.workspaceId, data: { ...one } }));
    return jobs.offer(queue, wanted);
  };
}

/** What takes long, may fail and is then tried again, or is done at an hour of the day: once, by one of all processes. */
function queuesOf(tenancy: Tenancy, logger: Logger): Queue[] {
  return [
    {
      name: "imports",
      limitSeconds: 300,
      isShared: true,
      work: async (data, signal) => {
        const one = { workspaceId: idOf(data, "workspaceId"), id: idOf(data, "id") };
        return (await workImport(tenancy, RECORDING, one, { signal, logger })) ? "MORE" : "DONE";
      },
    },
    {
      name: "rollups",
      // Of millions of answers; a little longer than its longest statement may take.
      limitSeconds: 2_400,
      work: async (data) => {
        await buildRollups(tenancy, { workspaceId: idOf(data, "workspaceId") });
        return "DONE";
      },
    },
    {
      name: "erasures",
      limitSeconds: HOUR_SECONDS,
      isShared: true,
      work: (data) => doneAfter(eraseCopies(tenancy, { workspaceId: idOf(data, "workspaceId"), id: idOf(data, "id") })),
    },
    // By night in Europe; each workspace keeps things as long as it says.
    {
      name: "retention",
      limitSeconds: 6 * HOUR_SECONDS,
      cron: "17 2 * * *",
      work: () => doneAfter(keepRetention(tenancy)),
    },
    // Each workspace once on each of its days, which begin at any hour.
    { name: "shifts", limitSeconds: HOUR_SECONDS, cron: "7 * * * *", work: () => doneAfter(lookForShifts(tenancy)) },
    {
      name: "forget-events",
      limitSeconds: HOUR_SECONDS,
      cron: "37 * * * *",
      work: () => doneAfter(forgetEvents(tenancy)),
    },
    {
      name: "forget-answers",
      limitSeconds: HOUR_SECONDS,
      cron: "47 * * * *",
      work: () => doneAfter(forgetAnswers(tenancy)),
    },
  ];
}

const HOUR_SECONDS = 3_600;

async function forgetAnswers(tenancy: Tenancy): Promise<number> {
  const workspaces = await getAllWorkspaces(tenancy);
  return forgetKeptAnswers(
    tenancy,
    workspaces.map(({ id }) => id),
  );
}

async function doneAfter(work: Promise<unknown>): Promise<"DONE"> {
  await work;
  return "DONE";
}

function idOf(data: JobData, name: string): string {
  const id = data[name];
  if (id === undefined) throw new Error(`the job has no ${name}`);
  return id;
}

/** For rounds to end in, of the 10 s that a process has. */
const ROUND_END_MS = 6_000;

export interface Worker {
  /** Ends after what is under way, if that is soon. */
  stop(): Promise<void>;
}

/** So long an event waits at the most until it is seen, when nothing else is going on. */
const RELAY_IDLE_MS = 100;
/** After a failure, so that a database that is away is not asked ten times a second. */
const RELAY_PAUSE_MS = 1_000;

/**
 * Does what no request does, until it is stopped. Any number of processes may work on one database.
 * @param sending how webhooks are sent
 */
export async function startWorker(
  pool: Pool,
  logger: Logger,
  sending: Omit<DeliveringOptions, "tenancy" | "logger">,
): Promise<Worker> {
  const tenancy = createTenancy(pool);
  const stopping = new AbortController();
  const jobs = await startJobs(pool, logger, queuesOf(tenancy, logger));
  const loops = LOOPS.map(({ name, intervalMs, work }) =>
    repeat(intervalMs, stopping.signal, async () => {
      const startedAt = performance.now();
      try {
        const done = await observeLoop(name, () => work(tenancy, jobs));
        if (done > 0)
          logger.info({ loop: name, done, duration_ms: Math.round(performance.now() - startedAt) }, "worked");
      } catch (error) {
        // The database may be away; what is to be done then is done when it is back.
        logger.error({ err: error, loop: name }, "loop failed");
      }
    }),
  );
  const delivering = startDelivering({ tenancy, logger, ...sending });
  const relay = keepRelaying(tenancy, logger, { onRelayed: () => delivering.wake(), signal: stopping.signal });
  return {
    stop: async () => {
      stopping.abort();
      // A round may be long; what it has not done is found again by whoever looks next.
      const ended = Promise.all([...loops, relay]);
      await Promise.all([within(ROUND_END_MS, ended).catch(() => undefined), jobs.stop(), delivering.stop()]);
    },
  };
}

/** Runs the work at once, and again so long after each time it began. */
async function repeat(intervalMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    const next = performance.now() + intervalMs;
    await work();
    await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => undefined);
  }
}

/** Gives events their places and deliveries: at once while there are any. */
async function keepRelaying(
  tenancy: Tenancy,
  logger: Logger,
  { onRelayed, signal }: { onRelayed: () => void; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const pause = await observeLoop("relay", () => relayEvents(tenancy)).then(
      (count) => (count > 0 ? 0 : RELAY_IDLE_MS),
      (error: unknown) => {
        logger.error({ err: error, loop: "relay" }, "loop failed");
        return RELAY_PAUSE_MS;
      },
    );
    if (pause === 0) onRelayed();
    else await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** How long what is to be done waits, of all workspaces: a few steps in an index each, however much it is. */
export async function readBacklog(pool: Pool): Promise<Backlog> {
  const ages = await createTenancy(pool).acrossWorkspaces("find what is due", (tx) =>
    together([secondsEventsWait(tx), secondsDeliveriesWait(tx), secondsImportsWait(tx), secondsSinceDue(tx)]),
  );
  const [events, deliveries, imports, clocks] = ages;
  const jobs = await listQueueStates(pool);
  return {
    oldestSeconds: {
      events,
      deliveries,
      imports,
      clocks,
      ...Object.fromEntries(jobs.map(({ job, oldestSeconds }) => [`job:${job}`, oldestSeconds])),
    },
    deadJobs: Object.fromEntries(jobs.map(({ job, dead }) => [job, dead])),
  };
}

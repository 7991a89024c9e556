import { setTimeout as sleep } from "node:timers/promises";
import { maintainRollups } from "./aggregates/index.ts";
import { RECORDING } from "./app.ts";
import { sweep } from "./cases/index.ts";
import { workImports } from "./imports/index.ts";
import type { Logger } from "./platform/logger.ts";
import type { Tenancy } from "./platform/tenancy.ts";
import { applyThemes } from "./themes/index.ts";

/** What is done again and again; each tells how much it has done. */
interface Job {
  name: string;
  intervalMs: number;
  work: (tenancy: Tenancy, logger: Logger) => Promise<number>;
}

const JOBS: readonly Job[] = [
  // So soon at the latest something that is due is announced.
  { name: "sweep", intervalMs: 30_000, work: sweep },
  { name: "themes", intervalMs: 5_000, work: applyThemes },
  // A run that has work ends after a second, and the next begins at once.
  { name: "imports", intervalMs: 1_000, work: (tenancy, logger) => workImports(tenancy, RECORDING, logger) },
  { name: "rollups", intervalMs: 5_000, work: maintainRollups },
];

export interface Worker {
  /** Ends after what is under way. */
  stop(): Promise<void>;
}

/** Does what no request does, until it is stopped. Any number of processes may work on one database. */
export function startWorker(tenancy: Tenancy, logger: Logger): Worker {
  const stopping = new AbortController();
  const jobs = JOBS.map(({ name, intervalMs, work }) =>
    repeat(intervalMs, stopping.signal, async () => {
      const startedAt = performance.now();
      try {
        const done = await work(tenancy, logger);
        if (done > 0)
          logger.info({ job: name, done, duration_ms: Math.round(performance.now() - startedAt) }, "worked");
      } catch (error) {
        // The database may be away; what is to be done then is done when it is back.
        logger.error({ err: error, job: name }, "job failed");
      }
    }),
  );
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(jobs);
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

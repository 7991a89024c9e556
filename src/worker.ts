import { setTimeout as sleep } from "node:timers/promises";
import { sweep } from "./cases/index.ts";
import type { Logger } from "./platform/logger.ts";
import type { Tenancy } from "./platform/tenancy.ts";

/** So soon at the latest something that is due is announced. */
const SWEEP_INTERVAL_MS = 30_000;

export interface Worker {
  /** Ends after what is under way. */
  stop(): Promise<void>;
}

/** Does what no request does, until it is stopped. Any number of processes may work on one database. */
export function startWorker(tenancy: Tenancy, logger: Logger): Worker {
  const stopping = new AbortController();
  const sweeping = repeat(SWEEP_INTERVAL_MS, stopping.signal, async () => {
    const startedAt = performance.now();
    try {
      const announced = await sweep(tenancy);
      if (announced > 0) {
        logger.info({ cases: announced, duration_ms: Math.round(performance.now() - startedAt) }, "swept");
      }
    } catch (error) {
      // The database may be away; what is due then is announced when it is back.
      logger.error({ err: error }, "sweep failed");
    }
  });
  return {
    stop: async () => {
      stopping.abort();
      await sweeping;
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

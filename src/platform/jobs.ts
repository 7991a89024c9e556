import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { JobWithMetadata, PgBoss } from "pg-boss";
import { createBoss, DEAD_LETTERS, listHeldKeys, listQueueStates } from "./jobStore.ts";
import { type Logger, serializers } from "./logger.ts";
import { traced, traceFields } from "./tracing.ts";

/** What a job is about: ids, and nothing that anybody wrote. */
export type JobData = Readonly<Record<string, string>>;

/** A kind of job, and how it is done. Of each kind a process does one at a time: more it does not take. */
export interface Queue {
  name: string;
  /** A job that takes longer has failed. */
  limitSeconds: number;
  /** Whether several workers may do the same at once. */
  isShared?: boolean;
  /** Minute, hour, day, month and weekday, in UTC, at which it is to be done without being asked for. */
  cron?: string;
  /**
   * Does what it can in a moment, or until the signal. Whoever throws is called again later, MORE after the others that wait.
   * It may be called again with what it has done already: after a crash.
   */
  work(data: JobData, signal: AbortSignal): Promise<"DONE" | "MORE">;
}

export interface JobOptions {
  /** After so long without a sign of life a job is taken from its worker. At least 10. */
  heartbeatSeconds: number;
  /** How often jobs of dead workers and those that take too long are looked for, by one of all workers. */
  superviseSeconds: number;
  /** How often a worker that nobody woke looks for a job. */
  pollSeconds: number;
  /** How often it is looked at what is to be done at this minute. At most 45. */
  cronSeconds: number;
  /** How often a job is tried again before it has failed for good. */
  retryLimit: number;
  /** What takes longer after the signal to stop is handed back. */
  drainSeconds: number;
  /** Before it is tried again for the first time; each time after twice as long, and 5 minutes at the most. */
  retrySeconds: number;
}

/**
 * What a dead worker had is begun by another within a minute. What fails is tried again for about a quarter of an hour,
 * then somebody has to look at it.
 */
const OPTIONS: JobOptions = {
  heartbeatSeconds: 30,
  superviseSeconds: 15,
  pollSeconds: 5,
  cronSeconds: 45,
  drainSeconds: 8,
  retryLimit: 8,
  retrySeconds: 5,
};

const RETRY_SECONDS_MAX = 300;
const DONE_KEPT_SECONDS = 3_600;
const KEPT_SECONDS = 90 * 86_400;
/** How often it is looked whether jobs wait too long. */
const WATCH_MS = 60_000;
const LATE_SECONDS = 300;
const RARELY_SECONDS = 3_600;

export interface Jobs {
  /**
   * Sends a job for each key that has none waiting, and none that failed for good.
   * @returns how many
   */
  offer(name: string, wanted: readonly { key: string; data: JobData }[]): Promise<number>;
  /** Ends what is under way, and hands back what does not end. */
  stop(): Promise<void>;
}

/** Works off the jobs of these queues, in any number of processes, until it is stopped. */
export async function startJobs(
  pool: Pool,
  logger: Logger,
  queues: readonly Queue[],
  {
    heartbeatSeconds,
    superviseSeconds,
    pollSeconds,
    cronSeconds,
    drainSeconds,
    retryLimit,
    retrySeconds,
  }: JobOptions = OPTIONS,
): Promise<Jobs> {
  const boss = createBoss(pool, {
    supervise: true,
    schedule: queues.some(({ cron }) => cron !== undefined),
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    maintenanceIntervalSeconds: RARELY_SECONDS,
    cronMonitorIntervalSeconds: cronSeconds,
    cronWorkerIntervalSeconds: cronSeconds,
    // Jobs that wait for others, and indexes that are built in the background: we have none.
    flowIntervalSeconds: RARELY_SECONDS,
    bamIntervalSeconds: RARELY_SECONDS,
    monitorVacuum: false,
  });
  boss.on("error", (error) => logger.warn({ err: asError(error) }, "jobs cannot be looked after"));
  const stopping = new AbortController();
  const workers = new Map<string, string>();
  const begin = async () => {
    await boss.start();
    const limits = { retentionSeconds: KEPT_SECONDS, deleteAfterSeconds: DONE_KEPT_SECONDS };
    const retries = { retryLimit, retryDelay: retrySeconds, retryBackoff: true, retryDelayMax: RETRY_SECONDS_MAX };
    await boss.createQueue(DEAD_LETTERS, limits);
    for (const queue of queues) {
      const { name, limitSeconds, cron } = queue;
      const options = {
        ...retries,
        ...limits,
        heartbeatSeconds,
        expireInSeconds: limitSeconds,
        deadLetter: DEAD_LETTERS,
      };
      // Of the same key one waits at the most.
      await boss.createQueue(name, { ...options, policy: "short" });
      await boss.updateQueue(name, options);
      if (cron !== undefined) await boss.schedule(name, cron, {}, { missed: "once" });
      const again = async (job: JobWithMetadata<JobData>) => {
        await boss.send(name, job.data, job.singletonKey === null ? {} : { singletonKey: job.singletonKey });
      };
      const work = async ([job]: JobWithMetadata<JobData>[]) => {
        if (job === undefined) return;
        // What waits behind it is fetched at once.
        boss.notifyWorker(workers.get(name) ?? "");
        const attributes = { "afterscore.job.id": job.id, "afterscore.job.retries": job.retryCount };
        await traced({ name: `job ${name}`, kind: "CONSUMER", attributes }, () =>
          perform(queue, job, { logger, stopping: stopping.signal, again }),
        );
      };
      const polling = { pollingIntervalSeconds: pollSeconds, includeMetadata: true } as const;
      workers.set(name, await boss.work(name, polling, work));
    }
  };
  try {
    await begin();
  } catch (error) {
    // What it has begun would keep a process alive that neither works nor ends.
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw error;
  }
  const watch = setInterval(() => void warnOfLate(pool, logger), WATCH_MS);
  return {
    offer: async (name, wanted) => {
      if (wanted.length === 0) return 0;
      const isShared = queues.some((queue) => queue.name === name && queue.isShared === true);
      const held = await listHeldKeys(pool, name, isShared);
      const missing = wanted.filter(({ key }) => !held.has(key));
      if (missing.length === 0) return 0;
      const jobs = missing.map(({ key, data }) => ({ data, singletonKey: key }));
      const sent = await boss.insert(name, jobs, { returnId: true });
      boss.notifyWorker(workers.get(name) ?? "");
      return sent?.length ?? 0;
    },
    stop: async () => {
      clearInterval(watch);
      stopping.abort();
      await Promise.race([endWork(boss, queues), sleep(drainSeconds * 1_000, undefined, { ref: false })]);
      await boss.stop({ graceful: false });
    },
  };
}

async function endWork(boss: PgBoss, queues: readonly Queue[]): Promise<void> {
  await Promise.all(queues.map(({ name }) => boss.offWork(name, { wait: true })));
}

interface Performing {
  logger: Logger;
  stopping: AbortSignal;
  again: (job: JobWithMetadata<JobData>) => Promise<void>;
}

async function perform(queue: Queue, job: JobWithMetadata<JobData>, { logger, stopping, again }: Performing) {
  const about = { job: queue.name, job_id: job.id, ...job.data, ...traceFields() };
  const startedAt = performance.now();
  try {
    const outcome = await queue.work(job.data, AbortSignal.any([stopping, job.signal]));
    if (outcome === "MORE") await again(job);
    logger.info({ ...about, duration_ms: Math.round(performance.now() - startedAt) }, "job done");
  } catch (error) {
    if (job.retryCount < job.retryLimit) logger.warn({ ...about, err: error }, "job failed, and is tried again");
    else logger.error({ ...about, err: error }, "job failed for good: see `node src/main.ts jobs list`");
    throw new JobFailure(error);
  }
}

/** What is kept of a failure: as the log has it, without what a row or a parameter says. */
class JobFailure extends Error {
  readonly code: unknown;

  constructor(error: unknown) {
    const { type, message, code } = serializers.err(error);
    super(typeof message === "string" ? message : "the database refused it");
    this.name = String(type);
    this.code = code;
    this.stack = "";
  }
}

/** pg-boss tells failures as plain objects. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { message } = error as { message?: unknown };
  return new Error(String(message));
}

async function warnOfLate(pool: Pool, logger: Logger): Promise<void> {
  const states = await listQueueStates(pool).catch(() => []);
  for (const state of states) if (state.oldestSeconds > LATE_SECONDS) logger.warn(state, "jobs wait too long");
}

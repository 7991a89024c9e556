import type { FastifyReply, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { within } from "./within.ts";

/**
 * What is measured of the process, in the words of Prometheus: `docs/operations.md` explains each. Nothing is counted by
 * workspace, key or path: what callers choose must not make series.
 */
export const registry = new Registry();
const registers = [registry];

const requestSeconds = new Histogram({
  name: "afterscore_http_request_seconds",
  help: "From the request's headers to the end of its answer",
  labelNames: ["route", "method", "status"] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  registers,
});

const shedRequests = new Counter({
  name: "afterscore_http_shed_total",
  help: "Requests refused with 503 because there was too much to do",
  labelNames: ["reason"] as const,
  registers,
});

const batchSeconds = new Histogram({
  name: "afterscore_recording_batch_seconds",
  help: "A transaction that records answers, waiting for a connection included",
  labelNames: ["outcome"] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers,
});

const batchSize = new Histogram({
  name: "afterscore_recording_batch_answers",
  help: "Answers in such a transaction",
  buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
  registers,
});

const deliverySeconds = new Histogram({
  name: "afterscore_delivery_seconds",
  help: "An attempt to deliver a webhook, by what became of its delivery",
  labelNames: ["outcome"] as const,
  buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
  registers,
});

const loopSeconds = new Histogram({
  name: "afterscore_loop_seconds",
  help: "A round of what is looked for again and again",
  labelNames: ["loop", "outcome"] as const,
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
  registers,
});

const loopDone = new Counter({
  name: "afterscore_loop_done_total",
  help: "What such rounds have done: cases announced, answers tagged, jobs offered",
  labelNames: ["loop"] as const,
  registers,
});

/** A request that has been answered, by the route's template and the class of the status. */
export function observeRequest(request: FastifyRequest, reply: FastifyReply): void {
  const status = `${Math.floor(reply.statusCode / 100)}xx`;
  const route = request.routeOptions.url ?? "none";
  requestSeconds.observe({ route, method: request.method, status }, reply.elapsedTime / 1_000);
}

export function observeShed(reason: string): void {
  shedRequests.inc({ reason });
}

/** Runs a transaction that records so many answers. */
export async function observeBatch<T>(size: number, work: () => Promise<T>): Promise<T> {
  batchSize.observe(size);
  return timed((outcome, seconds) => batchSeconds.observe({ outcome }, seconds), work);
}

/** @param outcome what became of the delivery: `DELIVERED`, `PENDING` or `FAILED` */
export function observeDelivery(outcome: string, milliseconds: number): void {
  deliverySeconds.observe({ outcome }, milliseconds / 1_000);
}

/** Runs a round of a loop, which returns how much it has done. */
export async function observeLoop(loop: string, work: () => Promise<number>): Promise<number> {
  const done = await timed((outcome, seconds) => loopSeconds.observe({ loop, outcome }, seconds), work);
  loopDone.inc({ loop }, done);
  return done;
}

async function timed<T>(observe: (outcome: "ok" | "failed", seconds: number) => void, work: () => Promise<T>) {
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  try {
    const result = await work();
    observe("ok", seconds());
    return result;
  } catch (error) {
    observe("failed", seconds());
    throw error;
  }
}

/** How full the pool is, as of each scrape. */
export function measurePool(pool: Pool): void {
  const name = "afterscore_pool_connections";
  registry.removeSingleMetric(name);
  const help = "Connections to PostgreSQL that are open, of them idle, and transactions that wait for one";
  const gauge: Gauge<"state"> = new Gauge({ name, help, labelNames: ["state"], registers, collect });
  function collect(): void {
    gauge.set({ state: "total" }, pool.totalCount);
    gauge.set({ state: "idle" }, pool.idleCount);
    gauge.set({ state: "waiting" }, pool.waitingCount);
  }
}

/** How long what waits longest has waited, in seconds by queue, and jobs that failed for good. */
export interface Backlog {
  oldestSeconds: Record<string, number>;
  deadJobs: Record<string, number>;
}

/** Scrapers that ask more often get the same answer: the queues are asked so often at the most. */
const BACKLOG_KEPT_MS = 5_000;
/** A scrape must end also while the database is away. */
const BACKLOG_TIMEOUT_MS = 2_000;

/** How much is left to do, as the database tells it. While it does not, there are no ages, and `readable` is 0. */
export function measureBacklog(read: () => Promise<Backlog>): void {
  let filled = Promise.resolve();
  let askedAt = Number.NEGATIVE_INFINITY;
  // Each of the three asks for it, whichever is written first.
  const collect = () => {
    if (performance.now() - askedAt > BACKLOG_KEPT_MS) {
      askedAt = performance.now();
      filled = within(BACKLOG_TIMEOUT_MS, read()).then(fill, () => fill(undefined));
    }
    return filled;
  };
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) => {
    registry.removeSingleMetric(name);
    return new Gauge({ name, help, labelNames, registers, collect });
  };
  const readable = gauge("afterscore_queues_readable", "Whether the database tells how much is left to do");
  const ages = gauge("afterscore_queue_oldest_seconds", "Age of what waits longest", "queue");
  const dead = gauge("afterscore_jobs_dead", "Jobs that failed for good", "job");
  function fill(backlog: Backlog | undefined): void {
    ages.reset();
    dead.reset();
    for (const [queue, seconds] of Object.entries(backlog?.oldestSeconds ?? {})) ages.set({ queue }, seconds);
    for (const [job, count] of Object.entries(backlog?.deadJobs ?? {})) dead.set({ job }, count);
    readable.set(backlog === undefined ? 0 : 1);
  }
}

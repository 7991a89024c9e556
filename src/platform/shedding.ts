import type { RequestListener, ServerResponse } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { AppError } from "./errors.ts";
import type { Server } from "./http.ts";
import { newId } from "./ids.ts";
import { observeShed } from "./metrics.ts";
import { createPace } from "./pace.ts";
import { PROBLEM_CONTENT_TYPE, toProblem } from "./problem.ts";

/** What a process takes at once; beyond it a request is refused, and not begun and left to wait. */
export interface Capacity {
  /** Requests that have come in and are not answered yet: so many wait some tenths of a second, and are small in memory. */
  underWay: number;
  /** The same while the event loop is late, when each further one makes all of them later. */
  underWayWhileLate: number;
  /** Transactions that wait for a connection. */
  waiting: number;
  /** Bodies of the requests under way, in bytes; in memory each is several times as large. */
  bodyBytes: number;
  /** How long those whose bodies are there may take to be answered, at the pace of late: in milliseconds. */
  worthMs: number;
  /** How late the event loop is on average before that counts, in milliseconds. */
  lateMs: number;
}

const CAPACITY: Capacity = {
  underWay: 1_000,
  underWayWhileLate: 250,
  waiting: 500,
  bodyBytes: 64 * 1024 * 1024,
  worthMs: 500,
  lateMs: 50,
};

/** Over so long the event loop's delay is averaged. */
const SAMPLE_MS = 200;
const RESOLUTION_MS = 10;
/** So long there must be this much in hand before the pace counts: a burst that is over sooner is taken as it comes. */
const PACE_MS = 600;
const PACE_FROM = 50;
/** Whoever watches the process must be answered above all when there is too much to do. */
const NEVER_SHED = new Set(["/livez", "/readyz"]);
/**
 * So many are told of their refusal in a turn of the event loop. Those who were refused together come again together, and
 * to answer thousands in one turn keeps everybody else waiting for tenths of a second; to read them does not.
 */
const REFUSED_IN_TURN = 32;
/** So many refusals wait for their turn; beyond them it is the memory that counts. */
const REFUSALS_WAITING_MAX = 1_000;
const LOG_INTERVAL_MS = 1_000;

/** One for all: to make an error takes longer than to refuse a request. */
const TOO_MUCH = new AppError("unavailable", "There is too much to do at once. Try again.");

/**
 * Refuses with 503 `unavailable` what is more than the process can do in time: before anything is known of a request and
 * without any of what is done with the others, because with ten times too many the refusals themselves are the work. From
 * where its caller is known and its body is to be read a request counts as under way.
 */
export function registerShedding(app: Server, pool: Pool, capacity: Capacity = CAPACITY): void {
  let underWay = 0;
  /** Those of them whose body is there: how long the others take is their callers' affair. */
  let inHand = 0;
  let bodyBytes = 0;
  let isLate = false;
  let isStopping = false;
  let refused = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;

  const pace = createPace(PACE_MS, PACE_FROM);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const sampling = setInterval(() => {
    // What is measured is the time between two looks.
    isLate = delay.mean / 1e6 - RESOLUTION_MS > capacity.lateMs;
    delay.reset();
    pace.look(performance.now(), inHand);
  }, SAMPLE_MS).unref();
  app.addHook("preClose", async () => {
    isStopping = true;
  });
  app.addHook("onClose", async () => {
    clearInterval(sampling);
    delay.disable();
  });

  const reasonToRefuse = (): string | undefined => {
    if (underWay >= capacity.underWay) return "requests";
    if (inHand >= pace.takesIn(capacity.worthMs)) return "pace";
    if (isLate && underWay >= capacity.underWayWhileLate) return "event loop";
    return bodyBytes >= capacity.bodyBytes ? "bodies" : undefined;
  };
  const count = (reason: string) => {
    observeShed(reason);
    refused += 1;
    if (performance.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = performance.now();
    app.log.warn({ reason, refused, under_way: underWay }, "too much to do: requests are refused");
    refused = 0;
  };

  const refusals: [path: string, response: ServerResponse][] = [];
  const refuseSome = () => {
    for (const [path, response] of refusals.splice(0, REFUSED_IN_TURN)) refuse(path, response, isStopping);
    if (refusals.length > 0) setImmediate(refuseSome);
  };
  const [handle] = app.server.listeners("request") as RequestListener[];
  if (handle === undefined) throw new Error("the server handles no requests");
  app.server.removeListener("request", handle);
  app.server.on("request", (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "/";
    const reason = NEVER_SHED.has(path)
      ? undefined
      : (reasonToRefuse() ?? (pool.waitingCount >= capacity.waiting ? "pool" : undefined));
    if (reason === undefined) return handle(request, response);
    count(reason);
    if (refusals.length >= REFUSALS_WAITING_MAX) return refuse(path, response, isStopping);
    refusals.push([path, response]);
    if (refusals.length === 1) setImmediate(refuseSome);
  });

  app.addHook("preParsing", async (request, reply, payload) => {
    if (NEVER_SHED.has(request.routeOptions.url ?? "")) return payload;
    // Many may have come in while their callers were looked up.
    const reason = reasonToRefuse();
    if (reason !== undefined) {
      count(reason);
      void reply.hijack();
      refuse(request.url.split("?", 1)[0] ?? "/", reply.raw, isStopping);
      return payload;
    }
    const bytes = bytesOf(request);
    underWay += 1;
    bodyBytes += bytes;
    let isInHand = false;
    const takeInHand = () => {
      isInHand = true;
      inHand += 1;
    };
    if (request.raw.complete) takeInHand();
    else request.raw.once("end", takeInHand);
    // It closes where it is answered, and where its caller has gone.
    reply.raw.once("close", () => {
      request.raw.off("end", takeInHand);
      underWay -= 1;
      bodyBytes -= bytes;
      if (!isInHand) return;
      inHand -= 1;
      pace.ended();
    });
    return payload;
  });
}

function refuse(path: string, response: ServerResponse, isLast: boolean): void {
  response.writeHead(503, {
    "content-type": PROBLEM_CONTENT_TYPE,
    "retry-after": "1",
    ...(isLast ? { connection: "close" } : {}),
  });
  response.end(JSON.stringify(toProblem(TOO_MUCH, { path, id: newId() })));
}

/** The most that is kept of a request's body. */
function bytesOf({ headers, routeOptions }: FastifyRequest): number {
  if (headers["transfer-encoding"] !== undefined) return routeOptions.bodyLimit;
  return Math.min(Number(headers["content-length"] ?? 0), routeOptions.bodyLimit);
}

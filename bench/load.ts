// Sends answers as fast as they are taken, or at a rate, from a process of its own: told on the command line in JSON.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import autocannon from "autocannon";
import { answerBodies } from "./answers.ts";

/** What to send, where and how fast. */
export interface Load {
  url: string;
  /** Each request is sent by the next of these. */
  apiKeys: string[];
  connections: number;
  seconds: number;
  /** The same for so long before, uncounted. */
  warmUpSeconds: number;
  /** Requests a second, evenly, whatever becomes of those before; as fast as they are answered without. */
  rate?: number;
  seed: number;
  /** Answers are sent as deliveries to this source, each with an id of its own; without, to `POST /v1/responses`. */
  source?: { id: string; token: string };
}

/** What came of it. */
export interface LoadResult {
  requestsPerSecond: number;
  /** In milliseconds, by when each request was due. */
  p50: number;
  p99: number;
  failures: number;
}

const asked: Load = JSON.parse(process.argv[2] ?? "{}");
const bodies = answerBodies(asked.seed);
let n = 0;
const result = await (asked.rate === undefined ? sendFast(asked) : sendEvenly(asked, asked.rate));
process.stdout.write(`${JSON.stringify(result)}\n`);

/** The next answer, with where it goes and its headers. */
function next({ apiKeys, source }: Load) {
  n += 1;
  const body = bodies[n % bodies.length] ?? "";
  const type = { "content-type": "application/json" };
  if (source === undefined) {
    const authorization = `Bearer ${apiKeys[n % apiKeys.length]}`;
    return { path: "/v1/responses", headers: { authorization, ...type }, body };
  }
  const externalId = `${process.pid}-${Date.now()}-${n}`;
  return {
    path: `/v1/intake/${source.id}`,
    headers: { "x-webhook-token": source.token, ...type },
    body: `{"externalId":"${externalId}",${body.slice(1)}`,
  };
}

async function sendFast(load: Load): Promise<LoadResult> {
  const sendFor = async (duration: number) =>
    autocannon({
      url: load.url,
      connections: load.connections,
      duration,
      requests: [{ method: "POST", setupRequest: (one) => ({ ...one, ...next(load) }) }],
    });
  await sendFor(load.warmUpSeconds);
  const { requests, latency, non2xx, errors, timeouts } = await sendFor(load.seconds);
  return {
    requestsPerSecond: (requests.total - non2xx) / load.seconds,
    p50: latency.p50,
    p99: latency.p99,
    failures: non2xx + errors + timeouts,
  };
}

/** The library's own rate sends those of a second all at once. */
async function sendEvenly(load: Load, rate: number): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const sendOne = async (dueAt: number) => {
    const { path, headers, body } = next(load);
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const sent = request(`${load.url}${path}`, { agent, method: "POST", headers }, (answer) =>
      answer.resume().once("end", () => resolve(answer.statusCode)),
    );
    sent.once("error", reject).end(body);
    const status = await promise.catch(() => undefined);
    return { dueAt, ms: performance.now() - dueAt, isGood: status !== undefined && status < 300 };
  };
  const from = performance.now();
  const under: ReturnType<typeof sendOne>[] = [];
  while (under.length < rate * (load.warmUpSeconds + load.seconds)) {
    const dueAt = from + (under.length * 1_000) / rate;
    if (dueAt > performance.now()) await sleep(dueAt - performance.now());
    under.push(sendOne(dueAt));
  }
  const counted = (await Promise.all(under)).filter(({ dueAt }) => dueAt >= from + load.warmUpSeconds * 1_000);
  agent.destroy();
  const sorted = counted.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const percentile = (p: number) => sorted[Math.floor(sorted.length * p)] ?? Number.NaN;
  return {
    requestsPerSecond: counted.length / load.seconds,
    p50: percentile(0.5),
    p99: percentile(0.99),
    failures: counted.filter(({ isGood }) => !isGood).length,
  };
}

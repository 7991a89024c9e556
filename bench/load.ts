// Sends answers as fast as they are taken, or at a rate, from a process of its own: told on the command line in JSON.
import autocannon from "autocannon";
import { answerBodies } from "./answers.ts";
import { createSender, evenly, percentileOf } from "./requests.ts";

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
  const sender = createSender(load.connections);
  const from = performance.now();
  const all = await evenly(rate, load.warmUpSeconds + load.seconds, (dueAt) => {
    const { path, headers, body } = next(load);
    return sender.send({ url: `${load.url}${path}`, headers, body }, dueAt);
  });
  sender.end();
  const counted = all.filter(({ dueAt }) => dueAt >= from + load.warmUpSeconds * 1_000);
  const times = counted.map(({ ms }) => ms);
  return {
    requestsPerSecond: counted.length / load.seconds,
    p50: percentileOf(times, 0.5),
    p99: percentileOf(times, 0.99),
    failures: counted.filter(({ isGood }) => !isGood).length,
  };
}

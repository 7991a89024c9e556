// Sends answers to several servers by turns, from a process of its own: told on the command line in JSON.
import { answerBodies } from "./answers.ts";
import { createSender, evenly, percentileOf, type Sent } from "./requests.ts";

/** What to send, where and how fast. */
export interface TurnsLoad {
  urls: string[];
  apiKey: string;
  connections: number;
  seconds: number;
  /** So long all is sent to one, then to the next. */
  turnMs: number;
  /** Requests a second, evenly; as fast as they are answered without. */
  rate?: number | undefined;
}

/** What came of it, of one server. */
export interface TurnsResult {
  turns: number;
  /** The mean of the turns, with its standard error. */
  requestsPerSecond: number;
  standardError: number;
  /** In milliseconds, of all its requests, by when each was due. */
  p50: number;
  p90: number;
  p99: number;
}

/** At the beginning of a turn what the one before has still to answer is under way as well: uncounted. */
const CHANGING_MS = 250;

const load: TurnsLoad = JSON.parse(process.argv[2] ?? "{}");
const bodies = answerBodies(7);
const sender = createSender(load.connections);
const from = performance.now();
let n = 0;

const all = await (load.rate === undefined ? sendFast() : evenly(load.rate, load.seconds, send));
sender.end();
const failures = all.filter(({ isGood }) => !isGood).length;
if (failures > 0) throw new Error(`${failures} requests failed`);
process.stdout.write(`${JSON.stringify(load.urls.map((_, server) => resultOf(server)))}\n`);

/** Another whenever one was answered. */
async function sendFast(): Promise<Sent[]> {
  const sent: Sent[] = [];
  const one = async () => {
    while (performance.now() < from + load.seconds * 1_000) sent.push(await send(performance.now()));
  };
  await Promise.all(Array.from({ length: load.connections }, one));
  return sent;
}

async function send(dueAt: number): Promise<Sent> {
  n += 1;
  const url = `${load.urls[turnOf(dueAt) % load.urls.length]}/v1/responses`;
  const headers = { authorization: `Bearer ${load.apiKey}`, "content-type": "application/json" };
  return sender.send({ url, headers, body: bodies[n % bodies.length] ?? "" }, dueAt);
}

/** Counted from the first. */
function turnOf(at: number): number {
  return Math.floor((at - from) / load.turnMs);
}

function resultOf(server: number): TurnsResult {
  const own = all.filter(
    ({ dueAt }) => turnOf(dueAt) % load.urls.length === server && (dueAt - from) % load.turnMs > CHANGING_MS,
  );
  const whole = Math.floor((load.seconds * 1_000) / load.turnMs);
  const turns = [...Map.groupBy(own, ({ dueAt }) => turnOf(dueAt))].filter(([turn]) => turn < whole);
  const rates = turns.map(([, sent]) => (sent.length * 1_000) / (load.turnMs - CHANGING_MS));
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / (rates.length - 1);
  const times = own.map(({ ms }) => ms);
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    turns: rates.length,
    requestsPerSecond: round(mean),
    standardError: round(Math.sqrt(variance / rates.length)),
    p50: round(percentileOf(times, 0.5)),
    p90: round(percentileOf(times, 0.9)),
    p99: round(percentileOf(times, 0.99)),
  };
}

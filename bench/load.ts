// Sends answers as fast as they are taken, or at a rate, from a process of its own: told on the command line in JSON.
import autocannon from "autocannon";
import { answerBodies } from "./answers.ts";

/** What to send, where and how fast. */
export interface Load {
  url: string;
  /** Each request is sent by the next of these. */
  apiKeys: string[];
  connections: number;
  seconds: number;
  /** Requests a second over all connections; as fast as they are answered without. */
  rate?: number;
  seed: number;
}

/** What came of it. */
export interface LoadResult {
  requestsPerSecond: number;
  /** In milliseconds, by when each request was due. */
  p50: number;
  p99: number;
  failures: number;
}

const { url, apiKeys, connections, seconds, rate, seed }: Load = JSON.parse(process.argv[2] ?? "{}");
const bodies = answerBodies(seed);
let sent = 0;
const { requests, latency, non2xx, errors, timeouts } = await autocannon({
  url,
  connections,
  duration: seconds,
  ...(rate === undefined ? {} : { overallRate: rate }),
  requests: [
    {
      method: "POST",
      path: "/v1/responses",
      setupRequest: (request) => {
        sent += 1;
        const authorization = `Bearer ${apiKeys[sent % apiKeys.length]}`;
        const body = bodies[sent % bodies.length];
        return { ...request, headers: { authorization, "content-type": "application/json" }, body };
      },
    },
  ],
});
const result: LoadResult = {
  requestsPerSecond: (requests.total - non2xx) / seconds,
  p50: latency.p50,
  p99: latency.p99,
  failures: non2xx + errors + timeouts,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What is sent with POST. */
export interface Asked {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What became of it. */
export interface Sent {
  /** On the clock of `performance.now()`. */
  dueAt: number;
  /** From when it was due until all of its answer was there. */
  ms: number;
  isGood: boolean;
}

/** Sends requests, over at most so many connections to each server. */
export function createSender(connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    send: async ({ url, headers, body }: Asked, dueAt: number): Promise<Sent> => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const sent = request(url, { agent, method: "POST", headers }, (answer) =>
        answer.resume().once("end", () => resolve(answer.statusCode)),
      );
      sent.once("error", reject).end(body);
      const status = await promise.catch(() => undefined);
      return { dueAt, ms: performance.now() - dueAt, isGood: status !== undefined && status < 300 };
    },
    end: () => agent.destroy(),
  };
}

/**
 * Begins something so many times a second, evenly, whatever becomes of what began before.
 * @param begin is told when it was due, on the clock of `performance.now()`
 */
export async function evenly<T>(rate: number, seconds: number, begin: (dueAt: number) => Promise<T>): Promise<T[]> {
  const from = performance.now();
  const begun: Promise<T>[] = [];
  while (begun.length < rate * seconds) {
    const dueAt = from + (begun.length * 1_000) / rate;
    if (dueAt > performance.now()) await sleep(dueAt - performance.now());
    begun.push(begin(dueAt));
  }
  return Promise.all(begun);
}

/** The value below which this share of them lies. */
export function percentileOf(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

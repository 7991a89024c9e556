import { setTimeout as sleep } from "node:timers/promises";
import type { Test } from "tap";
import { rowsOf } from "../../support/server.ts";
import { codeOf, send } from "./http.ts";

/**
 * What became of one request. `ok`: it was done. `failed`: it was refused, or never taken. `unknown`: it was sent, and
 * whether it was done nobody has said (503, a broken connection, no answer in time).
 */
export interface Attempt {
  /** What it was to record. */
  number: number;
  outcome: "ok" | "failed" | "unknown";
  /** Of HTTP; 0 where there was no answer. */
  status: number;
  /** Of the response that was recorded; of a failure its code or message. */
  text: string;
  /** When it was sent and when it was answered, on the clock of `performance.now()`. */
  sentAt: number;
  endedAt: number;
}

export interface Recorder {
  apiKey: string;
  /** Each attempt goes to the next of them. */
  urls: readonly string[];
  history: Attempt[];
  timeoutMs?: number;
}

/** The same number is always the same answer: even ones are named by an Idempotency-Key, odd ones by their external id. */
export async function attempt(
  { apiKey, urls, history, timeoutMs = 20_000 }: Recorder,
  number: number,
): Promise<Attempt> {
  const isKeyed = number % 2 === 0;
  const url = urls[history.length % urls.length];
  const body = {
    score: number % 11,
    comment: `number ${number}`,
    person: { externalId: `u-${number % 1_999}` },
    ...(isKeyed ? {} : { source: "faults", externalId: `e-${number}` }),
  };
  const sentAt = performance.now();
  const end = (rest: Pick<Attempt, "outcome" | "status" | "text">): Attempt => {
    const one = { number, sentAt, endedAt: performance.now(), ...rest };
    history.push(one);
    return one;
  };
  try {
    const { status, text } = await send(`${url}/v1/responses`, {
      headers: {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        ...(isKeyed ? { "idempotency-key": `k-${number}` } : {}),
      },
      body: JSON.stringify(body),
      timeoutMs,
    });
    const { id, code } = JSON.parse(text) as { id?: string; code?: string };
    if (status < 300) return end({ outcome: "ok", status, text: id ?? "" });
    return end({ outcome: status === 503 ? "unknown" : "failed", status, text: code ?? "" });
  } catch (error) {
    const text = codeOf(error);
    return end({ outcome: text === "ECONNREFUSED" ? "failed" : "unknown", status: 0, text });
  }
}

/** Tries until it is done, as a sender does who has been told nothing. */
async function recordSurely(recorder: Recorder, number: number, pauseMs = 100): Promise<void> {
  while ((await attempt(recorder, number)).outcome !== "ok") await sleep(pauseMs);
}

/** So many senders at once, each of whom waits between two answers; until there is no next number. */
export async function recordAll(
  recorder: Recorder,
  { senders, pauseMs, next }: { senders: number; pauseMs: number; next: () => number | undefined },
): Promise<void> {
  const work = async () => {
    for (let number = next(); number !== undefined; number = next()) {
      await recordSurely(recorder, number);
      await sleep(pauseMs * 2 * Math.random());
    }
  };
  await Promise.all(Array.from({ length: senders }, work));
}

/** The numbers from 0, until the signal or the count. */
export function numbers({ count = Number.POSITIVE_INFINITY, signal }: { count?: number; signal?: AbortSignal }) {
  let number = 0;
  return () => (number >= count || signal?.aborted === true ? undefined : number++);
}

/** Holds the history against the database: what was acknowledged is there once, what was refused is not, nothing is twice. */
export async function checkHistory(
  t: Test,
  place: { databaseUrl: string; workspaceId: string },
  history: readonly Attempt[],
): Promise<void> {
  const rows = await rowsOf<{ number: number; id: string }>(
    place,
    "select substr(comment, 8)::int as number, id::text from responses where comment like 'number %'",
  );
  const stored = Map.groupBy(rows, ({ number }) => number);
  const tried = Map.groupBy(history, ({ number }) => number);
  const acknowledged = history.filter(({ outcome }) => outcome === "ok");
  const refused = [...tried].filter(([, attempts]) => attempts.every(({ outcome }) => outcome === "failed"));
  t.same(
    acknowledged.filter(({ number }) => !stored.has(number)),
    [],
    "nothing that was acknowledged is lost",
  );
  t.same(
    [...stored].filter(([, twins]) => twins.length > 1),
    [],
    "nothing is there twice",
  );
  t.same(
    acknowledged.filter(({ number, text }) => stored.get(number)?.[0]?.id !== text),
    [],
    "whoever asked again was told of the same one",
  );
  t.same(
    refused.filter(([number]) => stored.has(number)),
    [],
    "nothing is there that was refused",
  );
  t.same(
    rows.filter(({ number }) => !tried.has(number)),
    [],
    "nothing is there that nobody sent",
  );
  t.comment(`${tried.size} recorded in ${history.length} attempts: ${countsOf(history)}`);
}

/** How often each came about, to be printed. */
export function countsOf(history: readonly Attempt[]): string {
  const counts = Map.groupBy(history, ({ outcome, status, text }) =>
    [outcome, status, outcome === "ok" ? "" : text].join(" ").trim(),
  );
  return [...counts].map(([name, { length }]) => `${length} ${name}`).join(", ");
}

import type { OutboundHttp, OutboundResult } from "../platform/outboundHttp.ts";
import type { SecretBox } from "../platform/secrets.ts";
import type { Attempted, ToSend } from "./deliveryQueries.ts";
import { toRequest } from "./message.ts";
import { nextAttemptAt } from "./schedule.ts";
import { secretsOf } from "./secrets.ts";
import type { EndpointRow } from "./table.ts";

const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 4_096;
const GONE = 410;

/** How deliveries are sent, and when they are tried again. */
export interface Sending {
  http: OutboundHttp;
  secrets: SecretBox;
  /** Seconds to wait before each attempt, the first included. */
  schedule: readonly number[];
  /** From 0 to 1, without 1. */
  random: () => number;
}

/** An attempt, and what it says of the endpoint. */
export interface Sent extends Attempted {
  /** The receiver wants nothing more, ever. */
  isGone: boolean;
}

/**
 * Makes one attempt. What the receiver does is in what it returns.
 * @param at when it is made, which its signature says
 * @returns undefined where the signal ended it: then nothing is known of it
 * @throws {AppError} `unavailable` where the secret cannot be read
 */
export async function send(
  { http, secrets, schedule, random }: Sending,
  delivery: ToSend,
  endpoint: EndpointRow,
  { at, signal }: { at: Date; signal: AbortSignal },
): Promise<Sent | undefined> {
  const attempt = { deliveryId: delivery.id, endpointId: endpoint.id, n: delivery.attempts + 1, attemptedAt: at };
  if (delivery.data === null) {
    const error = "The event is no longer kept, and cannot be sent.";
    return { ...attempt, ...NO_ANSWER, error, durationMs: 0, outcome: "FAILED", nextAttemptAt: null, isGone: false };
  }
  const { eventId: id, eventType: type, occurredAt, data } = delivery;
  const request = toRequest({ id, type, occurredAt, data }, secretsOf(endpoint, secrets, at), at);
  const result = await http.post(endpoint.url, {
    ...request,
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
    signal,
  });
  if (signal.aborted && result.status === null) return undefined;
  if (isSuccess(result)) {
    return { ...attempt, ...toAnswer(result), outcome: "DELIVERED", nextAttemptAt: null, isGone: false };
  }
  const retryAfter = result.status === null ? undefined : result.retryAfter;
  const next = nextAttemptAt({ schedule, attempts: attempt.n, attemptedAt: at, retryAfter, random });
  return {
    ...attempt,
    ...toAnswer(result),
    outcome: next === undefined ? "FAILED" : "PENDING",
    nextAttemptAt: next ?? null,
    isGone: result.status === GONE,
  };
}

const NO_ANSWER = { status: null, answer: null };

function isSuccess({ status }: OutboundResult): boolean {
  return status !== null && status >= 200 && status < 300;
}

function toAnswer(result: OutboundResult): Pick<Attempted, "status" | "error" | "answer" | "durationMs"> {
  const { durationMs } = result;
  if (result.status === null) return { ...NO_ANSWER, error: result.error, durationMs };
  const { status, answer } = result;
  const error = isSuccess(result) ? null : "Only 2xx means that it has arrived.";
  return { status, error, answer, durationMs };
}

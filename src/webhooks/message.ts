import { signWebhook } from "../platform/signature.ts";

/** What is told: the body of a webhook, before it is signed. */
export interface Message {
  /** Of the event: the same for every attempt and replay. */
  id: string;
  type: string;
  occurredAt: Date;
  data: object;
}

/**
 * The request that tells it, by Standard Webhooks 1.0.
 * @param secrets that hold at this moment, newest first: each signs
 * @param at when this attempt is made
 */
export function toRequest(
  { id, type, occurredAt, data }: Message,
  secrets: readonly string[],
  at: Date,
): { headers: Record<string, string>; body: Buffer } {
  const body = Buffer.from(JSON.stringify({ type, timestamp: occurredAt.toISOString(), data }));
  const timestamp = Math.floor(at.getTime() / 1000);
  const attempt = { id, timestamp, body };
  return {
    headers: {
      "content-type": "application/json",
      "user-agent": "Afterscore-Webhooks/1.0",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": secrets.map((secret) => signWebhook(secret, attempt)).join(" "),
    },
    body,
  };
}

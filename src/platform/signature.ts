import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** How far a signed time may be from ours, in both directions. */
const TOLERANCE_SECONDS = 300;
const WEBHOOK_KEY_BYTES = 32;

/** Header names in lower case, as Node gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Compares in a time that says nothing about where the texts differ. */
export function isSameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The header's value, or undefined where it is absent or came several times. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** An HMAC over the whole body, as a header has it. */
export interface HmacScheme {
  /** In lower case. */
  header: string;
  algorithm: "sha256" | "sha1";
  encoding: "hex" | "base64";
  prefix: string;
}

/** @returns the header's value for this body, made with the secret as UTF-8 */
export function signBody(
  { algorithm, encoding, prefix }: Omit<HmacScheme, "header">,
  secret: string,
  body: Buffer,
): string {
  return prefix + createHmac(algorithm, secret).update(body).digest(encoding);
}

/** Says whether the header is this body's, by any of the secrets; an empty secret signs nothing. */
export function isSignedBody(scheme: HmacScheme, secrets: readonly string[], headers: Headers, body: Buffer): boolean {
  const given = headerOf(headers, scheme.header);
  if (given === undefined) return false;
  return secrets.filter((secret) => secret !== "").some((secret) => isSameText(signBody(scheme, secret, body), given));
}

/** A new secret, as Standard Webhooks writes them: `whsec_` and 32 bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(WEBHOOK_KEY_BYTES).toString("base64")}`;
}

/** The key of a Standard Webhooks secret: base64, with or without `whsec_`; undefined for what is none. */
export function webhookKeyOf(secret: string): Buffer | undefined {
  const text = secret.replace(/^whsec_/, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, "base64");
  return key.length === 0 ? undefined : key;
}

/** One attempt to deliver a webhook: `timestamp` is in Unix seconds. */
export interface WebhookAttempt {
  id: string;
  timestamp: number;
  body: Buffer;
}

/**
 * Signs by Standard Webhooks 1.0.
 * @param secret `whsec_` and base64
 * @returns one entry of `webhook-signature`, like `v1,…`
 */
export function signWebhook(secret: string, { id, timestamp, body }: WebhookAttempt): string {
  const key = webhookKeyOf(secret);
  if (key === undefined) throw new Error("the secret is not whsec_ and base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64")}`;
}

/**
 * Says whether headers and body are signed by any of the secrets, by Standard Webhooks 1.0, not more
 * than five minutes from `now`. Takes `svix-*` for `webhook-*`; entries of unknown versions are skipped.
 */
export function isSignedWebhook(secrets: readonly string[], headers: Headers, body: Buffer, now: Date): boolean {
  const [id, time, signatures] = ["id", "timestamp", "signature"].map(
    (name) => headerOf(headers, `webhook-${name}`) ?? headerOf(headers, `svix-${name}`),
  );
  if (!id || signatures === undefined || time === undefined || !/^\d{1,12}$/.test(time)) return false;
  const timestamp = Number(time);
  if (Math.abs(Math.floor(now.getTime() / 1000) - timestamp) > TOLERANCE_SECONDS) return false;
  const given = signatures.split(" ").filter((entry) => entry.startsWith("v1,"));
  return secrets
    .filter((secret) => webhookKeyOf(secret) !== undefined)
    .some((secret) => {
      const expected = signWebhook(secret, { id, timestamp, body });
      return given.some((entry) => isSameText(entry, expected));
    });
}

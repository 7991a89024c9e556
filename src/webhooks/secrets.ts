import { randomBytes } from "node:crypto";
import type { SecretBox } from "../platform/secrets.ts";
import type { EndpointRow } from "./table.ts";

const SECRET_BYTES = 32;

/** Where a secret lies: encrypted for this place, it opens nowhere else. */
const placeOf = ({ workspaceId, id }: Pick<EndpointRow, "workspaceId" | "id">) =>
  `webhook-endpoints/${workspaceId}/${id}`;

/** A new secret as Standard Webhooks writes them, and as it is kept. @throws {AppError} `unavailable` without SECRETS_KEY */
export function makeSecret(
  endpoint: Pick<EndpointRow, "workspaceId" | "id">,
  secrets: SecretBox,
): { text: string; sealed: Buffer } {
  const text = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
  return { text, sealed: secrets.seal(text, placeOf(endpoint)) };
}

type Sealed = Pick<EndpointRow, "workspaceId" | "id" | "secret" | "previousSecret" | "previousSecretUntil">;

/**
 * The secrets that sign at this moment, newest first: for 24 hours after a rotation there are two.
 * @throws {AppError} `unavailable` without SECRETS_KEY, or with another one
 */
export function secretsOf(endpoint: Sealed, secrets: SecretBox, now: Date): string[] {
  const { secret, previousSecret, previousSecretUntil } = endpoint;
  const previous = previousSecretUntil !== null && previousSecretUntil > now ? previousSecret : null;
  return [secret, previous].flatMap((sealed) => (sealed === null ? [] : secrets.open(sealed, placeOf(endpoint))));
}

import { type KeptSecrets, openSecrets, type SecretBox } from "../platform/secrets.ts";
import { newWebhookSecret } from "../platform/signature.ts";
import type { EndpointRow } from "./table.ts";

/** Where a secret lies: encrypted for this place, it opens nowhere else. */
const placeOf = ({ workspaceId, id }: Pick<EndpointRow, "workspaceId" | "id">) =>
  `webhook-endpoints/${workspaceId}/${id}`;

/** A new secret as Standard Webhooks writes them, and as it is kept. @throws {AppError} `unavailable` without SECRETS_KEY */
export function makeSecret(
  endpoint: Pick<EndpointRow, "workspaceId" | "id">,
  secrets: SecretBox,
): { text: string; sealed: Buffer } {
  const text = newWebhookSecret();
  return { text, sealed: secrets.seal(text, placeOf(endpoint)) };
}

/**
 * The secrets that sign at this moment, newest first: for 24 hours after a rotation there are two.
 * @throws {AppError} `unavailable` without SECRETS_KEY, or with another one
 */
export function secretsOf(
  endpoint: KeptSecrets & Pick<EndpointRow, "workspaceId" | "id">,
  secrets: SecretBox,
  now: Date,
): string[] {
  return openSecrets(secrets, placeOf(endpoint), endpoint, now);
}

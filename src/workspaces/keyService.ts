import { AppError, invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { SECRET_OVERLAP_MS } from "../platform/secrets.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { makeApiKey } from "./apiKeys.ts";
import { recordAudit } from "./audit.ts";
import { insertApiKey, lockApiKey, updateApiKey } from "./keyQueries.ts";
import type { ApiKeyInput } from "./model.ts";
import type { ApiKeyRow } from "./table.ts";

/** A key, and its text, which is shown here once. */
interface ShownApiKey {
  key: ApiKeyRow;
  apiKey: string;
}

/**
 * Makes an API key.
 * @param held the scopes of who makes it
 * @throws {AppError} `forbidden` naming the scopes that they do not have; `invalid_request` for an `expiresAt` that is past
 */
export async function addApiKey(
  tx: WorkspaceTx,
  { name, scopes: given, expiresAt }: ApiKeyInput,
  held: ReadonlySet<string>,
): Promise<ShownApiKey> {
  const scopes = [...new Set(given)];
  requireHeld(scopes, held);
  const until = expiresAt == null ? null : new Date(expiresAt);
  if (until !== null && until <= tx.now) throw invalidRequest([{ name: "expiresAt", reason: "must be in the future" }]);
  const id = newId();
  const { apiKey, secretSha256 } = makeApiKey(id);
  const key: ApiKeyRow = {
    workspaceId: tx.workspaceId,
    id,
    name,
    secretSha256,
    scopes,
    createdAt: tx.now,
    expiresAt: until,
    revokedAt: null,
    lastUsedAt: null,
    previousSecretSha256: null,
    previousSecretUntil: null,
  };
  await insertApiKey(tx, key);
  await audit(tx, "created", id, { after: { name, scopes, expiresAt: until } });
  return { key, apiKey };
}

/** Takes a key back for good: within 30 s nobody takes it any more. Said again, it changes nothing. @throws {AppError} `not_found` */
export async function revokeApiKey(tx: WorkspaceTx, id: string): Promise<void> {
  const { revokedAt } = await requireLocked(tx, id);
  if (revokedAt !== null) return;
  await updateApiKey(tx, id, { revokedAt: tx.now, previousSecretSha256: null, previousSecretUntil: null });
  await audit(tx, "revoked", id, { before: { revokedAt }, after: { revokedAt: tx.now } });
}

/**
 * Gives a key another secret; the one before is taken for 24 hours more, and the one before that no longer.
 * @param held the scopes of who does it, who learns the secret
 * @throws {AppError} `not_found`; `conflict` where the key is revoked or has expired; `forbidden` naming the scopes of the key
 *   that they do not have
 */
export async function rotateApiKey(tx: WorkspaceTx, id: string, held: ReadonlySet<string>): Promise<ShownApiKey> {
  const before = await requireLocked(tx, id);
  requireHeld(before.scopes, held);
  if (before.revokedAt !== null || (before.expiresAt !== null && before.expiresAt <= tx.now)) {
    throw new AppError("conflict", "This API key is revoked or has expired. Make a new one.");
  }
  const { apiKey, secretSha256 } = makeApiKey(id);
  const changed = {
    secretSha256,
    previousSecretSha256: before.secretSha256,
    previousSecretUntil: new Date(tx.now.getTime() + SECRET_OVERLAP_MS),
  };
  await updateApiKey(tx, id, changed);
  await audit(tx, "rotated", id, {
    before: { previousSecretUntil: before.previousSecretUntil },
    after: { previousSecretUntil: changed.previousSecretUntil },
  });
  return { key: { ...before, ...changed }, apiKey };
}

/** Nobody gives away more than they have. */
function requireHeld(scopes: readonly string[], held: ReadonlySet<string>): void {
  const missing = scopes.filter((scope) => !held.has(scope));
  if (missing.length === 0) return;
  throw new AppError("forbidden", `This credential lacks ${missing.join(", ")}, and cannot give it to a key.`);
}

async function requireLocked(tx: WorkspaceTx, id: string): Promise<ApiKeyRow> {
  const key = await lockApiKey(tx, id);
  if (key === undefined) throw new AppError("not_found", "There is no API key with this id.");
  return key;
}

/** No secrets, nor their hashes. */
async function audit(tx: WorkspaceTx, what: string, id: string, facts: { before?: object; after?: object }) {
  await recordAudit(tx, [{ action: `api_key.${what}`, subjectType: "api_key", subjectId: id, ...facts }]);
}

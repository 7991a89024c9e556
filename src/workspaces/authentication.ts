import type { Authenticate } from "../platform/auth.ts";
import { CLOCKS, type Clocks } from "../platform/clocks.ts";
import { AppError } from "../platform/errors.ts";
import { createTokenVerifier } from "../platform/jwt.ts";
import type { Logger } from "../platform/logger.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { hasChecksum, isApiKey, isSameSecret, type ParsedKey, parseApiKey } from "./apiKeys.ts";
import { findApiKey, markApiKeyUsed } from "./keyQueries.ts";
import { createLookup } from "./lookup.ts";
import type { ApiKeyRow } from "./table.ts";
import { createAuthenticateUser, type UserSettings } from "./users.ts";

/** How exact `lastUsedAt` is: a busy key costs one statement in this time. */
const USE_MS = 60_000;

/**
 * Finds who somebody is by what they send: an API key, or the token of a user where a provider is set.
 * @param clocks the time, and milliseconds that pass however the time is set: what is remembered ages by these
 * @param users whose users are let in beside API keys
 */
export function createAuthenticate(
  tenancy: Tenancy,
  clocks: Clocks = CLOCKS,
  users?: { settings: UserSettings; logger: Logger },
): Authenticate {
  const byKey = createAuthenticateKey(tenancy, clocks);
  if (users === undefined) return byKey;
  const verify = createTokenVerifier(users.settings, users.logger, clocks);
  const byToken = createAuthenticateUser(tenancy, verify, users.settings, clocks);
  return async (token) => (isApiKey(token) ? byKey(token) : byToken(token));
}

/**
 * Found keys are remembered for 25 s at most, so that a busy caller costs no statement per request, and a revoked one is
 * refused everywhere within the 30 s that are promised; what was not found is looked up each time, and so is a key that is
 * known by another secret: it may have been rotated just now.
 */
function createAuthenticateKey(tenancy: Tenancy, { time, elapsed }: Clocks): Authenticate {
  const keys = createLookup<ApiKeyRow>(
    async (id) => tenancy.acrossWorkspaces("find the workspace of an API key", (tx) => findApiKey(tx, id)),
    elapsed,
  );

  return async (token) => {
    const parsed = parseApiKey(token);
    if (parsed === undefined) throw unauthenticated();
    const now = time();
    const cached = keys.known(parsed.id);
    const isKnown = cached !== undefined && isSecretOf(cached, parsed, now);
    // Of a key that is known by its hash the checksum says nothing more.
    if (!isKnown && !hasChecksum(token)) throw unauthenticated();
    let found = cached ?? (await keys.find(parsed.id));
    if (found !== undefined && !isSecretOf(found, parsed, now)) found = await keys.findAnew(parsed.id);
    if (found === undefined || !isSecretOf(found, parsed, now)) throw unauthenticated();
    if (found.revokedAt !== null || isPast(found.expiresAt, now)) throw unauthenticated();
    if (found.lastUsedAt === null || now - found.lastUsedAt.getTime() >= USE_MS) {
      found.lastUsedAt = new Date(now);
      void markUsed(tenancy, parsed.id, found);
    }
    return { workspaceId: found.workspaceId, actor: { kind: "key", id: parsed.id }, scopes: new Set(found.scopes) };
  };
}

function isSecretOf(key: ApiKeyRow, { secretSha256 }: ParsedKey, now: number): boolean {
  if (isSameSecret(key.secretSha256, secretSha256)) return true;
  const { previousSecretSha256: previous, previousSecretUntil: until } = key;
  return previous !== null && !isPast(until, now) && isSameSecret(previous, secretSha256);
}

function isPast(time: Date | null, now: number): boolean {
  return time !== null && time.getTime() <= now;
}

/** Beside the request, which neither waits for it nor fails with it: a minute later it is tried again. */
async function markUsed(tenancy: Tenancy, id: string, { workspaceId }: ApiKeyRow): Promise<void> {
  const caller = { workspaceId, actor: { kind: "key" as const, id }, requestId: null };
  await tenancy.inWorkspace(caller, (tx) => markApiKeyUsed(tx, id, USE_MS), "HASTY").catch(() => undefined);
}

/** One answer for unknown, wrong, revoked and expired: none of them tells whether a key exists. */
function unauthenticated(): AppError {
  return new AppError("unauthenticated", "This API key is not valid: it is unknown, revoked or past its expiry.");
}

import { LRUCache } from "lru-cache";
import type { Authenticate } from "../platform/auth.ts";
import { AppError } from "../platform/errors.ts";
import { createTokenVerifier } from "../platform/jwt.ts";
import type { Logger } from "../platform/logger.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { hasChecksum, isApiKey, isSameSecret, type ParsedKey, parseApiKey } from "./apiKeys.ts";
import { findApiKey, markApiKeyUsed } from "./keyQueries.ts";
import type { ApiKeyRow } from "./table.ts";
import { createAuthenticateUser, type UserSettings } from "./users.ts";

const CACHED_KEYS_MAX = 10_000;
/** A revoked key is refused everywhere within 30 s, as promised; this leaves room for a slow look-up. */
const CACHE_MS = 15_000;
/** How exact `lastUsedAt` is: a busy key costs one statement in this time. */
const USE_MS = 60_000;

/**
 * Finds who somebody is by what they send: an API key, or the token of a user where a provider is set.
 * @param clock milliseconds since 1970
 * @param users whose users are let in beside API keys
 */
export function createAuthenticate(
  tenancy: Tenancy,
  clock: () => number = Date.now,
  users?: { settings: UserSettings; logger: Logger },
): Authenticate {
  const byKey = createAuthenticateKey(tenancy, clock);
  if (users === undefined) return byKey;
  const verify = createTokenVerifier(users.settings, users.logger, clock);
  const byToken = createAuthenticateUser(tenancy, verify, users.settings, CACHE_MS, clock);
  return async (token) => (isApiKey(token) ? byKey(token) : byToken(token));
}

/**
 * Found keys are remembered for 15 s, so that a busy caller costs no statement per request; what was not found is
 * looked up each time, and so is a key that is known by another secret: it may have been rotated just now.
 */
function createAuthenticateKey(tenancy: Tenancy, clock: () => number): Authenticate {
  const cache = new LRUCache<string, ApiKeyRow>({
    max: CACHED_KEYS_MAX,
    ttl: CACHE_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  const find = async (id: string): Promise<ApiKeyRow | undefined> => {
    const found = await tenancy.acrossWorkspaces("find the workspace of an API key", (tx) => findApiKey(tx, id));
    // Only here: a look-up's age counts from when it was made, however often it is used.
    if (found !== undefined) cache.set(id, found);
    return found;
  };
  // When a busy key is to be looked up again, all who wait for it wait for the same look-up.
  const finding = new Map<string, Promise<ApiKeyRow | undefined>>();
  const findTogether = async (id: string): Promise<ApiKeyRow | undefined> => {
    const found = finding.get(id) ?? find(id).finally(() => finding.delete(id));
    finding.set(id, found);
    return found;
  };

  return async (token) => {
    const parsed = parseApiKey(token);
    if (parsed === undefined) throw unauthenticated();
    const now = clock();
    const cached = cache.get(parsed.id);
    const isKnown = cached !== undefined && isSecretOf(cached, parsed, now);
    // Of a key that is known by its hash the checksum says nothing more.
    if (!isKnown && !hasChecksum(token)) throw unauthenticated();
    let found = cached ?? (await findTogether(parsed.id));
    if (found !== undefined && !isSecretOf(found, parsed, now)) found = await find(parsed.id);
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

import { LRUCache } from "lru-cache";
import type { Authenticate, Principal } from "../platform/auth.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import type { Actor, Tenancy } from "../platform/tenancy.ts";
import { isSameSecret, makeApiKey, parseApiKey } from "./apiKeys.ts";
import { recordAudit } from "./audit.ts";
import { SCOPES, type Scope, type Workspace } from "./model.ts";
import {
  findApiKey,
  insertApiKey,
  insertWorkspace,
  isKnownTimeZone,
  listWorkspaces,
  type StoredApiKey,
} from "./queries.ts";

/** Who works at the command line, on the machine of the database. */
const OPERATOR: Actor = { kind: "job", id: "command-line" };

/**
 * Makes a workspace and its first API key, which has every scope and is shown here once.
 * @throws {AppError} `invalid_request` for a name or time zone that cannot be
 */
export async function createWorkspace(
  tenancy: Tenancy,
  input: { name: string; timeZone: string },
): Promise<{ workspace: Workspace; apiKey: string }> {
  const name = input.name.trim();
  if (name === "" || name.length > 255)
    throw invalidRequest([{ name: "name", reason: "must have 1 to 255 characters" }]);
  const workspace = { id: newId(), name, timeZone: input.timeZone };
  await tenancy.acrossWorkspaces("manage workspaces", async (tx) => {
    if (!(await isKnownTimeZone(tx, workspace.timeZone))) {
      throw invalidRequest([{ name: "timeZone", reason: "must be an IANA time zone, like Europe/Berlin" }]);
    }
    await insertWorkspace(tx, workspace);
  });
  const apiKey = await createApiKey(tenancy, workspace.id, "first key");
  return { workspace, apiKey };
}

/** Makes an API key, with every scope where none are named; its text is shown here once. */
export async function createApiKey(
  tenancy: Tenancy,
  workspaceId: string,
  name: string,
  scopes: readonly Scope[] = SCOPES,
): Promise<string> {
  const id = newId();
  const { apiKey, secretSha256 } = makeApiKey(id);
  await tenancy.inWorkspace({ workspaceId, actor: OPERATOR, requestId: null }, async (tx) => {
    await insertApiKey(tx, { id, name, secretSha256, scopes: [...scopes] });
    await recordAudit(tx, [
      { action: "api_key.created", subjectType: "api_key", subjectId: id, after: { name, scopes } },
    ]);
  });
  return apiKey;
}

export async function getAllWorkspaces(tenancy: Tenancy): Promise<Workspace[]> {
  return tenancy.acrossWorkspaces("manage workspaces", listWorkspaces);
}

const CACHED_KEYS_MAX = 10_000;
/** A revoked key is refused everywhere within 30 s, as promised; this leaves room for a slow look-up. */
const CACHE_MS = 15_000;

/**
 * Finds whose API key it is. Found keys are remembered for 15 s, so that a busy caller costs no
 * statement per request; what was not found is looked up each time.
 */
export function createAuthenticate(tenancy: Tenancy, clock: () => number = Date.now): Authenticate {
  const cache = new LRUCache<string, StoredApiKey>({ max: CACHED_KEYS_MAX, ttl: CACHE_MS });

  return async (token) => {
    const parsed = parseApiKey(token);
    if (parsed === undefined) throw unauthenticated();
    let found = cache.get(parsed.id);
    if (found === undefined) {
      found = await tenancy.acrossWorkspaces("find the workspace of an API key", (tx) => findApiKey(tx, parsed.id));
      // Only here: a look-up's age counts from when it was made, however often it is used.
      if (found !== undefined) cache.set(parsed.id, found);
    }
    if (found === undefined || !isSameSecret(found.secretSha256, parsed.secretSha256)) throw unauthenticated();
    const expired = found.expiresAt !== null && found.expiresAt.getTime() <= clock();
    if (found.revokedAt !== null || expired) throw unauthenticated();
    return principalOf(parsed.id, found);
  };
}

function principalOf(id: string, { workspaceId, scopes }: StoredApiKey): Principal {
  return { workspaceId, actor: { kind: "key", id }, scopes: new Set(scopes) };
}

/** One answer for unknown, wrong, revoked and expired: none of them tells whether a key exists. */
function unauthenticated(): AppError {
  return new AppError("unauthenticated", "This API key is not valid.");
}

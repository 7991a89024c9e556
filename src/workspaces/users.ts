import type { JWTPayload } from "jose";
import type { Authenticate } from "../platform/auth.ts";
import type { Clocks } from "../platform/clocks.ts";
import type { Environment } from "../platform/config.ts";
import { invalidToken, type TokenSettings, type VerifyToken } from "../platform/jwt.ts";
import { isId, isText, STRING_LENGTH_MAX } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { createLookup } from "./lookup.ts";
import { SCOPES } from "./model.ts";
import { isWorkspace } from "./queries.ts";

/** The claims that say for a user what stands in the database for a key. */
interface Claims {
  /** Its value is the id of a workspace. */
  workspaceClaim: string;
  /** Its value are scopes, apart by spaces. */
  scopeClaim: string;
}
export type UserSettings = TokenSettings & Claims;

/** Whose users are let in; undefined where the environment names no provider. */
export function userSettingsOf(environment: Environment): UserSettings | undefined {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = environment;
  if (issuer === undefined || audience === undefined || jwksUrl === undefined) return undefined;
  const { JWT_WORKSPACE_CLAIM: workspaceClaim, JWT_SCOPE_CLAIM: scopeClaim } = environment;
  return { issuer, audience, jwksUrl, workspaceClaim, scopeClaim };
}

/**
 * Finds out by a signed token who a user is, where they work and what they may do there. Scopes that do not exist,
 * which belong to other services of the provider, are passed over.
 */
export function createAuthenticateUser(
  tenancy: Tenancy,
  verify: VerifyToken,
  { workspaceClaim, scopeClaim }: Claims,
  { elapsed }: Clocks,
): Authenticate {
  const workspaces = createLookup<true>(async (id) => {
    const found = await tenancy.acrossWorkspaces("find the workspace of a user", (tx) => isWorkspace(tx, id));
    return found ? true : undefined;
  }, elapsed);

  return async (token) => {
    const claims = await verify(token);
    const workspaceId = textOf(claims, workspaceClaim)?.toLowerCase();
    const id = textOf(claims, "sub");
    if (id === undefined || workspaceId === undefined || !isId(workspaceId)) throw invalidToken();
    if ((workspaces.known(workspaceId) ?? (await workspaces.find(workspaceId))) === undefined) throw invalidToken();
    const scopes = new Set((textOf(claims, scopeClaim, Number.POSITIVE_INFINITY) ?? "").split(" "));
    return {
      workspaceId,
      actor: { kind: "user", id },
      scopes: new Set(SCOPES.filter((scope) => scopes.has(scope))),
    };
  };
}

function textOf(claims: JWTPayload, name: string, lengthMax = STRING_LENGTH_MAX): string | undefined {
  const value = claims[name];
  return typeof value === "string" && value !== "" && value.length <= lengthMax && isText(value) ? value : undefined;
}

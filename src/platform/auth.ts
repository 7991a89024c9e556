import type { FastifyInstance, FastifyRequest } from "fastify";
import { AppError } from "./errors.ts";
import { createRateLimits } from "./rateLimits.ts";
import type { Caller } from "./tenancy.ts";

/** Somebody who proved who they are: in whose workspace they act, and what they may do there. */
export interface Principal {
  workspaceId: string;
  actor: Caller["actor"];
  scopes: ReadonlySet<string>;
}

/** Finds the principal of a bearer token; throws `unauthenticated` when there is none. */
export type Authenticate = (token: string) => Promise<Principal>;

/**
 * What a route asks of its caller: a scope, `authenticated` where each field of the answer asks for
 * its own, or `public`.
 */
export type RouteScope = `${string}:${"read" | "write" | "manage"}` | "authenticated" | "public";

declare module "fastify" {
  interface FastifyContextConfig {
    scope?: RouteScope;
  }
  interface FastifyRequest {
    principal: Principal | null;
  }
}

/**
 * Lets nobody in who is not allowed. A route that does not name its scope stops the server before it
 * listens, so that none can be forgotten.
 */
export function registerAuth(
  app: FastifyInstance,
  authenticate: Authenticate,
  scopes: readonly string[],
  limits = createRateLimits(),
): void {
  const known = new Set<string>([...scopes, "authenticated", "public"]);
  app.decorateRequest("principal", null);

  app.addHook("onRoute", ({ method, url, config }) => {
    const scope = config?.scope;
    if (scope === undefined || !known.has(scope)) {
      throw new Error(
        `route ${String(method)} ${url} names ${scope === undefined ? "no scope" : `the unknown scope ${scope}`}`,
      );
    }
  });

  app.addHook("onRequest", async (request, reply) => {
    const scope = request.routeOptions.config.scope;
    if (scope === undefined || scope === "public") return limits.countPublic(request, reply);
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (token === undefined) {
      limits.countAnonymous(request, reply);
      throw new AppError("unauthenticated", "Send Authorization: Bearer <API key or JWT>.");
    }
    limits.requireFewFailures(request, reply);
    try {
      request.principal = await authenticate(token);
    } catch (error) {
      throw limits.failed(request, reply, error);
    }
    limits.countCredential(request.principal, reply);
    // What follows is somebody's data: no cache on the way keeps it.
    void reply.header("cache-control", "no-store");
    if (scope !== "authenticated") requireScope(request.principal, scope);
  });
}

/** @throws {AppError} `forbidden`, which names the scope that is missing */
export function requireScope(principal: Principal, scope: string): void {
  if (!principal.scopes.has(scope)) throw new AppError("forbidden", `This credential lacks the scope ${scope}.`);
}

/** The principal of a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error("a public route has no principal");
  return request.principal;
}

/** In whose name a request's transactions run. */
export function callerOf(request: FastifyRequest): Caller {
  const { workspaceId, actor } = principalOf(request);
  return { workspaceId, actor, requestId: request.id, readsAfter: request.readsAfter, span: request.span };
}

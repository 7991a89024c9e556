import type { FastifyReply, FastifyRequest } from "fastify";
import { LRUCache } from "lru-cache";
import { addressKey } from "./addressKey.ts";
import { AppError } from "./errors.ts";

/** How much this process takes; 0 is without limit. */
export interface RateLimitSettings {
  /** Requests a second of each credential, and deliveries a second to each source. */
  perCredential: number;
  /** Requests a second without a credential, of each address. */
  perAddress: number;
  /** Failed logins a minute, of each address; of deliveries also of each source that we know. */
  failuresPerMinute: number;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * Of a public route that is not counted by address: what its requests are counted by instead, at the
     * rate of a credential; null where they are not counted.
     */
    countedBy?: (request: FastifyRequest) => string | null;
    /**
     * Whether that is something we know: then failed logins there say nothing of others that come from the same address,
     * which many may share.
     */
    isKnown?: (request: FastifyRequest) => boolean;
  }
}

/** Counts requests; each verb throws `rate_limited` where there were too many, and says in the headers how many are left. */
export interface RateLimits {
  /** A request to a route that asks for no credential. */
  countPublic(request: FastifyRequest, reply: FastifyReply): void;
  /** A request that should have brought a credential and did not. */
  countAnonymous(request: FastifyRequest, reply: FastifyReply): void;
  /** To be asked before a credential is looked up. */
  requireFewFailures(request: FastifyRequest, reply: FastifyReply): void;
  /** A request that has shown whose it is. */
  countCredential(principal: { workspaceId: string; actor: { id: string } }, reply: FastifyReply): void;
  /** Why a credential was not taken. @returns what to throw: the error itself, but where there were too many of them */
  failed(request: FastifyRequest, reply: FastifyReply, error: unknown): unknown;
}

/** So many callers are told apart; of more, who has not come for longest begins anew. */
const CALLERS_MAX = 20_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

const NO_LIMITS: RateLimitSettings = { perCredential: 0, perAddress: 0, failuresPerMinute: 0 };

/**
 * Limits of one process, in its memory: with n processes each lets as much pass. An address is that of the
 * connection, or what a trusted proxy says; IPv6 counts by network.
 * @param clock milliseconds that never go back
 */
export function createRateLimits(
  { perCredential, perAddress, failuresPerMinute }: RateLimitSettings = NO_LIMITS,
  clock: () => number = () => performance.now(),
): RateLimits {
  const credentials = createCounter(perCredential, SECOND_MS, clock);
  const addresses = createCounter(perAddress, SECOND_MS, clock);
  const failures = createCounter(failuresPerMinute, MINUTE_MS, clock);

  const countAnonymous: RateLimits["countAnonymous"] = (request, reply) =>
    addresses?.(addressKey(request.ip), reply, 1, "Too many requests without a credential from this address.");
  const requireFewFailures: RateLimits["requireFewFailures"] = (request, reply) =>
    failures?.(failureKey(request), reply, 0, TOO_MANY_FAILURES);

  return {
    countAnonymous,
    requireFewFailures,
    countPublic: (request, reply) => {
      const { countedBy } = request.routeOptions.config;
      if (countedBy === undefined) return countAnonymous(request, reply);
      const key = countedBy(request);
      if (key === null) return;
      requireFewFailures(request, reply);
      credentials?.(key, reply, 1, "Too many requests to this address of ours.");
    },
    countCredential: ({ workspaceId, actor }, reply) =>
      credentials?.(`${workspaceId} ${actor.id}`, reply, 1, "Too many requests with this credential."),
    failed: (request, reply, error) => {
      if (!(error instanceof AppError) || error.code !== "unauthenticated") return error;
      try {
        failures?.(failureKey(request), reply, 1, TOO_MANY_FAILURES);
        return error;
      } catch (tooMany) {
        return tooMany;
      }
    },
  };
}

/** By what failed logins are counted. */
function failureKey(request: FastifyRequest): string {
  const { countedBy, isKnown } = request.routeOptions.config;
  const address = addressKey(request.ip);
  return isKnown?.(request) === true ? `${address} ${countedBy?.(request)}` : address;
}

const TOO_MANY_FAILURES = "Too many requests from this address had a credential that is not valid.";

interface Window {
  endsAt: number;
  count: number;
}

/** Counts by key in windows that begin with a key's first request; none where there is no limit. */
function createCounter(limit: number, windowMs: number, clock: () => number) {
  if (limit === 0) return undefined;
  const windows = new LRUCache<string, Window>({ max: CALLERS_MAX });

  /** Adds `amount`, 0 to ask only; the headers are of what was counted. @throws {AppError} `rate_limited` */
  return (key: string, reply: FastifyReply, amount: 0 | 1, refusal: string): void => {
    const now = clock();
    let window = windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      if (amount === 0) return;
      window = { endsAt: now + windowMs, count: 0 };
      windows.set(key, window);
    }
    const isRefused = window.count >= limit;
    if (!isRefused) window.count += amount;
    if (!isRefused && amount === 0) return;
    const seconds = Math.ceil((window.endsAt - now) / 1_000);
    void reply.header("ratelimit-limit", limit);
    void reply.header("ratelimit-remaining", limit - window.count);
    void reply.header("ratelimit-reset", seconds);
    if (!isRefused) return;
    void reply.header("retry-after", seconds);
    throw new AppError("rate_limited", `${refusal} Come again in ${seconds} s.`);
  };
}

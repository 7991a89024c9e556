import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { CLOCKS, type Clocks } from "./clocks.ts";
import { AppError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** Whose tokens are taken: those of one OpenID Connect provider that are meant for us. */
export interface TokenSettings {
  /** Must equal `iss`. */
  issuer: string;
  /** Must be in `aud`. */
  audience: string;
  /** Where the provider publishes its keys. */
  jwksUrl: string;
}

/**
 * The claims of a token that is genuine and valid now.
 * @throws {AppError} `unauthenticated`; `unavailable` where only the provider could tell, and does not answer
 */
export type VerifyToken = (token: string) => Promise<JWTPayload>;

/** Signatures by a key pair. Never a shared secret: our copy of the provider's key is public. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
/** However many tokens name keys that we do not know, the provider is asked once in this time. */
const COOLDOWN_MS = 30_000;
/** The provider's keys are looked at again after so long, so that one it took back is soon taken no more. */
const KEYS_AGE_MAX_MS = 600_000;
const FETCH_TIMEOUT_MS = 5_000;

/** Verifies tokens of one provider, by keys that it is seldom asked for. */
export function createTokenVerifier(
  { issuer, audience, jwksUrl }: TokenSettings,
  logger: Logger,
  { time, elapsed }: Clocks = CLOCKS,
): VerifyToken {
  const keys = createKeys(new URL(jwksUrl), logger, elapsed);
  return async (token) => {
    const currentDate = new Date(time());
    const options = { issuer, audience, currentDate, algorithms: ALGORITHMS, requiredClaims: ["exp"] };
    const verified = await jwtVerify(token, keys, options).catch((cause: unknown) => {
      throw cause instanceof AppError ? cause : invalidToken(cause);
    });
    return verified.payload;
  };
}

/** One answer for whatever is wrong with a token: a forger learns nothing from it. */
export function invalidToken(cause?: unknown): AppError {
  return new AppError(
    "unauthenticated",
    "This token is not valid, or no longer. Get another one from the identity provider.",
    { cause },
  );
}

/**
 * The provider's keys as they are known. While it cannot be reached, those known go on being used, at any age; what
 * they cannot tell is `unavailable` then, because the token may well be good. `createRemoteJWKSet` fetches, but when
 * it does is said here: of itself it would give up known keys at their age, and ask a provider that is down each time.
 */
function createKeys(url: URL, logger: Logger, clock: () => number): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: FETCH_TIMEOUT_MS,
  });
  let askedAt = Number.NEGATIVE_INFINITY;
  let knownAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  const isKnown = () => knownAt > Number.NEGATIVE_INFINITY;
  /** The last time the provider was asked, it did not answer, or has not yet. */
  const isUnanswered = () => askedAt > knownAt;

  const reload = async (at: number): Promise<void> => {
    try {
      await keys.reload();
      knownAt = at;
    } catch (err) {
      logger.warn({ err }, "the keys at JWT_JWKS_URL cannot be read");
    }
    asking = undefined;
  };

  /** Asks the provider, unless that was just done: then what came of it holds. Never throws. */
  const ask = async (): Promise<void> => {
    if (asking === undefined && clock() - askedAt >= COOLDOWN_MS) {
      const at = clock();
      askedAt = at;
      asking = reload(at);
    }
    await asking;
  };

  return async (header, token) => {
    if (clock() - knownAt >= KEYS_AGE_MAX_MS) {
      // A provider that answers is waited for; one that did not the last time is asked in the background.
      const isWaitedFor = !isKnown() || !isUnanswered();
      const asked = ask();
      if (isWaitedFor) await asked;
    }
    if (!isKnown()) throw unavailable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await ask();
    if (isUnanswered()) throw unavailable();
    return keys(header, token);
  };
}

function unavailable(): AppError {
  return new AppError("unavailable", "The identity provider cannot be reached to check this token. Try again.");
}

import { type Logger, pino } from "pino";

export type { Logger };

/**
 * The program's log: JSON lines on standard output, with fields for facts. What customers wrote
 * never gets here: no bodies, comments, addresses, tokens or signatures, and no URL, because a
 * query string may carry an e-mail address.
 */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
  });
}

/**
 * Errors keep their type, code and stack. A database error's own message and detail may quote the
 * row that failed, so only its place is kept.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const stack = error.stack?.split("\n").filter((line) => line.trimStart().startsWith("at "));
  const fromDatabase = "severity" in error && "routine" in error;
  const { code, constraint, table } = error as Error & { code?: unknown; constraint?: unknown; table?: unknown };
  return {
    type: error.name,
    ...(fromDatabase ? { constraint, table } : { message: error.message }),
    ...(code === undefined ? {} : { code }),
    stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

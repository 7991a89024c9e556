import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

/**
 * The program's log: JSON lines on standard output, with fields for facts. What customers wrote
 * never gets here: no bodies, comments, addresses, tokens or signatures, and no URL, because a
 * query string may carry an e-mail address.
 */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers,
    },
    standardOutput,
  );
}

/** In characters, far more than is logged in a turn. */
const UNWRITTEN_MAX = 16_000_000;

const standardOutput = writeByTurn();

/**
 * What is logged in one turn of the event loop goes out in one write: many requests are answered in one, and a write
 * for each costs a twentieth of the whole. Nothing is kept back longer: at the end it would be tried for ever where
 * nobody reads any more.
 */
function writeByTurn(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: UNWRITTEN_MAX });
  // A full disk, or a terminal that was closed, ends no service: what cannot be written is dropped.
  output.on("error", () => undefined);
  let lines = "";
  const write = () => {
    const text = lines;
    lines = "";
    if (text !== "") output.write(text);
  };
  process.once("exit", write);
  return {
    write: (line) => {
      if (lines === "") setImmediate(write);
      lines += line;
    },
  };
}

/** How what is logged is written. */
export const serializers = { err: describeError };

/**
 * Errors keep their type, code and stack. What a database error says may quote the row that failed, and
 * what a query error says quotes its parameters, so of those only the place is kept.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const stack = error.stack?.split("\n").filter((line) => line.trimStart().startsWith("at "));
  const { code, constraint, table } = error as Error & { code?: unknown; constraint?: unknown; table?: unknown };
  const quotes = "params" in error || ("severity" in error && "routine" in error);
  return {
    type: error.name,
    ...(quotes ? { constraint, table } : { message: error.message }),
    ...(code === undefined ? {} : { code }),
    stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

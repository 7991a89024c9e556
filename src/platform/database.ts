import { types as builtin, type CustomTypesConfig, Pool } from "pg";
import { Connection, endInSilence, limitSilence } from "./connection.ts";
import { AppError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { TurnSocket } from "./turnSocket.ts";

/** To get a connection, new or from the pool. */
export const CONNECT_TIMEOUT_MS = 8_000;
/**
 * Whoever uses a connection hears from it within so long. Longer than PostgreSQL itself lets a statement run (`beginning.ts`), so
 * it passes only where nothing comes back at all: then the connection is given up, and with it whatever had been asked on it.
 */
export const ANSWER_TIMEOUT_MS = 8_000;
/** A connection that nobody has used for so long is closed. Each knows the plans of our statements, which a new one makes anew. */
const IDLE_TIMEOUT_MS = 60_000;
/** So many stay, as many as the answers of one sender use at once: else the first after a quiet minute waits for all that. */
const KEPT_IDLE = 3;
/** A connection that is idle for so long is asked by the system whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Dates without a time stay text (a `Date` would move them across midnight), and counts become
 * numbers: no column of ours comes near 2^53.
 */
const PARSERS: Record<number, (text: string) => unknown> = {
  [builtin.builtins.DATE]: (text) => text,
  [builtin.builtins.INT8]: Number,
};

const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text") =>
    PARSERS[oid] ?? builtin.getTypeParser(oid, format)) as CustomTypesConfig["getTypeParser"],
};

export interface PoolOptions {
  connectionString: string;
  max: number;
  logger: Logger;
  /** To get a connection, new or from the pool. */
  connectTimeoutMs?: number;
}

/** Connections to PostgreSQL. They log in as the owner of the schema; work is done as one of the roles below. */
export function createPool({
  connectionString,
  max,
  logger,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
}: PoolOptions): Pool {
  const pool = new Pool({
    connectionString,
    max,
    types,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    min: Math.min(KEPT_IDLE, max),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    Client: Connection,
    // Statements that do not wait for one another travel together.
    pipeline: true,
    stream: () => new TurnSocket(),
  });
  // Without a listener a restart of PostgreSQL would end the process.
  pool.on("error", (error) => logger.warn({ err: error }, "idle database connection lost"));
  // The pool listens to those that nobody uses. One that breaks under a transaction, between two statements, would
  // end the process too; the next statement is told, and the connection is not used again.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("connect", endInSilence);
  pool.on("acquire", (client) => limitSilence(client, ANSWER_TIMEOUT_MS));
  pool.on("release", (_error, client) => limitSilence(client, 0));
  return pool;
}

/** As one of these every transaction of the service runs. */
export const WORKING_ROLES = ["afterscore_app", "afterscore_system"] as const;

/** How our connections appear in `pg_stat_activity`. */
export const APPLICATION_NAME = "afterscore";

/**
 * SQLSTATE classes after which the same transaction may succeed when it is run again: serialization
 * failure, deadlock, lock not available, a unique key that somebody else took meanwhile, and a row that somebody else
 * has deleted meanwhile, as erasing a person does.
 */
const RETRYABLE = new Set(["40001", "40P01", "55P03", "23505", "23503"]);

/** Whether the same transaction may succeed when it is run again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof ContendedError || isPlanLost(error) || RETRYABLE.has(sqlState(error) ?? "");
}

/** A pooler has given us another connection than the one that a statement was prepared on. */
export function isPlanLost(error: unknown): boolean {
  return ["26000", "42P05"].includes(sqlState(error) ?? "");
}

/** What a row refers to is not there: it was deleted a moment ago, or it is a mistake of ours and never will be. */
export function isReferenceMissing(error: unknown): boolean {
  return sqlState(error) === "23503";
}

/** Another transaction held what was wanted for longer than one waits. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === "55P03";
}

/** PostgreSQL has ended this one of two that waited for each other. */
export function isDeadlock(error: unknown): boolean {
  return sqlState(error) === "40P01";
}

/** The code of whatever is asked in a transaction that has failed. */
export const ABORTED = "25P02";

/** An earlier statement of the transaction has failed, and its error says why. */
export function isOfAborted(error: unknown): boolean {
  return sqlState(error) === ABORTED;
}

/** Somebody else was quicker, and what they did must be seen first: the transaction is to run again. */
export class ContendedError extends Error {}

/** Connection failures, shutdowns, exhausted resources and time-outs: our trouble, not the caller's. */
const UNAVAILABLE = /^(08|53|57|25|55P03|40)/;
const NETWORK = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "EPIPE", "EAI_AGAIN", "EHOSTUNREACH"]);
/** What the driver says, without a code, of a connection that is lost, cannot be had, or no longer answers. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (has encountered|was closed)|Cannot use a pool after calling end)/;

/** The database cannot be reached, refuses connections, or has ended this one; also where drizzle has wrapped the error. */
export function isLost(error: unknown): boolean {
  const code = sqlState(error) ?? "";
  return /^(08|53|57P)/.test(code) || NETWORK.has(code) || saysLost(error);
}

/**
 * Gives failures of the database their public form; any other error is returned as it is. Where the connection was lost
 * during COMMIT nobody knows whether it was done: that, too, is `unavailable`, and a retry by the same key finds out.
 */
export function asAppError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (isLost(error) || UNAVAILABLE.test(sqlState(error) ?? "")) {
    return new AppError("unavailable", "The database cannot be reached or is too busy. Try again.", { cause: error });
  }
  return error;
}

/** Whether the database itself is in trouble: gone, full, stopping, or writing nothing. No row is to blame for that. */
export function isOutage(error: unknown): boolean {
  return isLost(error) || sqlState(error) === "25006";
}

/** The driver has no code for it. */
function saysLost(error: unknown): boolean {
  return error instanceof Error && (LOST.test(error.message) || saysLost(error.cause));
}

/** The SQLSTATE or system error code, also where drizzle has wrapped the error. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" ? code : sqlState(error.cause);
}

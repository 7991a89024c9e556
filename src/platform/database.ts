import { types as builtin, type CustomTypesConfig, Pool } from "pg";
import { AppError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** To get a connection, new or from the pool. */
export const CONNECT_TIMEOUT_MS = 8_000;

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

/** Connections to PostgreSQL. They log in as the owner of the schema; work is done as the roles of `tenancy.ts`. */
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
    // Statements that do not wait for one another travel together.
    pipeline: true,
  });
  // Without a listener a restart of PostgreSQL would end the process.
  pool.on("error", (error) => logger.warn({ err: error }, "idle database connection lost"));
  // Nor one that is lost between two statements of a transaction: the next of them fails.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** How our connections appear in `pg_stat_activity`. */
export const APPLICATION_NAME = "afterscore";

/**
 * SQLSTATE classes after which the same transaction may succeed when it is run again: serialization
 * failure, deadlock, lock not available, and a unique key that somebody else took meanwhile.
 */
const RETRYABLE = new Set(["40001", "40P01", "55P03", "23505"]);

export function isRetryable(error: unknown): boolean {
  return error instanceof ContendedError || isPlanLost(error) || RETRYABLE.has(sqlState(error) ?? "");
}

/** A pooler has given us another connection than the one that a statement was prepared on. */
export function isPlanLost(error: unknown): boolean {
  return ["26000", "42P05"].includes(sqlState(error) ?? "");
}

/** Another transaction held what was wanted for longer than one waits. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === "55P03";
}

/** Somebody else was quicker, and what they did must be seen first: the transaction is to run again. */
export class ContendedError extends Error {}

/** Connection failures, shutdowns, exhausted resources and time-outs: our trouble, not the caller's. */
const UNAVAILABLE = /^(08|53|57|25|55P03|40)/;
const NETWORK = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "EPIPE", "EAI_AGAIN", "EHOSTUNREACH"]);

const LOST = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;

/** The database cannot be reached, refuses connections, or has ended this one. */
export function isLost(error: unknown): boolean {
  const code = sqlState(error) ?? "";
  return /^(08|53|57P)/.test(code) || NETWORK.has(code) || (error instanceof Error && LOST.test(error.message));
}

/** Gives failures of the database their public form; any other error is returned as it is. */
export function asAppError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (isLost(error) || UNAVAILABLE.test(sqlState(error) ?? "")) {
    return new AppError("unavailable", "The database cannot be reached or is too busy. Try again.", { cause: error });
  }
  return error;
}

/** The SQLSTATE or system error code, also where drizzle has wrapped the error. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" ? code : sqlState(error.cause);
}

import { fileURLToPath } from "node:url";
import type { Pool } from "pg";
import type { Environment } from "./platform/config.ts";
import { createPool } from "./platform/database.ts";
import { startEmbeddedPostgres } from "./platform/embeddedPostgres.ts";
import type { Logger } from "./platform/logger.ts";
import { migrate } from "./platform/migrate.ts";
import { within } from "./platform/within.ts";

/** Where a checkout keeps what it makes for itself: the embedded database and the demo key. */
export const HOME = fileURLToPath(new URL("../.afterscore", import.meta.url));

const POOL_SIZE = 10;
/** For connections that somebody still has to be given back. */
const POOL_END_MS = 1_000;
/** A replica that answers no sooner is none to wait for: the primary can be asked. */
const REPLICA_CONNECT_TIMEOUT_MS = 1_000;

export interface Database {
  pool: Pool;
  /** Of DATABASE_READ_URL, where there is one. */
  readPool: Pool | undefined;
  /** True without DATABASE_URL: the embedded PostgreSQL of this checkout. */
  embedded: boolean;
  close(): Promise<void>;
}

/** The migrated database of DATABASE_URL, or the embedded one, which is started when it is not running. */
export async function openDatabase(environment: Environment, logger: Logger): Promise<Database> {
  const embedded = environment.DATABASE_URL === undefined ? await startEmbeddedPostgres(HOME) : undefined;
  const url = environment.DATABASE_URL ?? embedded?.url ?? "";
  try {
    const direct = environment.DATABASE_DIRECT_URL ?? url;
    const onWaiting = () => logger.warn("waiting for another process that migrates the database");
    for (const name of await migrate(direct, environment.ALLOW_NEWER_DATABASE, onWaiting))
      logger.info({ migration: name }, "migrated");
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
  const pool = createPool({ connectionString: url, max: POOL_SIZE, logger });
  const readUrl = environment.DATABASE_READ_URL;
  const replica = { max: POOL_SIZE, logger, connectTimeoutMs: REPLICA_CONNECT_TIMEOUT_MS };
  const readPool = readUrl === undefined ? undefined : createPool({ connectionString: readUrl, ...replica });
  return {
    pool,
    readPool,
    embedded: embedded !== undefined,
    close: async () => {
      // What is still under way is undone by PostgreSQL.
      await within(POOL_END_MS, Promise.all([readPool?.end(), pool.end()])).catch(() => undefined);
      await embedded?.stop();
    },
  };
}

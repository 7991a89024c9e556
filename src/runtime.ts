import { fileURLToPath } from "node:url";
import type { Pool } from "pg";
import type { Environment } from "./platform/config.ts";
import { createPool } from "./platform/database.ts";
import { startEmbeddedPostgres } from "./platform/embeddedPostgres.ts";
import type { Logger } from "./platform/logger.ts";
import { migrate } from "./platform/migrate.ts";

/** Where a checkout keeps what it makes for itself: the embedded database and the demo key. */
export const HOME = fileURLToPath(new URL("../.afterscore", import.meta.url));

const POOL_SIZE = 10;

export interface Database {
  pool: Pool;
  /** True without DATABASE_URL: the embedded PostgreSQL of this checkout. */
  embedded: boolean;
  close(): Promise<void>;
}

/** The migrated database of DATABASE_URL, or the embedded one, which is started when it is not running. */
export async function openDatabase(environment: Environment, logger: Logger): Promise<Database> {
  const embedded = environment.DATABASE_URL === undefined ? await startEmbeddedPostgres(HOME) : undefined;
  const url = environment.DATABASE_URL ?? embedded?.url ?? "";
  try {
    for (const name of await migrate(environment.DATABASE_DIRECT_URL ?? url))
      logger.info({ migration: name }, "migrated");
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
  const pool = createPool({ connectionString: url, max: POOL_SIZE, logger });
  return {
    pool,
    embedded: embedded !== undefined,
    close: async () => {
      await pool.end();
      await embedded?.stop();
    },
  };
}

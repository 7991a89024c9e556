import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { isLost, isRetryable } from "./database.ts";
import { AppError } from "./errors.ts";

/** So long a read waits for the replica to catch up. */
const WAIT_MS = 100;
const LOOK_MS = 5;
/** So long a replica that cannot be reached is left alone. */
const REST_MS = 5_000;

/** Reads from one database, or from another where that cannot answer. */
export interface Replica {
  /**
   * Runs `read` on the replica once that has replayed what lies before `position`, where one is given; on the primary
   * where it does not within 100 ms, cannot be reached, or gives the read up for what it replays meanwhile.
   */
  read<T>(position: string | null, read: (from: Pool) => Promise<T>): Promise<T>;
}

/** @param replica of one server: what one connection has seen replayed must hold for the next */
export function createReplica(replica: Pool, primary: Pool): Replica {
  let restsUntil = 0;
  return {
    read: async (position, read) => {
      if (performance.now() < restsUntil) return read(primary);
      try {
        if (position === null || (await hasReplayed(replica, position))) return await read(replica);
      } catch (error) {
        const cause = error instanceof AppError ? error.cause : error;
        // A read that was only in the way of replaying says nothing about the next one.
        if (isLost(cause)) restsUntil = performance.now() + REST_MS;
        else if (!isRetryable(cause)) throw error;
      }
      return read(primary);
    },
  };
}

/** Whether it has by now, or within the time one waits; a replica that was promoted has what it has written. */
async function hasReplayed(replica: Pool, position: string): Promise<boolean> {
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const { rows } = await replica.query<{ has: boolean | null }>(
      `/* platform.findReplayed */ select $1::pg_lsn <=
         case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end as has`,
      [position],
    );
    if (rows[0]?.has === true) return true;
    if (performance.now() >= until) return false;
    await sleep(LOOK_MS);
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";
import { setWorkspace } from "../platform/beginning.ts";
import { limitSilence } from "../platform/connection.ts";
import { isRetryable } from "../platform/database.ts";
import { listTables, parentsFirst } from "../platform/distribute.ts";
import { awaitingWriters } from "../platform/writers.ts";

/** Of one table: it may be of many millions of rows. */
const DELETION_TIMEOUT_MS = 3_600_000;
/** What a request had begun before has ended by then, or was ended. */
const WAIT_MS = 15_000;
const LOOK_MS = 100;
const ATTEMPTS_MAX = 20;

/**
 * Deletes a workspace and everything in it, without trace; false where there is nothing with this id. Done
 * as the owner of the tables, who alone may delete from all of them. A table is emptied before those
 * that it refers to. While that goes on nobody records answers in it, and what somebody else was writing meanwhile goes
 * when they have ended.
 */
export async function deleteWorkspace(pool: Pool, id: string): Promise<boolean> {
  const client = await pool.connect();
  limitSilence(client, DELETION_TIMEOUT_MS);
  try {
    const { isFound, transaction } = await patiently(client, id, async () => {
      await client.query(awaitingWriters(id));
      const count = await emptyTables(client, id);
      const { rowCount } = await client.query("delete from workspaces where id = $1", [id]);
      const { rows } = await client.query<{ id: string }>("select pg_current_xact_id()::text as id");
      return { isFound: rowCount === 1 || count > 0, transaction: rows[0]?.id };
    });
    if (!isFound) return false;
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until && !(await haveEndedSince(client, transaction))) await sleep(LOOK_MS);
    await patiently(client, id, () => emptyTables(client, id));
    return true;
  } finally {
    client.release();
  }
}

/** Again, where somebody was writing what refers to what has just gone. */
async function patiently<T>(client: PoolClient, id: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(client, id, work);
    } catch (error) {
      if (!isRetryable(error) || attempt === ATTEMPTS_MAX) throw error;
      await sleep(LOOK_MS);
    }
  }
}

async function inTransaction<T>(client: PoolClient, id: string, work: () => Promise<T>): Promise<T> {
  try {
    await client.query("begin");
    await client.query(setWorkspace(id));
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** @returns how many rows were in them */
async function emptyTables(client: PoolClient, id: string): Promise<number> {
  const tables = parentsFirst(await listTables(client)).filter(({ hasWorkspaceId }) => hasWorkspaceId);
  let count = 0;
  for (const { name } of tables.toReversed()) {
    const { rowCount } = await client.query(`delete from ${name} where workspace_id = $1`, [id]);
    count += rowCount ?? 0;
  }
  return count;
}

/** Whether all transactions that were under way when this one was have ended. */
async function haveEndedSince(client: PoolClient, transaction: string | undefined): Promise<boolean> {
  const { rows } = await client.query<{ have: boolean }>(
    "select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 as have",
    [transaction],
  );
  return rows[0]?.have === true;
}

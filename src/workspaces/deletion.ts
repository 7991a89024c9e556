import type { Pool } from "pg";
import { setWorkspace } from "../platform/beginning.ts";
import { limitSilence } from "../platform/connection.ts";
import { listTables, parentsFirst } from "../platform/distribute.ts";

/** Of one table: it may be of many millions of rows. */
const DELETION_TIMEOUT_MS = 3_600_000;

/**
 * Deletes a workspace and everything in it, without trace; false when there is none with this id. Done
 * as the owner of the tables, who alone may delete from all of them. A table is emptied before those
 * that it refers to.
 */
export async function deleteWorkspace(pool: Pool, id: string): Promise<boolean> {
  const client = await pool.connect();
  limitSilence(client, DELETION_TIMEOUT_MS);
  try {
    await client.query("begin");
    await client.query(setWorkspace(id));
    const tables = parentsFirst(await listTables(client)).filter(({ hasWorkspaceId }) => hasWorkspaceId);
    for (const { name } of tables.toReversed()) {
      const text = `delete from ${name} where workspace_id = $1`;
      await client.query(text, [id]);
    }
    const { rowCount } = await client.query("delete from workspaces where id = $1", [id]);
    await client.query("commit");
    return rowCount === 1;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

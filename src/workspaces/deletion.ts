import type { Pool } from "pg";

/** Of one table: it may be of many millions of rows. */
const DELETION_TIMEOUT_MS = 3_600_000;

/**
 * Deletes a workspace and everything in it, without trace; false when there is none with this id. Done
 * as the owner of the tables, who alone may delete from all of them. Tables are emptied in the reverse
 * order of their making, because a table refers to older ones only.
 */
export async function deleteWorkspace(pool: Pool, id: string): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('app.workspace_id', $1, true)", [id]);
    const { rows } = await client.query<{ name: string }>(
      `/* workspaces.listTables */ select quote_ident(relname) as name from pg_class
       join pg_attribute on attrelid = pg_class.oid and attname = 'workspace_id' and not attisdropped
       where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace order by pg_class.oid desc`,
    );
    for (const { name } of rows) {
      const text = `delete from ${name} where workspace_id = $1`;
      await client.query({ text, values: [id], query_timeout: DELETION_TIMEOUT_MS });
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

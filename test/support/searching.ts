import { Client } from "pg";

/** Where something stands: `schema.table.column`. */
export type Place = string;

/**
 * Every column that holds text in any form, in every table of every schema, in which the pattern is found. Read as the
 * owner with row-level security off, which is undone at the end; bytes are also read as UTF-8.
 * @param pattern a regular expression of PostgreSQL, in any case
 */
export async function searchDatabase(url: string, pattern: string): Promise<Place[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where relkind = 'r' and relforcerowsecurity`,
    );
    for (const { name } of tables) await client.query(`alter table ${name} no force row level security`);
    const { rows: columns } = await client.query<{ place: string; table: string; name: string; isBytes: boolean }>(
      `select format('%s.%s.%s', nspname, relname, attname) as place, format('%I.%I', nspname, relname) as table,
         format('%I', attname) as name, atttypid = 'bytea'::regtype as "isBytes"
       from pg_attribute join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace
       where relkind in ('r', 'p') and attnum > 0 and not attisdropped and nspname not in ('pg_catalog', 'information_schema')
         and nspname not like 'pg\\_%'
         and atttypid = any (array['text', 'varchar', 'json', 'jsonb', 'bytea', 'text[]', 'name']::regtype[])`,
    );
    if (columns.length < 50) throw new Error(`only ${columns.length} columns were looked at`);
    const found: Place[] = [];
    for (const { place, table, name, isBytes } of columns) {
      const text = isBytes ? `encode(${name}, 'escape')` : `${name}::text`;
      const { rows } = await client.query(`select 1 from ${table} where ${text} ~* $1 limit 1`, [pattern]);
      if (rows.length > 0) found.push(place);
    }
    return found.toSorted();
  } finally {
    await client.query("rollback");
    await client.end();
  }
}

import { rm } from "node:fs/promises";
import { Client } from "pg";

/** Tables of the one database's rows, and how long the other took to copy them in. */
export interface Copied {
  rows: number;
  milliseconds: number;
}

/**
 * Copies all rows of the first database into the second, which has the same tables and indexes and no rows, by COPY
 * from files of the server's, table by table, each after those that it refers to. Only the way in is timed.
 * @param adminUrls as a superuser: COPY is refused to whom row-level security binds
 */
export async function copyRows([from, to]: readonly [string, string]): Promise<Copied> {
  const source = new Client({ connectionString: from });
  const target = new Client({ connectionString: to });
  await Promise.all([source.connect(), target.connect()]);
  const files: string[] = [];
  try {
    const folder = (await source.query<{ data_directory: string }>("show data_directory")).rows[0]?.data_directory;
    const fileOf = (table: string) => `${folder}/bench-${table}.copy`;
    const tables: string[] = [];
    for (const table of await tablesInOrder(source)) {
      const { rowCount } = await source.query(`copy ${table} to '${fileOf(table)}'`);
      files.push(fileOf(table));
      if (rowCount !== 0) tables.push(table);
    }
    // Neither way in pays for what was written before it.
    await target.query("checkpoint");
    let rows = 0;
    const startedAt = performance.now();
    for (const table of tables) rows += (await target.query(`copy ${table} from '${fileOf(table)}'`)).rowCount ?? 0;
    return { rows, milliseconds: performance.now() - startedAt };
  } finally {
    await Promise.all([source.end(), target.end(), ...files.map((file) => rm(file, { force: true }))]);
  }
}

/** The tables by the keys between them: none before one that it refers to. */
async function tablesInOrder(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; parents: string[] }>(`
    select relname as name, array(select confrelid::regclass::text from pg_constraint
      where conrelid = pg_class.oid and contype = 'f' and confrelid <> conrelid) as parents
    from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'schema_migrations'
    order by relname`);
  const parentsOf = new Map(rows.map(({ name, parents }) => [name, parents]));
  const ordered = new Set<string>();
  const add = (name: string) => {
    if (ordered.has(name)) return;
    for (const parent of parentsOf.get(name) ?? []) add(parent);
    ordered.add(name);
  };
  for (const { name } of rows) add(name);
  return [...ordered];
}

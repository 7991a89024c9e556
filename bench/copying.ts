import { rm } from "node:fs/promises";
import { Client } from "pg";
import { listTables, parentsFirst } from "../src/platform/distribute.ts";

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
    for (const { name: table } of parentsFirst(await listTables(source))) {
      if (table === "schema_migrations") continue;
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

import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** The types of our columns, as they stand in a cast. */
type ColumnType =
  | "uuid"
  | "text"
  | "smallint"
  | "integer"
  | "bigint"
  | "boolean"
  | "double precision"
  | "date"
  | "timestamptz"
  | "bytea"
  | "jsonb";

/**
 * Rows given column by column, as a table for `from`: any number of rows is one statement with one
 * parameter a column, so its plan and its text stay the same. Every list has the same length.
 */
export function unnest(columns: Record<string, [ColumnType, readonly unknown[]]>): SQL {
  const lists = Object.values(columns).map(([type, values]) => sql`${sql.param(values)}::${sql.raw(type)}[]`);
  const names = Object.keys(columns).map((name) => sql.identifier(name));
  return sql`unnest(${sql.join(lists, sql`, `)}) as input (${sql.join(names, sql`, `)})`;
}

/** A list as one parameter: `column = any(list)`. */
export function anyOf(type: ColumnType, values: readonly unknown[]): SQL {
  return sql`any(${sql.param(values)}::${sql.raw(type)}[])`;
}

/** Columns by the names that the code has for them, for raw SQL. */
export function selected(columns: Record<string, PgColumn>): SQL {
  const each = Object.entries(columns).map(([name, column]) => sql`${column} as ${sql.identifier(name)}`);
  return sql.join(each, sql`, `);
}

/** The values that are there, each once and in order: statements that lock take their rows in one order. */
export function distinct(values: readonly (string | null | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => value ?? []))].toSorted();
}

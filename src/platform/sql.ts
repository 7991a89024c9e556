import { getTableName, not, type SQL, sql } from "drizzle-orm";
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

type Value = string | number | boolean | Date | Buffer | null | undefined;

/**
 * Rows given column by column, as a table for `from`: any number of rows is one statement with one
 * parameter a column, so its plan and its text stay the same. Every list has the same length.
 */
export function unnest(columns: Record<string, [ColumnType, readonly Value[]]>): SQL {
  const lists: Column[] = [];
  const documents: Column[] = [];
  for (const [name, [type, values]] of Object.entries(columns)) {
    const isDocument = type === "jsonb" && values.every((value) => typeof value === "string");
    if (isDocument) documents.push({ name, type, list: `[${values.join(",")}]` });
    else lists.push({ name, type, list: toLiteral(type, values) });
  }
  const arrays = lists.flatMap(({ type, list }, n) => [sql.param(list), sql.raw(`::${type}[]${comma(n, lists)}`)]);
  const as = sql.raw(`) as input (${namesOf([...lists, ...documents].map(({ name }) => name))})`);
  if (documents.length === 0) return sql.join([sql.raw("unnest("), ...arrays, as]);
  // One JSON text instead of a list of many: in a list every quotation mark is written, and read, with a backslash.
  const elements = documents.flatMap(({ list }) => [
    sql.raw(", jsonb_array_elements("),
    sql.param(list),
    sql.raw("::jsonb)"),
  ]);
  return sql.join([sql.raw("rows from (unnest("), ...arrays, sql.raw(")"), ...elements, as]);
}

interface Column {
  name: string;
  type: ColumnType;
  list: string;
}

function comma(n: number, all: readonly unknown[]): string {
  return n === all.length - 1 ? "" : ", ";
}

/**
 * The same for `insert`: rows to come, each with the `workspace_id` that all of them have. It is read from `workspaces`, because
 * then Citus hands the statement on to the server where that lies. Where it is a parameter Citus collects the rows and
 * copies them, which row-level security refuses.
 */
export function newRows(workspaceId: string, columns: Parameters<typeof unnest>[0]): SQL {
  return sql`(select id as workspace_id from workspaces where id = ${workspaceId}) as own, ${unnest(columns)}`;
}

/** Names of columns, apart by commas. */
export function namesOf(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** The types whose values need no quotes in a list. */
const BARE = new Set<ColumnType>(["uuid", "smallint", "integer", "bigint", "boolean", "double precision"]);

/** A list as PostgreSQL writes it. pg would do the same by looking at each value anew, which costs more than the query. */
function toLiteral(type: ColumnType, values: readonly Value[]): string {
  const isBare = BARE.has(type);
  let list = "";
  for (const value of values) {
    if (list !== "") list += ",";
    if (value === null || value === undefined) list += "NULL";
    else if (isBare) list += String(value);
    else if (value instanceof Date) list += `"${value.toISOString()}"`;
    else if (Buffer.isBuffer(value)) list += quote(toHex(value));
    else list += quote(String(value));
  }
  return `{${list}}`;
}

function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, "\\$&") : text}"`;
}

function toHex(bytes: Buffer): string {
  return `\\x${bytes.toString("hex")}`;
}

/** A list as one parameter. */
export function listOf(type: ColumnType, values: readonly Value[]): SQL {
  return sql.join([sql.param(toLiteral(type, values)), sql.raw(`::${type}[]`)]);
}

/** One of a list: `column = any(list)`. */
export function anyOf(type: ColumnType, values: readonly Value[]): SQL {
  return sql`any(${listOf(type, values)})`;
}

/** A term of a filter: that a column has one of these values. Without values it asks for nothing. */
export function oneOf(column: PgColumn, values: readonly Value[] | undefined, type: ColumnType = "text") {
  return values && sql`${column} = ${anyOf(type, values)}`;
}

/** A term of a filter: that this holds, or that it does not; undefined asks for nothing. */
export function holds(condition: SQL, wanted: boolean | undefined): SQL | undefined {
  return wanted === undefined ? undefined : wanted ? condition : not(condition);
}

/** Columns by the names that the code has for them, for raw SQL. */
export function selected(columns: Record<string, PgColumn>): SQL {
  const each = Object.entries(columns).map(
    ([name, column]) => `"${getTableName(column.table)}"."${column.name}" as "${name}"`,
  );
  return sql.raw(each.join(", "));
}

/** The values that are there, each once and in order: statements that lock take their rows in one order. */
export function distinct(values: readonly (string | null | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => value ?? []))].toSorted();
}

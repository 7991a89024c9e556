import { getTableName, not, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { Statement, statement, verbatim } from "./statement.ts";

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

/** Rows, column by column: every list has the same length. */
export type Columns = Record<string, [ColumnType, readonly Value[]]>;

const tables = new Map<string, readonly string[]>();

/**
 * Rows given column by column, as a table for `from`: any number of rows is one statement with one
 * parameter a column, so its plan and its text stay the same.
 */
export function unnest(columns: Columns): Statement {
  const lists: string[] = [];
  const documents: string[] = [];
  let shape = "";
  for (const [name, [type, values]] of Object.entries(columns)) {
    const isDocument = isOfDocuments(type, values);
    shape += `${name} ${type}${isDocument ? "!" : ""},`;
    if (isDocument) documents.push(`[${values.join(",")}]`);
    else lists.push(toLiteral(type, values));
  }
  const texts = tables.get(shape) ?? textsOf(columns);
  tables.set(shape, texts);
  return new Statement(texts, [...lists, ...documents]);
}

/**
 * Whether it travels as one JSON text instead of a list of many: in a list every quotation mark is written, and read,
 * with a backslash.
 */
function isOfDocuments(type: ColumnType, values: readonly Value[]): boolean {
  return type === "jsonb" && values.every((value) => typeof value === "string");
}

/** What stands around the lists, and around the documents behind them. */
function textsOf(columns: Columns): readonly string[] {
  const all = Object.entries(columns);
  const documents = all.filter(([, column]) => isOfDocuments(...column));
  const lists = all.filter(([, column]) => !isOfDocuments(...column));
  const arrays = lists.map(([, [type]]) => `?::${type}[]`).join(", ");
  const elements = documents.map(() => ", jsonb_array_elements(?::jsonb)").join("");
  const rows = documents.length === 0 ? `unnest(${arrays})` : `rows from (unnest(${arrays})${elements})`;
  return `${rows} as input (${namesOf([...lists, ...documents].map(([name]) => name))})`.split("?");
}

/**
 * The same for `insert`: rows to come, each with the `workspace_id` that all of them have. It is read from `workspaces`, because
 * then Citus hands the statement on to the server where that lies. Where it is a parameter Citus collects the rows and
 * copies them, which row-level security refuses.
 */
export function newRows(workspaceId: string, columns: Columns): Statement {
  return statement`(select id as workspace_id from workspaces where id = ${workspaceId}) as own, ${unnest(columns)}`;
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
export function listOf(type: ColumnType, values: readonly Value[]): Statement {
  return statement`${toLiteral(type, values)}::${verbatim(type)}[]`;
}

/** One of a list: `column = any(list)`. */
export function anyOf(type: ColumnType, values: readonly Value[]): Statement {
  return statement`any(${listOf(type, values)})`;
}

type Identified = "accounts" | "cases" | "people" | "responses";

/**
 * The row of this id, as a table of its own in a `lateral`: found by itself, because a plan for any number of ids may come to read
 * all there are. It is asked for in an order, which only the index by id has: while nobody has analyzed the table each
 * index looks as good, and plans are kept.
 * @param id an expression
 */
export function rowOf(table: Identified, workspaceId: string, id: string, locking = verbatim("")): Statement {
  return statement`(
    select * from ${verbatim(table)} where workspace_id = ${workspaceId} and id between ${verbatim(id)} and ${verbatim(id)}
    order by id limit 1 ${locking}
  ) as ${verbatim(table)}`;
}

/** The rows of these ids, in no order. */
export function rowsOf(table: Identified, workspaceId: string, ids: Statement): Statement {
  return statement`unnest(${ids}) as wanted (id) cross join lateral ${rowOf(table, workspaceId, "wanted.id")}`;
}

/** A term of a filter: that a column has one of these values. Without values it asks for nothing. */
export function oneOf(column: PgColumn, values: readonly Value[] | undefined, type: ColumnType = "text") {
  return values && sql`${column} = ${anyOf(type, values)}`;
}

/** A term of a filter: that this holds, or that it does not; undefined asks for nothing. */
export function holds(condition: SQL, wanted: boolean | undefined): SQL | undefined {
  return wanted === undefined ? undefined : wanted ? condition : not(condition);
}

/** Columns by the names that the code has for them. */
export function selected(columns: Record<string, PgColumn>): Statement {
  const each = Object.entries(columns).map(
    ([name, column]) => `"${getTableName(column.table)}"."${column.name}" as "${name}"`,
  );
  return verbatim(each.join(", "));
}

/** The values that are there, each once and in order: statements that lock take their rows in one order. */
export function distinct(values: readonly (string | null | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => value ?? []))].toSorted();
}

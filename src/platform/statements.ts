import { createHash } from "node:crypto";
import { Column, getTableName, Name, Param, SQL, StringChunk, Table } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { PgDialect } from "drizzle-orm/pg-core";
import type { PoolClient } from "pg";
import { ANSWER_TIMEOUT_MS } from "./database.ts";
import type { Tx } from "./tenancy.ts";
import { together } from "./together.ts";

const dialect = new PgDialect();

/** How the work of a transaction talks to its connection. */
export function queriesOf(client: PoolClient): Omit<Tx, "now"> {
  let timeout: { query_timeout?: number } = {};
  const run = async <Row extends object>(statement: SQL): Promise<Row[]> => {
    const { text, params } = compile(statement);
    return (await client.query<Row>({ text, values: params, ...timeout })).rows;
  };
  const prepared = async <Row extends object>(statement: SQL): Promise<Row[]> => {
    const { text, params } = compile(statement);
    const name = arePlansKept ? { name: nameOf(text) } : {};
    return (await client.query<Row>({ ...name, text, values: params })).rows;
  };
  const writes: SQL[] = [];
  const flush = async <Row extends object>(last?: SQL): Promise<Row[]> => {
    const put = [...writes.splice(0), ...(last === undefined ? [] : [last])];
    const results = await together(put.map((write) => prepared<Row>(write)));
    return last === undefined ? [] : (results.at(-1) ?? []);
  };
  return {
    db: drizzle(client),
    run,
    prepared,
    later: (write) => writes.push(write),
    flush,
    allowTime: async (milliseconds) => {
      await client.query(`set local statement_timeout = ${Math.round(milliseconds)}`);
      timeout = { query_timeout: milliseconds + ANSWER_TIMEOUT_MS };
    },
    attempt: async (work) => {
      await flush();
      await client.query("savepoint attempt");
      try {
        const result = await work();
        await flush();
        await client.query("release savepoint attempt");
        return result;
      } catch (error) {
        writes.length = 0;
        await client.query("rollback to savepoint attempt; release savepoint attempt");
        throw error;
      }
    },
  };
}

/**
 * The text and parameters of a statement, as drizzle makes them. Of what our statements mostly consist, text and
 * parameters by the hundred, this takes a thirtieth of drizzle's time; anything else is left to it.
 */
export function compile(statement: SQL): { text: string; params: unknown[] } {
  const params: unknown[] = [];
  let text = "";
  const isPlain = (chunks: readonly unknown[]): boolean =>
    chunks.every((chunk) => {
      if (chunk instanceof StringChunk) text += chunk.value.join("");
      else if (chunk instanceof Name) text += dialect.escapeName(chunk.value);
      else if (chunk instanceof SQL) return !isInlined(chunk) && isPlain(chunk.queryChunks);
      else if (chunk instanceof Table) text += dialect.escapeName(getTableName(chunk));
      else if (chunk instanceof Column) text += `"${getTableName(chunk.table)}"."${chunk.name}"`;
      else if (chunk instanceof Param) text += `$${params.push(toDriver(chunk))}`;
      else if (isValue(chunk)) text += `$${params.push(chunk)}`;
      else return false;
      return true;
    });
  if (isPlain(statement.queryChunks)) return { text, params };
  const whole = dialect.sqlToQuery(statement);
  return { text: whole.sql, params: whole.params };
}

function toDriver({ value, encoder }: Param): unknown {
  return value === null ? null : encoder.mapToDriverValue(value);
}

/** Drizzle's own mark, which is not among its types. */
function isInlined(statement: SQL): boolean {
  return Reflect.get(statement, "shouldInlineParams") === true;
}

function isValue(chunk: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof chunk) || chunk === null || chunk instanceof Date;
}

/** Until a pooler turns out to forward no prepared statements: then each is planned anew. */
let arePlansKept = true;
const names = new Map<string, string>();

/** A connection has lost a plan: whoever comes after it makes no more. */
export function keepNoPlans(): void {
  arePlansKept = false;
}

/** The name of a prepared statement: of another text another one, whoever shares the connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? createHash("sha256").update(text).digest("base64url").slice(0, 22);
  names.set(text, name);
  return name;
}

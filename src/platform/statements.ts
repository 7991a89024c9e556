import { createHash } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { PgDialect } from "drizzle-orm/pg-core";
import type { PoolClient } from "pg";
import { ANSWER_TIMEOUT_MS } from "./database.ts";
import type { Tx } from "./tenancy.ts";

const dialect = new PgDialect();

/** How the work of a transaction talks to its connection. */
export function queriesOf(client: PoolClient): Omit<Tx, "now"> {
  let timeout: { query_timeout?: number } = {};
  const run = async <Row extends object>(statement: SQL): Promise<Row[]> => {
    const { sql: text, params } = dialect.sqlToQuery(statement);
    return (await client.query<Row>({ text, values: params, ...timeout })).rows;
  };
  const prepared = async <Row extends object>(statement: SQL): Promise<Row[]> => {
    const { sql: text, params } = dialect.sqlToQuery(statement);
    const name = arePlansKept ? { name: nameOf(text) } : {};
    return (await client.query<Row>({ ...name, text, values: params })).rows;
  };
  const writes: SQL[] = [];
  const flush = async <Row extends object>(last?: SQL): Promise<Row[]> => {
    const put = [...writes.splice(0), ...(last === undefined ? [] : [last])];
    const main = put.pop();
    if (main === undefined) return [];
    const others = put.map((write, n) => sql`${sql.identifier(`write_${n}`)} as (${write})`);
    return prepared<Row>(others.length === 0 ? main : sql`with ${sql.join(others, sql`, `)} ${main}`);
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

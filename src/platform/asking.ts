import type { SQL } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { PgDialect } from "drizzle-orm/pg-core";
import { type PoolClient, Query } from "pg";
import { answerTo, limitSilence } from "./connection.ts";
import { ANSWER_TIMEOUT_MS } from "./database.ts";
import { compile, Statement } from "./statement.ts";
import type { Tx } from "./tenancy.ts";
import { together } from "./together.ts";

const dialect = new PgDialect();
const databases = new WeakMap<PoolClient, NodePgDatabase>();

/** How the work of a transaction talks to its connection. */
export function queriesOf(client: PoolClient): Omit<Tx, "now"> {
  const run = async <Row extends object>(asked: SQL | Statement): Promise<Row[]> => {
    if (asked instanceof Statement) return ask(client, { ...compile(asked), name: undefined });
    const { sql: text, params: values } = dialect.sqlToQuery(asked);
    return ask(client, { text, values });
  };
  const prepared = async <Row extends object>(statement: Statement): Promise<Row[]> => {
    const { text, values, name } = compile(statement);
    return ask(client, { text, values, name: arePlansKept ? name : undefined });
  };
  const writes: PutOff[] = [];
  const flush = async (): Promise<void> => {
    const put = writes.splice(0).flatMap(({ rows, write }) => write(rows));
    await together(put.map((write) => prepared(write)));
  };
  return {
    db: databaseOf(client),
    run,
    prepared,
    later: (write) => writes.push({ rows: [], write: () => [write] }),
    laterWith: (kind, rows, write) => {
      const same = writes.find((one) => one.kind === kind);
      if (same === undefined) writes.push({ kind, rows: [...rows], write: write as PutOff["write"] });
      else same.rows.push(...rows);
    },
    flush,
    allowTime: async (milliseconds) => {
      await client.query(`set local statement_timeout = ${Math.round(milliseconds)}`);
      limitSilence(client, milliseconds + ANSWER_TIMEOUT_MS);
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

/** What is written with the next flush. */
interface PutOff {
  kind?: string;
  rows: unknown[];
  write: (rows: readonly unknown[]) => Statement[];
}

function databaseOf(client: PoolClient): NodePgDatabase {
  const database = databases.get(client) ?? drizzle(client);
  databases.set(client, database);
  return database;
}

interface Asked {
  text: string;
  values: unknown[];
  /** Of a statement that the connection keeps. */
  name?: string | undefined;
  /** In several messages also where it has no values. */
  queryMode?: "extended";
}

/** Asks one thing. Of a description the driver would make itself a copy, property by property, which takes longer than sending it. */
export async function ask<Row extends object>(client: PoolClient, { text, values, ...options }: Asked): Promise<Row[]> {
  const { rows } = await answerTo<Row>((tell) => client.query(Object.assign(new Query(text, values, tell), options)));
  return rows;
}

/** Until a pooler turns out to forward no prepared statements: then each is planned anew. */
let arePlansKept = true;

/** A connection has lost a plan: whoever comes after it makes no more. */
export function keepNoPlans(): void {
  arePlansKept = false;
}

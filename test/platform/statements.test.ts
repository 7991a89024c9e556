import { eq, type SQL, sql } from "drizzle-orm";
import { alias, PgDialect } from "drizzle-orm/pg-core";
import t from "tap";
import { cases } from "../../src/cases/table.ts";
import { anyOf, selected, unnest } from "../../src/platform/sql.ts";
import { compile } from "../../src/platform/statements.ts";

const dialect = new PgDialect();
const now = new Date();
const later = alias(cases, "later");

/** What statements of ours are made of, and what they are not. */
const STATEMENTS: Record<string, SQL> = {
  "text and values": sql`select ${1}, ${"it's"}, ${true}, ${null}, ${now}`,
  lists: sql`insert into x select a from ${unnest({ a: ["text", ['q"', null]], b: ["timestamptz", [now, now]] })}`,
  "tables and columns": sql`select ${selected({ id: cases.id })} from ${cases} where ${cases.id} = ${anyOf("uuid", [])}`,
  "names and statements within": sql`with ${sql.identifier('a"b')} as (${sql`select ${1}`}) select ${sql.raw("2")}, ${3}`,
  "a value as its column takes it": sql`select ${sql.param(now, cases.openedAt)}, ${sql.param(null, cases.openedAt)}`,
  "what is left to drizzle": sql`select ${1} where x in ${["a", "b"]} and ${undefined} y = ${sql`${2}`.inlineParams()}`,
  "values within the text": sql`select ${sql`${2}`.inlineParams()}, ${3}`,
  aliases: sql`select ${later.id} from ${cases} as ${later} where ${eq(later.id, cases.id)}`,
  "what has a name": sql`select ${sql`count(${cases.id})`.as("n")}, ${5}`,
};

t.test("a statement is compiled as drizzle would", async (t) => {
  for (const [name, statement] of Object.entries(STATEMENTS)) {
    const { sql: text, params } = dialect.sqlToQuery(statement);
    t.same(compile(statement), { text, params }, name);
  }
});

import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import t from "tap";
import { anyOf, newRows, unnest } from "../../src/platform/sql.ts";
import { compile, joined, type Statement, statement, verbatim } from "../../src/platform/statement.ts";

const dialect = new PgDialect();
const now = new Date();
const list = (values: readonly (string | null)[]) => statement`select ${1} where x = ${anyOf("text", values)}`;
const either = (value: string | Statement) => statement`select ${value}, ${value}`;
const rows = (documents: readonly (string | null)[]) =>
  statement`insert into x select a from ${unnest({ a: ["timestamptz", documents.map(() => now)], b: ["jsonb", documents] })}`;

t.test("values become parameters, and statements stand where they are", async (t) => {
  const { text, values } = compile(statement`select ${1}, (${statement`select ${"it's"}`}), ${null}, ${now}`);
  t.equal(text, "select $1, (select $2), $3, $4");
  t.same(values, [1, "it's", null, now]);
});

t.test("rows are a parameter a column, documents as one", async (t) => {
  const { text, values } = compile(rows(['{"q":"\\""}', "2"]));
  const expected = "rows from (unnest($1::timestamptz[]), jsonb_array_elements($2::jsonb)) as input";
  t.equal(text, `insert into x select a from ${expected} ("a", "b")`);
  t.same(values, [`{"${now.toISOString()}","${now.toISOString()}"}`, '[{"q":"\\""},2]']);
  t.equal(
    compile(rows(["2", null])).text,
    'insert into x select a from unnest($1::timestamptz[], $2::jsonb[]) as input ("a", "b")',
  );
});

t.test("what is asked again with other values has the same name, and of another text another", async (t) => {
  t.equal(compile(list(["a"])).name, compile(list(["b", null])).name);
  t.same(compile(list(["b", null])).values, [1, '{"b",NULL}']);
  const both = [either("a"), either(verbatim("a")), either(verbatim("b")), joined([list([]), list([])], " union ")];
  const kinds = [...both, joined([list([])], " union "), rows(["1"]), rows([null])];
  const compiled = kinds.map((kind) => compile(kind));
  t.equal(new Set(compiled.map(({ name }) => name)).size, kinds.length);
  t.equal(new Set(compiled.map(({ text }) => text)).size, kinds.length);
});

t.test("a value and a statement in each other's place are told apart", async (t) => {
  const pair = (a: string | Statement, b: string | Statement) => statement`${a}, ${b}`;
  const one = statement`f(${"x"})`;
  t.equal(compile(pair(one, "y")).text, "f($1), $2");
  t.equal(compile(pair("y", one)).text, "$1, f($2)");
});

t.test("within SQL of drizzle's it is the same", async (t) => {
  for (const asked of [
    list(["a"]),
    rows(["1"]),
    newRows("w", { a: ["text", ["b"]] }),
    joined([list([]), list([])], ", "),
  ]) {
    const { sql: text, params } = dialect.sqlToQuery(sql`${asked}`);
    const { name: _name, ...compiled } = compile(asked);
    t.same({ text, values: params }, compiled);
  }
});

import t from "tap";
import { readMigrations, statementsOf } from "../src/platform/migrate.ts";

/** The files before it are the first release, which no other runs beside. */
const FIRST_LINTED = 23;

const NEW_TABLE = /\bcreate (?:unlogged )?table (?:if not exists )?"?(\w+)"?/gi;

/** A statement without comments, in lower case and on one line. */
function plain(statement: string): string {
  return statement.replaceAll(/--.*/g, "").replaceAll(/\s+/g, " ").trim().toLowerCase();
}

/** What a file does that would stop the release before it, or make it wait. */
function faultsOf(sql: string): string[] {
  const isAlone = sql.startsWith("-- no transaction");
  const statements = statementsOf(sql).map(plain);
  const made = new Set([...statements.join(";").matchAll(NEW_TABLE)].map(([, name]) => name));
  const faults: string[] = [];
  if (!/^-- \S.{20,}/.test(isAlone ? (sql.split("\n")[1] ?? "") : sql)) {
    faults.push("does not begin with its reason");
  }
  if (isAlone && statements.length > 1) faults.push("more than one statement without a transaction");
  for (const text of statements) {
    const fault = (pattern: RegExp, reason: string) => {
      if (pattern.test(text)) faults.push(`${reason}: ${text.slice(0, 60)}`);
    };
    fault(/\bcreate (?:or replace )?(?:constraint )?trigger\b/, "a trigger");
    fault(/\bcreate sequence\b|\b(?:big|small)?serial\b|\bgenerated (?:always|by default) as identity\b/, "a sequence");
    fault(/\bcreate type\b[^;]*\bas enum\b/, "an enum");
    const on = (/\balter table (?:if exists )?(?:only )?"?(\w+)/.exec(text) ??
      /\bon (?:only )?"?(\w+)/.exec(text))?.[1];
    if (on !== undefined && made.has(on)) continue;
    fault(/^drop\b|\bdrop (?:column|constraint|table|index)\b/, "drops what the release before it may use");
    fault(/\brename\b/, "renames what the release before it uses");
    fault(/\balter (?:column )?"?\w+"? (?:set data )?type\b/, "rewrites a table");
    fault(/\bset not null\b/, "reads a whole table under a lock");
    if (/^alter table\b/.test(text)) {
      for (const added of text.split(/\badd (?:column )?(?!constraint|foreign|check|unique|primary)/).slice(1)) {
        if (/\bnot null\b/.test(added) && !/\bdefault\b/.test(added))
          faults.push(`required, without a default: ${text}`);
        if (/\bdefault (?:now|gen_random_uuid|random|clock_timestamp)\b/.test(added)) {
          faults.push(`a default that rewrites the table: ${text}`);
        }
      }
      fault(/\badd (?:constraint \w+ )?(?:foreign key|check)\b(?!.*\bnot valid\b)/, "checked under a lock");
      fault(/\breferences\b(?!.*\bnot valid\b)/, "a foreign key that is checked under a lock");
      fault(/\badd (?:constraint \w+ )?(?:unique|primary key)\b(?!.*\busing index\b)/, "builds an index under a lock");
    }
    if (/^create (?:unique )?index\b/.test(text)) {
      if (!/\bconcurrently\b/.test(text)) faults.push(`builds an index under a lock: ${text.slice(0, 60)}`);
      else if (!/\bconcurrently if not exists\b/.test(text)) faults.push(`cannot be run again: ${text.slice(0, 60)}`);
    }
  }
  return faults;
}

t.test("what would stop the release before it is found", async (t) => {
  const reason = "-- Why this is to be done, in a sentence.\n";
  for (const [sql, found] of [
    ["alter table people add column nickname text not null", /required/],
    ["alter table people add column seen_at timestamptz default now()", /rewrites/],
    ["alter table people add column a text, add b text not null", /required/],
    ["create index people_by_name on people (workspace_id, name)", /index/],
    ["create index concurrently people_by_name on people (workspace_id, name)", /again/],
    ["alter table people alter column name type varchar(10)", /rewrites/],
    ["alter table people alter name set not null", /reads/],
    ["alter table people drop column name", /drops/],
    ["drop table people", /drops/],
    ["alter table people rename column name to label", /renames/],
    ["alter table people rename to persons", /renames/],
    ["create trigger told after insert on people execute function tell()", /trigger/],
    ["create table notes (id serial)", /sequence/],
    ["create table notes (id bigint generated always as identity)", /sequence/],
    ["create type mood as enum ('good')", /enum/],
    ["alter table people add foreign key (workspace_id) references workspaces", /lock/],
    ["alter table people add constraint named check (name <> '')", /lock/],
    ["alter table people add constraint one unique (workspace_id, name)", /index/],
  ] as const) {
    t.match(faultsOf(`${reason}${sql};`).join("\n"), found, sql);
  }
  t.match(faultsOf("create table notes (id uuid);"), ["does not begin with its reason"]);
  t.match(faultsOf("-- no transaction\n-- Why this is to be done, in a sentence.\nselect 1; select 2;"), [
    /more than one/,
  ]);
});

t.test("what lets it go on is not", async (t) => {
  for (const sql of [
    "-- Why this is to be done, in a sentence.\ncreate table notes (id uuid not null, text text not null);\ncreate index notes_by_text on notes (text);\nalter table notes enable row level security;",
    "-- Why this is to be done, in a sentence.\nalter table people add column nickname text; alter table people add column n integer not null default 0;",
    "-- Why this is to be done, in a sentence.\nalter table people add constraint named check (name <> '') not valid; alter table people validate constraint named;",
    "-- no transaction\n-- Why this is to be done, in a sentence.\ncreate index concurrently if not exists people_by_name on people (workspace_id, name);",
  ]) {
    t.same(faultsOf(sql), [], sql);
  }
});

t.test("no migration since the first release does so", async (t) => {
  for (const { name, version, sql } of await readMigrations()) {
    if (version >= FIRST_LINTED) t.same(faultsOf(sql), [], name);
  }
});

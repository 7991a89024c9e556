import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import t from "tap";
import * as caseTables from "../src/cases/table.ts";
import * as causeTables from "../src/causes/table.ts";
import * as importTables from "../src/imports/table.ts";
import * as intakeTables from "../src/intake/table.ts";
import * as peopleTables from "../src/people/table.ts";
import { migrate, readMigrations } from "../src/platform/migrate.ts";
import * as responseTables from "../src/responses/table.ts";
import * as surveyTables from "../src/surveys/table.ts";
import * as themeTables from "../src/themes/table.ts";
import * as webhookTables from "../src/webhooks/table.ts";
import * as workspaceTables from "../src/workspaces/table.ts";
import { cloneDatabase, createEmptyDatabase, inDatabase, withClient } from "./support/server.ts";

t.test("many instances that migrate an empty database at once apply each file once", async (t) => {
  const database = await createEmptyDatabase();
  t.teardown(database.drop);
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url)));
  const names = (await readMigrations()).map(({ name }) => name);
  t.same(applied.flat(), names);
  t.same(await migrate(database.url), []);
});

t.test("a file changed after it was applied, and a database that is newer, are refused", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  await withClient(database.url, (client) =>
    client.query("insert into schema_migrations values (9999, '9999_future.sql', 'x')"),
  );
  await t.rejects(migrate(database.url), /9999_future\.sql.*start a newer one/);
  t.same(await migrate(database.url, true), [], "but where it is said that it may be");
  await withClient(database.url, (client) =>
    client.query(
      "delete from schema_migrations where version = 9999; update schema_migrations set checksum = 'x' where version = 1",
    ),
  );
  await t.rejects(migrate(database.url), /0001_workspaces\.sql was changed/);
});

t.test("roles that another owner on the server has created are to be granted first, and it is said how", async (t) => {
  const database = await createEmptyDatabase();
  t.teardown(database.drop);
  const name = `another_${randomBytes(4).toString("hex")}`;
  const version = await withClient(database.url, async (client) => {
    await client.query(`create role ${name} login createrole createdb password 'secret'`);
    const { rows } = await client.query("select current_setting('server_version_num')::int as version");
    return rows[0].version as number;
  });
  const url = new URL(database.url);
  url.username = name;
  url.password = "secret";
  await withClient(url.href, (client) => client.query(`create database ${name}`));
  t.teardown(() => withClient(url.href, (client) => client.query(`drop database ${name} with (force)`)));
  const own = inDatabase(url.href, name);
  // Before PostgreSQL 16 whoever may create roles may grant any.
  if (version >= 160_000) {
    const failure = await migrate(own).catch((error: Error) => error);
    const [, grant = ""] = /`(grant afterscore_app, .* with admin option)`/.exec(String(failure)) ?? [];
    t.ok(grant, String(failure));
    await withClient(database.url, (client) => client.query(grant.replace(/<.*>/, name)));
  }
  t.ok((await migrate(own)).length > 0);
});

t.test("a migration that fails leaves nothing behind", async (t) => {
  const database = await createEmptyDatabase();
  t.teardown(database.drop);
  await withClient(database.url, (client) => client.query("create table responses (mine int)"));
  await t.rejects(migrate(database.url), /already exists/);
  await withClient(database.url, async (client) => {
    const { rows } = await client.query(
      "select relname from pg_class where relname in ('responses_by_time', 'people') order by 1",
    );
    t.same(rows, [{ relname: "people" }], "the files before stay, the failed one is undone");
  });
});

t.test("a migration that cannot have its lock lets the others by, and is done when it can", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const { url } = database;
  // One of the past is to be applied once more, on a table that somebody holds.
  await withClient(url, async (client) => {
    await client.query("delete from schema_migrations where version = 21");
    await client.query("alter table workspaces drop column retention");
  });
  await withClient(url, async (holder) => {
    await holder.query(`begin; select count(*) from workspaces`);
    const migrating = migrate(url);
    const waits: number[] = [];
    for (let look = 0; look < 8; look += 1) {
      const startedAt = performance.now();
      await withClient(url, (client) => client.query(`select count(*) from workspaces`));
      waits.push(performance.now() - startedAt);
      await sleep(400);
    }
    t.ok(Math.max(...waits) > 200, `somebody came behind it: ${waits.join(" ")}`);
    t.ok(Math.max(...waits) < 4_000, `and was let by: ${waits.join(" ")}`);
    await holder.query("commit");
    t.same(await migrating, ["0021_retention.sql"]);
  });
});

t.test("an index that a killed process has built by half is built anew", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const validity = "select indisvalid from pg_index where indexrelid = to_regclass('source_receipts_stray')";
  await withClient(database.url, async (client) => {
    await client.query("delete from schema_migrations where version = 25");
    await client.query("drop index source_receipts_stray");
    await withClient(database.url, async (holder) => {
      await holder.query("begin; lock table source_receipts in row exclusive mode");
      await client.query("set statement_timeout = 300");
      const building = "create index concurrently source_receipts_stray on source_receipts (id)";
      await t.rejects(client.query(building), /timeout/);
    });
    t.same((await client.query(validity)).rows, [{ indisvalid: false }]);
    t.same(await migrate(database.url), ["0025_stray_receipts.sql"]);
    t.same((await client.query(validity)).rows, [{ indisvalid: true }]);
  });
});

t.test("the code's tables have the database's columns, and their types and nullability", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const tables = [
    workspaceTables,
    peopleTables,
    surveyTables,
    responseTables,
    caseTables,
    causeTables,
    themeTables,
    importTables,
    intakeTables,
    webhookTables,
  ]
    .flatMap((module) => Object.values<unknown>(module))
    .filter((table) => table instanceof PgTable)
    .map(getTableConfig);
  t.ok(tables.length >= 18);
  await withClient(database.url, async (client) => {
    for (const { name, columns } of tables) {
      const { rows } = await client.query(
        `select attname as name, format_type(atttypid, null) as type, attnotnull as required from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname`,
        [name],
      );
      const ours = columns.map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        required: column.notNull || column.primary,
      }));
      t.same(
        ours.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        rows,
        name,
      );
    }
  });
});

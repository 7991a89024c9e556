import t from "tap";
import { distribute, listTables, planDistribution } from "../../src/platform/distribute.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { startProgram } from "../support/program.ts";
import { startService } from "../support/service.ts";

t.test("distributing a database", async (t) => {
  const service = await startService(t);

  const isThere = skipOnCluster("the extension is there");
  t.test("without the extension is refused, and says what is missing", { skip: isThere }, async (t) => {
    await t.rejects(distribute(service.pool), { message: /^this database has no Citus extension: .*create extension/ });
    const program = startProgram(["distribute"], { env: { DATABASE_URL: service.url } });
    t.equal(await program.exit, 1);
    t.match(program.output(), /^afterscore: this database has no Citus extension: [^\n]+\n$/);
  });

  t.test("gives every table its place, after those that it refers to", async (t) => {
    const tables = await listTables(service.pool);
    const statements = planDistribution(tables);
    const placed = statements.flatMap((statement) => /^select create_\w+\('(\w+)'/.exec(statement)?.[1] ?? []);
    const all = tables.map(({ name }) => name);
    t.same(
      all.filter((name) => !placed.includes(name)).toSorted(),
      ["delivery_queue", "event_queue", "schema_migrations"],
      "these stay ordinary",
    );
    t.equal(new Set(placed).size, placed.length);
    for (const { name, references } of tables) {
      for (const other of references) t.ok(placed.indexOf(other) < placed.indexOf(name), `${name} after ${other}`);
    }
    t.equal(statements.filter((statement) => statement.includes("'id', colocate_with => 'none'")).length, 1);
    t.notMatch(statements.join("\n"), /create_reference_table/, "there is no table that is nobody's");
    t.same(planDistribution(tables, new Set(placed)), [], "what is done is not done again");
  });

  t.test("refuses what has no place", (t) => {
    const own = { hasWorkspaceId: true, references: [] };
    t.throws(
      () =>
        planDistribution([
          { ...own, name: "a", references: ["b"] },
          { ...own, name: "b", references: ["a"] },
        ]),
      /circle: a, b/,
    );
    t.throws(() => planDistribution([{ ...own, name: "a", references: ["event_queue"] }]), /refers to event_queue/);
    t.throws(
      () =>
        planDistribution([
          { ...own, name: "b" },
          { name: "a", hasWorkspaceId: false, references: ["b"] },
        ]),
      /no workspace_id/,
    );
    t.same(planDistribution([{ name: "zones", hasWorkspaceId: false, references: [] }]), [
      "select create_reference_table('zones')",
    ]);
    t.end();
  });
});

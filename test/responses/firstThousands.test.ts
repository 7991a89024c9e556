import t from "tap";
import { cloneDatabase, withClient } from "../support/server.ts";
import { type Service, startService } from "../support/service.ts";

const ROWS = 300;
/** Until each index but the right one is known to be dear. */
const BATCHES_BEFORE = 16;
const TABLES = ["accounts", "people", "responses", "cases", "case_responses", "case_clocks"];
/** Of the rows of a table that a batch reads for each of its own. */
const READS_MAX = 10;

/** The rows of each table that were read so far. */
async function readsOf({ pool }: Service): Promise<Map<string, number>> {
  await pool.query("select pg_stat_force_next_flush()");
  const { rows } = await pool.query<{ name: string; rows: number }>(
    "select relname as name, (seq_tup_read + coalesce(idx_tup_fetch, 0))::float as rows from pg_stat_user_tables",
  );
  return new Map(rows.map(({ name, rows: count }) => [name, count]));
}

t.test(
  "once the tables that an operator has analysed while they were empty have grown, batches go by the right indexes",
  async (t) => {
    const database = await cloneDatabase();
    t.teardown(database.drop);
    await withClient(database.url, async (client) => {
      await client.query("vacuum analyze");
      // Which would come within a minute.
      for (const table of TABLES) await client.query(`alter table ${table} set (autovacuum_enabled = off)`);
    });
    // One connection keeps one set of plans.
    const service = await startService(t, { url: database.url, poolSize: 1 });
    const client = await service.newClient();
    const record = async (batch: number) => {
      const responses = Array.from({ length: ROWS }, (_, row) => {
        const id = `${batch}-${row}`;
        const person = { externalId: id, email: `${id}@example.com`, account: { externalId: id } };
        return { score: row % 7, externalId: id, person };
      });
      const { body } = await client.post("/v1/responses/batch", { responses });
      t.equal(body.results.filter(({ status }: { status: string }) => status === "created").length, ROWS);
    };
    const countReads = () => readsOf(service);
    for (let batch = 0; batch < BATCHES_BEFORE; batch += 1) await record(batch);
    const before = await countReads();
    await record(BATCHES_BEFORE);
    for (const [name, count] of await countReads()) {
      const read = count - (before.get(name) ?? 0);
      t.ok(read <= READS_MAX * ROWS, `${name}: ${read} rows were read`);
    }
  },
);

t.test("tables that nobody has analysed yet", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  await withClient(database.url, async (client) => {
    for (const table of TABLES) await client.query(`alter table ${table} set (autovacuum_enabled = off)`);
  });
  const service = await startService(t, { url: database.url, poolSize: 1 });
  const client = await service.newClient();
  const answered = 10 * ROWS;
  for (let batch = 0; batch < 10; batch += 1) {
    const responses = Array.from({ length: ROWS }, (_, row) => ({
      score: row % 11,
      person: { externalId: `${batch}-${row}`, account: { externalId: `${row}` } },
    }));
    await client.post("/v1/responses/batch", { responses });
  }
  /** How many rows of each of these tables it reads. */
  const reads = async (tables: string[], work: () => Promise<unknown>) => {
    const before = await readsOf(service);
    await work();
    const after = await readsOf(service);
    return tables.map((name): [string, number] => [name, (after.get(name) ?? 0) - (before.get(name) ?? 0)]);
  };

  for (const what of ["responses", "people", "accounts"]) {
    t.test(`are exported in time that grows as they do: ${what}`, async (t) => {
      const authorization = `Bearer ${client.apiKey}`;
      const found = await reads(TABLES, async () => {
        const { body } = await service.app.inject({ url: `/v1/exports/${what}`, headers: { authorization } });
        t.ok(body.split("\n").length > ROWS);
      });
      for (const [name, count] of found) t.ok(count <= 4 * answered, `${name}: ${count} rows were read`);
    });
  }

  t.test("are listed without looking for whom all answers are about", async (t) => {
    const found = await reads(["people", "accounts"], async () => {
      t.equal((await client.get("/v1/responses?limit=100")).body.data.length, 100);
    });
    for (const [name, count] of found) t.ok(count <= 200, `${name}: ${count} rows were read`);
  });
});

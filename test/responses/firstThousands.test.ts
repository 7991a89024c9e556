import t from "tap";
import { cloneDatabase, withClient } from "../support/server.ts";
import { startService } from "../support/service.ts";

const ROWS = 300;
/** Until each index but the right one is known to be dear. */
const BATCHES_BEFORE = 16;
const TABLES = ["accounts", "people", "responses", "cases", "case_responses", "case_clocks"];
/** Of the rows of a table that a batch reads for each of its own. */
const READS_MAX = 10;

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
    const countReads = async () => {
      await service.pool.query("select pg_stat_force_next_flush()");
      const { rows } = await service.pool.query<{ name: string; rows: number }>(
        "select relname as name, (seq_tup_read + coalesce(idx_tup_fetch, 0))::float as rows from pg_stat_user_tables",
      );
      return new Map(rows.map(({ name, rows: count }) => [name, count]));
    };
    for (let batch = 0; batch < BATCHES_BEFORE; batch += 1) await record(batch);
    const before = await countReads();
    await record(BATCHES_BEFORE);
    for (const [name, count] of await countReads()) {
      const read = count - (before.get(name) ?? 0);
      t.ok(read <= READS_MAX * ROWS, `${name}: ${read} rows were read`);
    }
  },
);

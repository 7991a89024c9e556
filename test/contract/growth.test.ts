import { sql } from "drizzle-orm";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { type Call, callOf, send } from "../support/matrix/asking.ts";
import { fieldCallOf } from "../support/matrix/fieldCalls.ts";
import { FIELDS } from "../support/matrix/fields.ts";
import { OPERATIONS } from "../support/matrix/operations.ts";
import { answerOf, done, type Ids, names } from "../support/matrix/things.ts";
import { withClient } from "../support/server.ts";
import { startService } from "../support/service.ts";
import { deliver, jsonSource } from "../support/sources.ts";

const FEW = 200;
const MANY = 2_000;
/** Of one table, that a call may read more of it when there are many: a page, with what it leads to. */
const MORE_ROWS_MAX = 200;
/** Sorted by any of three values, of whichever accounts are asked for. */
const SORTS_ALL = new Set(["Query.accounts"]);

/** By table. */
type Rows = Map<string, number>;

const skip = skipOnCluster("what is read is counted where it lies");
t.test("what a call reads does not grow with what is stored", { skip }, async (t) => {
  // Plans are kept by connection.
  const service = await startService(t, { poolSize: 1 });
  const client = await service.newClient();
  const caller = { workspaceId: client.workspaceId, actor: { kind: "job" as const, id: "test" }, requestId: null };
  const source = await jsonSource(client);
  const receipts = `/v1/sources/${source.id}/receipts`;

  const calls: Record<string, () => Promise<Call>> = {
    "a delivery that comes alone": async () => ({
      method: "POST",
      url: `/v1/intake/${source.id}`,
      headers: { "x-webhook-token": "secret-of-ours" },
      body: { id: newId(), s: 3 },
    }),
    "receipts by their outcome": async () => ({ method: "GET", url: `${receipts}?outcome=FAILED` }),
    "their replay": async () => ({ method: "POST", url: `${receipts}/replay?outcome=FAILED` }),
  };
  const idsFor = async (ids?: (of: typeof client) => Promise<Ids> | Ids) => (await ids?.(client)) ?? {};
  for (const [name, known] of Object.entries(OPERATIONS)) {
    calls[name] = async () => callOf(name, known, await idsFor(known.ids));
  }
  for (const [place, { ids }] of Object.entries(FIELDS)) {
    if (!SORTS_ALL.has(place)) calls[place] = async () => fieldCallOf(place, await idsFor(ids));
  }

  const count = async (what: string): Promise<Rows> => {
    await service.tenancy.inWorkspace(caller, (tx) => tx.run(sql`select pg_stat_force_next_flush()`));
    const rows = await client.rows(`select relname, ${what} as n from pg_stat_user_tables`);
    return new Map(rows.map(({ relname, n }) => [String(relname), Number(n)]));
  };
  const countRead = () =>
    count(`seq_tup_read + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes
      where pg_stat_user_indexes.relid = pg_stat_user_tables.relid)`);
  const measure = async () => {
    const read = new Map<string, Rows>();
    for (const [name, make] of Object.entries(calls)) {
      const call = await make();
      const before = await countRead();
      const { status, text } = await send(service, call, client.apiKey);
      if (status >= 300 || text.includes('"errors"')) throw new Error(`${name}: ${status} ${text}`);
      read.set(name, difference(await countRead(), before));
    }
    return read;
  };
  const fill = async (size: number) => {
    for (let n = 0; n < size; n += 200) {
      const inputs = Array.from({ length: 200 }, (_, m) => answerOf({ ...names(), surveyKey: "one" }, (n + m) % 11));
      await done(client.post("/v1/responses/batch", { responses: inputs }));
      await Promise.all(inputs.map(({ score }) => deliver(service, source, { id: newId(), s: score })));
    }
    await withClient(service.url, (owner) => owner.query("vacuum analyze"));
  };

  await fill(FEW);
  const ofFew = await measure();
  const before = await count("n_tup_ins");
  await fill(MANY);
  const filled = difference(await count("n_tup_ins"), before);
  const grown = [...filled].flatMap(([table, n]) => (n > MORE_ROWS_MAX ? table : []));
  t.ok(["responses", "people", "accounts", "cases", "source_receipts", "events"].every((one) => grown.includes(one)));
  const ofMany = await measure();
  t.ok(ofMany.size > 120, `${ofMany.size} calls`);
  for (const [name, read] of ofMany) {
    const more = difference(read, ofFew.get(name) ?? new Map());
    for (const table of grown) t.ok((more.get(table) ?? 0) <= MORE_ROWS_MAX, `${name}: ${more.get(table)} of ${table}`);
  }
});

function difference(after: Rows, before: Rows): Rows {
  return new Map([...after].map(([table, n]) => [table, n - (before.get(table) ?? 0)]));
}

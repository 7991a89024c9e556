import type { Socket } from "node:net";
import { sql } from "drizzle-orm";
import t from "tap";
import { begin, beginIn } from "../../src/platform/beginning.ts";
import { newId } from "../../src/platform/ids.ts";
import { statement } from "../../src/platform/statement.ts";
import { together } from "../../src/platform/together.ts";
import { startService } from "../support/service.ts";

t.test("a transaction", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const caller = { workspaceId: client.workspaceId, actor: { kind: "job" as const, id: "test" }, requestId: null };
  const insertSurvey = (key: string) => statement`
    insert into surveys (workspace_id, key, kind, created_at, updated_at)
    values (${client.workspaceId}, ${key}, 'RELATIONSHIP', now(), now())`;
  const surveys = () => client.rows("select key from surveys order by key");

  t.test("that does several things at once fails with what failed first, once all have ended", async (t) => {
    let hasEnded = false;
    const work = service.tenancy.inWorkspace(caller, async (tx) => {
      const slow = async () => {
        await tx.run(sql`select 1`);
        // Refused, because the other has failed by then.
        await tx.run(sql`select 2`).finally(() => {
          hasEnded = true;
        });
      };
      await together([slow(), tx.run(sql`select 1 / 0`)]);
    });
    await t.rejects(work, { code: "22012" });
    t.ok(hasEnded);
    const nested = service.tenancy.inWorkspace(caller, async (tx) => {
      const several = async () => together([tx.run(sql`select 1 / 0`), tx.run(sql`select 1`)]);
      await together([several(), tx.run(sql`select 2`)]);
    });
    await t.rejects(nested, { code: "22012" }, "also where that is told later, because it is itself of several");
    t.same(await service.tenancy.inWorkspace(caller, (tx) => together([tx.run(sql`select 1 as n`)])), [[{ n: 1 }]]);
  });

  t.test("whose statement among several was in somebody's way runs again", async (t) => {
    let runs = 0;
    await service.tenancy.inWorkspace(caller, async (tx) => {
      runs += 1;
      const slow = async () => {
        await tx.run(sql`select 1`);
        await tx.run(sql`select 2`);
      };
      // As if somebody had taken the unique key, the first time.
      const key = runs === 1 ? "taken" : "free";
      if (runs === 1) await tx.run(insertSurvey("taken"));
      await together([slow(), tx.run(insertSurvey(key))]);
    });
    t.equal(runs, 2);
    t.same(await surveys(), [{ key: "free" }]);
  });

  t.test("that refers to what somebody has deleted runs again, and fails where it was never there", async (t) => {
    let runs = 0;
    const work = (account: (run: number) => string | null) => {
      runs = 0;
      return service.tenancy.inWorkspace(caller, async (tx) => {
        runs += 1;
        await tx.run(sql`insert into people (workspace_id, id, account_id, created_at, updated_at)
          values (${caller.workspaceId}, ${newId()}, ${account(runs)}, now(), now())`);
      });
    };
    await work((run) => (run === 1 ? newId() : null));
    t.equal(runs, 2);
    // A mistake of ours: `internal`, and not to be tried again.
    await t.rejects(work(newId), { code: "23503" });
    t.equal(runs, 3);
    t.equal((await client.rows("select from people")).length, 1);
  });

  t.test("keeps nothing where a write that was put off fails, and all of them otherwise", async (t) => {
    const write = (second: string) =>
      service.tenancy.inWorkspace(caller, async (tx) => {
        await tx.run(insertSurvey("first"));
        tx.later(insertSurvey("put-off"));
        tx.later(insertSurvey(second));
      });
    await t.rejects(write("\u0000"));
    t.same(await surveys(), [{ key: "free" }]);
    await write("last");
    t.same(await surveys(), [{ key: "first" }, { key: "free" }, { key: "last" }, { key: "put-off" }]);
  });

  t.test("writes rows of one kind that several put off at once, where the first of them stood", async (t) => {
    const written: string[][] = [];
    await service.tenancy.inWorkspace(caller, async (tx) => {
      const put = (...keys: string[]) =>
        tx.laterWith("surveys", keys, (all) => {
          written.push([...all]);
          return all.map(insertSurvey);
        });
      put("a");
      tx.later(statement`update surveys set name = 'told' where workspace_id = ${tx.workspaceId}`);
      put("b", "c");
      await tx.flush();
      put("d");
      const undone = tx.attempt(async () => {
        put("e");
        throw new Error("undone");
      });
      await t.rejects(undone, /undone/);
      put("f");
    });
    t.same(written, [["a", "b", "c"], ["d"], ["f"]]);
    const told = await client.rows("select key, name from surveys where length(key) = 1 order by key");
    t.same(
      told.map(({ key, name }) => [key, name]),
      [
        ["a", "told"],
        ["b", "told"],
        ["c", "told"],
        ["d", null],
        ["f", null],
      ],
    );
  });

  t.test("whose plan is gone, as behind a pooler that forwards none, runs again without one", async (t) => {
    const prepared = () =>
      service.tenancy.inWorkspace(caller, (tx) => tx.prepared(statement`select ${7}::integer as n`));
    t.same(await prepared(), [{ n: 7 }]);
    // Of every connection of the pool.
    const clients = await Promise.all(Array.from({ length: service.pool.totalCount }, () => service.pool.connect()));
    for (const each of clients) await each.query("deallocate all");
    for (const each of clients) each.release();
    t.same(await prepared(), [{ n: 7 }]);
    const { rows } = await service.pool.query("select count(*)::integer as n from pg_prepared_statements");
    t.same(rows, [{ n: 0 }], "and prepares no more");
  });

  t.test("whose first statements travel with its beginning knows the time once one of them is answered", async (t) => {
    const inTime = await service.tenancy.inWorkspace(
      caller,
      async (tx) => {
        t.throws(() => tx.now, /must be asked something first/);
        const [row] = await tx.run<{ id: string; at: Date }>(
          sql`select current_setting('app.workspace_id') as id, transaction_timestamp() as at`,
        );
        t.match(row, { id: client.workspaceId, at: tx.now }, "they see the workspace, and are in the transaction");
        return tx.now;
      },
      "AHEAD",
    );
    t.ok(inTime instanceof Date);
    const failed = service.tenancy.inWorkspace(caller, (tx) => tx.run(sql`select 1 / 0`), "AHEAD");
    await t.rejects(failed, { code: "22012" });
    const early = service.tenancy.inWorkspace(caller, async (tx) => tx.now, "AHEAD");
    await t.rejects(early, /must be asked something first/);
    const next = await service.tenancy.inWorkspace(caller, (tx) => tx.run(sql`select 1 as n`), "AHEAD");
    t.same(next, [{ n: 1 }], "and the connection is good for the next");
  });

  t.test("begins with one write, together with what is asked in the same turn", async (t) => {
    const connection = await service.pool.connect();
    t.teardown(() => connection.release());
    const { stream } = (connection as unknown as { connection: { stream: Socket } }).connection;
    const sent = stream.bytesWritten - stream.writableLength;
    const begun = begin(connection, beginIn(client.workspaceId, "AHEAD"), () => undefined);
    const asked = connection.query("select 1 as n");
    await Promise.resolve();
    t.equal(stream.bytesWritten - stream.writableLength, sent, "nothing has left yet");
    await begun;
    t.same((await asked).rows, [{ n: 1 }]);
    t.ok(stream.bytesWritten > sent);
    await connection.query("rollback");
  });
});

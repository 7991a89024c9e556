import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "drizzle-orm";
import t from "tap";
import { gatherInBatches, type WorkOnMany } from "../../src/platform/gathering.ts";
import { type Client, type Service, startService } from "../support/service.ts";

const AT_ONCE = 200;

/** Answers of people who are known by their number. */
const answerOf = (n: number, name = "Ana") => ({
  score: n % 11,
  person: { externalId: `u-${n}`, name },
  properties: { n },
});

/** Everybody is known already, so that another name changes a row that somebody may hold. */
async function introduce(client: Client): Promise<void> {
  await client.post("/v1/responses/batch", { responses: Array.from({ length: AT_ONCE }, (_, n) => answerOf(n)) });
}

/** Holds these people's rows in a transaction of its own, until it is let go. */
async function hold(service: Service, client: Client, externalIds: string[]): Promise<() => Promise<void>> {
  const other = await service.pool.connect();
  await other.query(`begin; set local app.workspace_id = '${client.workspaceId}'`);
  await other.query("select 1 from people where workspace_id = $1 and external_id = any($2) for update", [
    client.workspaceId,
    externalIds,
  ]);
  return async () => {
    await other.query("rollback");
    other.release();
  };
}

/** A gatherer whose batches all wait to be let go, and the sizes of those that have begun. */
function gatherHeld({ tenancy }: Service, workspaceId: string, apartMs = 60_000) {
  const sizes: number[] = [];
  const letGo = Promise.withResolvers<void>();
  const work: WorkOnMany<number, number> = async (tx, batch) => {
    sizes.push(batch.length);
    await Promise.all([tx.run(sql`select 1`), letGo.promise]);
    return batch.map((n) => ({ answer: n }));
  };
  const record = gatherInBatches(tenancy, work, apartMs);
  const caller = { workspaceId, actor: { kind: "job", id: "test" }, requestId: null } as const;
  return {
    sizes,
    letGo: () => letGo.resolve(),
    ask: (count: number) => Array.from({ length: count }, (_, n) => record(caller, n)),
    haveBegun: async (batches: number) => {
      while (sizes.length < batches) await nextTurn();
    },
  };
}

t.test("answers that come in at once", async (t) => {
  const service = await startService(t);

  t.test("are recorded many in one transaction, and each sender is told of their own", async (t) => {
    const client = await service.newClient();
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) => client.post("/v1/responses", answerOf(n))),
    );
    for (const [n, { status, body }] of answers.entries()) {
      t.match({ status, body }, { status: 201, body: { score: n % 11, person: { externalId: `u-${n}` } } });
      t.equal(body.case === null, body.score > 6);
      t.same((await client.get(`/v1/responses/${body.id}`)).body, body, "as it is read afterwards");
    }
    const [stored] = await client.rows(
      "select count(*)::int as answers, count(distinct received_at)::int as transactions from responses",
    );
    t.equal(stored?.["answers"], AT_ONCE);
    t.ok(Number(stored?.["transactions"]) < AT_ONCE / 5, "many in one");
    const opened =
      "select count(*)::int as n, count(request_id)::int as named from audit_log where action = 'case.opened'";
    const [before] = await client.rows(opened);
    t.ok(Number(before?.["named"]) < Number(before?.["n"]), "what many asked for bears the id of none");
    await client.post("/v1/responses", { score: 0 });
    const [after] = await client.rows(opened);
    t.equal(after?.["named"], Number(before?.["named"]) + 1, "what one asked for bears its id");
  });

  t.test("are not failed by one among them that cannot be", async (t) => {
    const client = await service.newClient();
    await introduce(client);
    const properties = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`p-${n}`, n]));
    await client.put("/v1/people", { externalId: "u-7", properties });
    const results = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) => {
        const { person, ...answer } = answerOf(n);
        return client.post("/v1/responses", { ...answer, person: { ...person, properties: { one: "more" } } });
      }),
    );
    for (const [n, { status, body }] of results.entries()) {
      if (n === 7) t.match(body, { code: "invalid_request", invalidParams: [{ name: "person.properties" }] });
      else t.equal(status, 201);
    }
    t.same(await client.rows("select count(*)::int as n from responses"), [{ n: 2 * AT_ONCE - 1 }]);
  });

  t.test("do not wait for one among them that waits for a lock", async (t) => {
    const client = await service.newClient();
    await introduce(client);
    const held = ["u-3", "u-50", "u-51", "u-120"];
    const letGo = await hold(service, client, held);
    const isHeld = (n: number) => held.includes(`u-${n}`);
    let done = 0;
    const post = async (n: number, name: string) => {
      const { status } = await client.post("/v1/responses", answerOf(n, name));
      done += 1;
      return status;
    };
    const numbers = Array.from({ length: AT_ONCE }, (_, n) => n);
    const waiting = numbers.filter(isHeld).map((n) => post(n, "Bea"));
    const others = numbers.filter((n) => !isHeld(n)).map((n) => post(n, "Bea"));
    t.same(new Set(await Promise.all(others)), new Set([201]));
    t.equal(done, AT_ONCE - held.length, "all others, while the rows are held");
    // And those who come now, while more are waiting than there may be transactions.
    t.same(new Set(await Promise.all(numbers.filter((n) => !isHeld(n)).map((n) => post(n, "Cleo")))), new Set([201]));
    await letGo();
    t.same(await Promise.all(waiting), [201, 201, 201, 201]);
    t.same(await client.rows("select count(*)::int as n from responses"), [{ n: 3 * AT_ONCE - held.length }]);
  });

  t.test("while others are recorded wait until they are as many", async (t) => {
    const { workspaceId } = await service.newClient();
    const { sizes, letGo, ask, haveBegun } = gatherHeld(service, workspaceId);
    const first = ask(12);
    await haveBegun(1);
    const others = ask(11);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    t.same(sizes, [12]);
    others.push(...ask(1));
    await haveBegun(2);
    others.push(...ask(5));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    t.same(sizes, [12, 12]);
    letGo();
    t.equal((await Promise.all([...first, ...others])).length, 29);
    t.same(sizes, [12, 12, 5]);
  });

  t.test("are recorded two full batches at a time, and no third beside them", async (t) => {
    const { workspaceId } = await service.newClient();
    const { sizes, letGo, ask, haveBegun } = gatherHeld(service, workspaceId);
    const asked = ask(64);
    await haveBegun(1);
    asked.push(...ask(64));
    await haveBegun(2);
    asked.push(...ask(64));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    t.same(sizes, [64, 64]);
    letGo();
    t.equal((await Promise.all(asked)).length, 192);
    t.same(sizes, [64, 64, 64]);
  });

  t.test("are a full batch too where the last of them came in the turn in which it would begin", async (t) => {
    const { workspaceId } = await service.newClient();
    const { sizes, letGo, ask, haveBegun } = gatherHeld(service, workspaceId);
    const asked = ask(8);
    await haveBegun(1);
    asked.push(...ask(8));
    await haveBegun(2);
    asked.push(...ask(70));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    t.same(sizes, [8, 8]);
    letGo();
    t.equal((await Promise.all(asked)).length, 86);
    t.same(sizes, [8, 8, 64, 6]);
  });

  t.test("that are too many for one batch do not wait for it to end", async (t) => {
    const { workspaceId } = await service.newClient();
    const { sizes, letGo, ask, haveBegun } = gatherHeld(service, workspaceId, 20);
    const asked = ask(70);
    await haveBegun(2);
    t.same(sizes, [64, 6]);
    letGo();
    t.equal((await Promise.all(asked)).length, 70);
  });

  t.test("do not wait long for one that takes long", async (t) => {
    const { workspaceId } = await service.newClient();
    const sizes: number[] = [];
    const letGo = Promise.withResolvers<void>();
    const record = gatherInBatches(service.tenancy, async (tx, batch: readonly number[]) => {
      sizes.push(batch.length);
      await Promise.all([tx.run(sql`select 1`), sizes.length === 1 && letGo.promise]);
      return batch.map((n) => ({ answer: n }));
    });
    const ask = (n: number) => record({ workspaceId, actor: { kind: "job", id: "test" }, requestId: null }, n);
    const first = ask(1);
    while (sizes.length === 0) await nextTurn();
    t.same(await Promise.all([ask(2), ask(3)]), [2, 3], "while the first is still recorded");
    letGo.resolve();
    t.equal(await first, 1);
    t.same(sizes, [1, 2]);
  });

  t.test("of one workspace do not wait for those of another", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    await introduce(client);
    const letGo = await hold(service, client, ["u-1", "u-2", "u-3"]);
    const waiting = [1, 2, 3].map((n) => client.post("/v1/responses", answerOf(n, "Bea")));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => other.post("/v1/responses", answerOf(n))));
    t.ok(answers.every(({ status }) => status === 201));
    await letGo();
    t.ok((await Promise.all(waiting)).every(({ status }) => status === 201));
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { migrate } from "../../src/platform/migrate.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { startReplicatedPostgres } from "../support/replica.ts";
import { startService } from "../support/service.ts";

t.test("reads on a replica", { skip: skipOnCluster("each of its servers has a replica of its own") }, async (t) => {
  const postgres = await startReplicatedPostgres();
  t.teardown(() => postgres.stop());
  await migrate(postgres.primaryUrl);
  const service = await startService(t, { url: postgres.primaryUrl, readUrl: postgres.replicaUrl });
  const client = await service.newClient();
  const record = async (score: number): Promise<string> => {
    const { status, headers } = await client.post("/v1/responses", { score });
    t.equal(status, 201);
    return String(headers["afterscore-position"]);
  };
  const count = async (position?: string): Promise<number> => {
    const headers = position === undefined ? {} : { "afterscore-position": position };
    const { body } = await client.post("/graphql", { query: "{ responses { totalCount } }" }, headers);
    return body.data.responses.totalCount;
  };
  /** Whether the primary had anything to do with it. */
  const asksPrimary = async (work: () => Promise<unknown>): Promise<boolean> => {
    let acquired = 0;
    const onAcquire = () => (acquired += 1);
    service.pool.on("acquire", onAcquire);
    await work();
    service.pool.off("acquire", onAcquire);
    return acquired > 0;
  };
  const pause = () => postgres.onReplica("select pg_wal_replay_pause()");
  const resume = () => postgres.onReplica("select pg_wal_replay_resume()");

  const first = await record(9);
  t.match(first, /^[0-9A-F]+\/[0-9A-F]+$/);
  t.equal(await count(first), 1);

  await t.test(
    "sees what was written before the position that is sent, and otherwise what the replica has",
    async (t) => {
      await pause();
      const second = await record(3);
      t.equal(await asksPrimary(async () => t.equal(await count(), 1)), false);
      t.equal(await asksPrimary(async () => t.equal(await count(first), 1)), false);
      const startedAt = performance.now();
      t.ok(
        await asksPrimary(async () => t.equal(await count(second), 2)),
        "the primary answers what the replica cannot",
      );
      t.ok(performance.now() - startedAt >= 99, "after it was waited for");
      t.equal((await client.get("/v1/responses")).body.data.length, 1, "REST reads there as well");
      const resumed = sleep(20).then(resume);
      const waited = await asksPrimary(async () => t.equal(await count(second), 2));
      await resumed;
      t.equal(waited, false, "what comes in time is waited for");
    },
  );

  await t.test("every write tells its position, also a mutation and one that is told again", async (t) => {
    const key = { "idempotency-key": "k" };
    const { id } = (await client.get("/v1/responses")).body.data[0];
    const answers = [
      await client.post("/v1/responses", { score: 1 }, key),
      await client.post("/v1/responses", { score: 1 }, key),
      await client.post("/v1/responses/batch", { responses: [{ score: 9 }] }),
      await client.put("/v1/surveys/ours", { kind: "RELATIONSHIP" }),
      await client.post("/graphql", { query: `mutation { acknowledgeResponse(id: "${id}") { id } }` }),
    ];
    for (const { headers, body } of answers) {
      t.match(headers["afterscore-position"], /^[0-9A-F]+\/[0-9A-F]+$/, JSON.stringify(body));
    }
    t.equal(await count(String(answers.at(-1)?.headers["afterscore-position"])), 4);
    t.equal((await client.get("/v1/responses")).headers["afterscore-position"], undefined);
  });

  await t.test("one that is none is refused, and named", async (t) => {
    for (const position of ["0", "0/G", "0/0' or true", "123456789/0"]) {
      const { status, body } = await client.post(
        "/graphql",
        { query: "{ __typename }" },
        { "afterscore-position": position },
      );
      t.equal(status, 400, position);
      t.match(body.invalidParams, [{ name: "Afterscore-Position" }]);
    }
  });

  await t.test("go to the primary when the replica is gone", async (t) => {
    await postgres.stopReplica();
    t.ok(await asksPrimary(async () => t.equal(await count(), 4)));
    t.ok(await asksPrimary(async () => t.equal(await count(first), 4)));
  });
});

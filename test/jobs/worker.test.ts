import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { foldRollups, maintainRollups } from "../../src/aggregates/index.ts";
import { sweep } from "../../src/cases/index.ts";
import { listDeadLetters, retryDeadLetters } from "../../src/platform/jobStore.ts";
import { applyThemes } from "../../src/themes/index.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { CSV } from "../support/files.ts";
import { printed, startProgram } from "../support/program.ts";
import { type Client, type Service, startService } from "../support/service.ts";

/** Lets every write of this kind fail in one workspace. @returns what ends that */
async function breakIn(service: Service, { workspaceId }: Client, write: string): Promise<() => Promise<void>> {
  await service.pool.query(`create or replace function broken() returns trigger language plpgsql as $$ begin
    if coalesce(new.workspace_id, old.workspace_id) = '${workspaceId}' then raise exception 'canary'; end if;
    return coalesce(new, old); end $$`);
  await service.pool.query(`create trigger broken before ${write} for each row execute function broken()`);
  return async () => {
    await service.pool.query(`drop trigger broken on ${write.split(" on ")[1]}`);
  };
}

/** What stands in the way is made by them. */
const NO_TRIGGERS = { skip: skipOnCluster("there are no triggers") };

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await isSo()); attempt += 1) {
    if (attempt > 600) throw new Error(`it never came: ${String(isSo)}`);
    await sleep(50);
  }
}

async function twoClients(t: Test): Promise<{ service: Service; broken: Client; other: Client }> {
  const service = await startService(t);
  return { service, broken: await service.newClient(), other: await service.newClient() };
}

t.test(
  "an import that fails holds up no other, and is a dead letter in the end that can be done again",
  NO_TRIGGERS,
  async (t) => {
    const { service, broken, other } = await twoClients(t);
    const mend = await breakIn(service, broken, "delete on import_chunks");
    const statusOf = async (client: Client) => (await client.get("/v1/imports?limit=1")).body.data[0].status;
    const jobs = async () =>
      (
        await service.pool.query(
          "select state, data, output from pgboss.job where name = 'imports' and state <> 'completed'",
        )
      ).rows;
    for (const client of [broken, other]) {
      t.equal((await client.post("/v1/imports", "score,comment\n1,canary\n", CSV)).status, 202);
    }
    const worker = startProgram(["worker"], { env: { DATABASE_URL: service.url } });
    t.teardown(() => worker.child.kill("SIGKILL"));
    await until(async () => (await statusOf(other)) === "DONE");
    await until(async () => {
      const states = (await jobs()).map(({ state }) => state);
      return states.length > 0 && states.every((state) => state === "retry");
    });
    t.equal(await statusOf(broken), "QUEUED");
    // Several may work on one file: there are two where it was looked for while the first was under way.
    const { length } = await jobs();
    t.ok(length <= 2);
    await sleep(2_000);
    t.equal((await jobs()).length, length, "it waits to be tried again, and is not sent again meanwhile");
    await service.pool.query(
      "update pgboss.job set retry_count = retry_limit, start_after = now() where state = 'retry'",
    );
    await until(async () => (await listDeadLetters(service.pool)).length === length);
    const [letter] = await listDeadLetters(service.pool);
    t.match(letter, { job: "imports", data: { workspaceId: broken.workspaceId }, error: { code: "P0001" } });
    await sleep(2_000);
    t.same(
      (await jobs()).map(({ state }) => state),
      Array(length).fill("failed"),
      "nor when it has failed for good",
    );
    t.notMatch(JSON.stringify(await jobs()), /canary/);
    t.notMatch(worker.output(), /canary/, "nothing of anybody is in the log");

    await mend();
    t.ok((await retryDeadLetters(service.pool)) > 0);
    await until(async () => (await statusOf(broken)) === "DONE");
    t.same(await listDeadLetters(service.pool), []);
    worker.child.kill("SIGTERM");
    t.equal(await worker.exit, 0, worker.output());
  },
);

t.test("one file is recorded and one score is counted by three workers, each row once", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const rows = Array.from({ length: 6_000 }, (_, index) => `${index % 11},${index}`);
  const posted = await client.post("/v1/imports?followUp=NONE", `score,externalId\n${rows.join("\n")}\n`, CSV);
  t.equal(posted.status, 202);
  const workers = [1, 2, 3].map(() => startProgram(["worker"], { env: { DATABASE_URL: service.url } }));
  t.teardown(() => workers.forEach(({ child }) => child.kill("SIGKILL")));
  await Promise.all(workers.map((worker) => printed(worker, /"(working)"/)));
  await until(async () => (await client.get("/v1/imports?limit=1")).body.data[0].status === "DONE");
  t.match((await client.get("/v1/imports?limit=1")).body.data[0], { created: 6_000, existing: 0, rejected: 0 });
  await until(async () => (await client.rows("select from nps_rollups where is_ready")).length === 1);
  t.same(await client.rows("select generation::int from nps_rollups"), [{ generation: 1 }], "built once");
  for (const { child } of workers) child.kill("SIGTERM");
  t.same(await Promise.all(workers.map(({ exit }) => exit)), [0, 0, 0]);
});

t.test("what stands in the way in one workspace holds up no other", NO_TRIGGERS, async (t) => {
  const { service, broken, other } = await twoClients(t);
  await maintainRollups(service.tenancy);
  for (const client of [broken, other]) {
    const policy = { detractor: { hours: 2 / 3_600 } };
    t.equal((await client.put("/v1/policies/first-contact", policy)).status, 200);
    await client.put("/v1/themes/price", { label: "Price", phrases: ["expensive"] });
    t.equal((await client.post("/v1/responses", { score: 5, comment: "expensive" })).status, 201);
    await client.put("/v1/themes/price", { label: "Price", phrases: ["expensive", "dear"] });
  }
  // All that time does to a promise of 2 s is done by 150 % of it.
  await sleep(3_500);
  for (const [write, work] of [
    ["insert on case_activities", sweep],
    ["update on themes", applyThemes],
    ["insert on nps_daily", foldRollups],
  ] as const) {
    const mend = await breakIn(service, broken, write);
    await t.rejects(work(service.tenancy), `${write}: it is told`);
    await mend();
    t.ok((await work(service.tenancy)) > 0, "then the broken one is left");
    t.equal(await work(service.tenancy), 0, "and the other was done");
  }
});

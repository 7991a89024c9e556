import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { createPool } from "../../src/platform/database.ts";
import { listDeadLetters, listQueueStates, retryDeadLetters } from "../../src/platform/jobStore.ts";
import { type JobOptions, type Queue, startJobs } from "../../src/platform/jobs.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { printed, startProgram } from "../support/program.ts";
import { cloneDatabase } from "../support/server.ts";

const JOB_WORKER = fileURLToPath(new URL("../support/jobWorker.ts", import.meta.url));
const QUICK: JobOptions = {
  heartbeatSeconds: 10,
  superviseSeconds: 1,
  pollSeconds: 0.5,
  cronSeconds: 1,
  drainSeconds: 1,
  retryLimit: 1,
  retrySeconds: 1,
};

async function start(t: Test) {
  const database = await cloneDatabase();
  const logger = createLogger("silent");
  const pool = createPool({ connectionString: database.url, max: 5, logger });
  t.teardown(async () => {
    await pool.end();
    await database.drop();
  });
  await pool.query("create table done (kind text, pid int, at timestamptz default now())");
  const rows = async (sql: string) => (await pool.query(sql)).rows;
  const work = async (queue: Partial<Queue>, options: Partial<JobOptions> = {}) => {
    const defaults = { name: "test", limitSeconds: 60, work: async () => "DONE" as const };
    const jobs = await startJobs(pool, logger, [{ ...defaults, ...queue }], { ...QUICK, ...options });
    t.teardown(() => jobs.stop());
    return jobs;
  };
  return { url: database.url, pool, rows, work };
}

async function until(isSo: () => Promise<boolean>, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} seconds: ${String(isSo)}`);
    await sleep(50);
  }
}

t.test("neither the role of workspaces nor the one across them has any right on jobs", async (t) => {
  const { pool, work } = await start(t);
  await (await work({})).offer("test", [{ key: "a", data: {} }]);
  for (const role of ["afterscore_app", "afterscore_system"]) {
    for (const statement of [
      "select 1 from pgboss.job",
      "delete from pgboss.job",
      "insert into pgboss.job (name) values ('test')",
      "select pgboss.create_queue('mine', '{}')",
      "create table pgboss.mine ()",
    ]) {
      const asRole = `begin; set local role ${role}; ${statement}; commit`;
      await t.rejects(pool.query(asRole), { message: "permission denied for schema pgboss" }, `${role}: ${statement}`);
    }
    const { rows } = await pool.query(
      "select has_schema_privilege($1, 'pgboss', 'usage') or has_schema_privilege($1, 'pgboss', 'create') as may",
      [role],
    );
    t.same(rows, [{ may: false }]);
  }
});

t.test("a key waits once, is worked on once, and again where there is MORE", async (t) => {
  const { rows, work } = await start(t);
  const order: string[] = [];
  const jobs = await work({
    work: async ({ id = "" }) => {
      order.push(id);
      return id === "large" && order.filter((other) => other === id).length < 3 ? "MORE" : "DONE";
    },
  });
  const [large, small] = [
    { key: "large", data: { id: "large" } },
    { key: "small", data: { id: "small" } },
  ];
  t.equal(await jobs.offer("test", [large, large, small]), 2);
  await until(async () => (await rows("select from pgboss.job where state < 'completed'")).length === 0);
  t.same(order, ["large", "small", "large", "large"], "others have their turn in between");
});

t.test(
  "a failure is tried again, then a dead letter: listed without what it said of a row, and done again",
  async (t) => {
    const { url, pool, rows, work } = await start(t);
    await pool.query("create table unique_mails (mail text unique)");
    await pool.query("insert into unique_mails values ('canary@example.com')");
    let isBroken = true;
    let attempts = 0;
    const jobs = await work({
      work: async () => {
        attempts += 1;
        if (isBroken) await pool.query("insert into unique_mails values ('canary@example.com')");
        return "DONE";
      },
    });
    const wanted = [{ key: "a", data: { workspaceId: "a" } }];
    t.equal(await jobs.offer("test", wanted), 1);
    await until(async () => attempts === 1);
    t.equal(await jobs.offer("test", wanted), 0, "what is to be tried again is not sent again");
    await until(async () => (await listDeadLetters(pool)).length === 1);
    t.equal(attempts, 2);
    t.equal(await jobs.offer("test", wanted), 0, "nor what failed for good");
    t.match(await listQueueStates(pool), [{ job: "test", waiting: 0, active: 0, dead: 1 }]);
    t.notMatch(JSON.stringify(await rows("select * from pgboss.job")), /canary/);

    const env = { DATABASE_URL: url };
    const run = async (code: number, ...args: string[]) => {
      const program = startProgram(["jobs", ...args], { env });
      t.equal(await program.exit, code, program.output());
      return program.output();
    };
    const letter = JSON.parse(await run(0, "list"));
    t.match(letter, { job: "test", data: { workspaceId: "a" }, attempts: 2, error: { code: "23505" } });
    t.match(JSON.parse(await run(0)), { job: "test", dead: 1 });
    t.match(await run(1, "retry", "--id", "nonsense"), /there is no dead letter nonsense/);
    isBroken = false;
    t.same(JSON.parse(await run(0, "retry", "--id", letter.id)), { retried: 1 });
    await until(async () => attempts === 3);
    t.same(await listDeadLetters(pool), []);
    t.equal(await retryDeadLetters(pool), 0);
  },
);

t.test("what takes too long has failed, and hears of it", async (t) => {
  const { pool, work } = await start(t);
  let isAborted = false;
  const jobs = await work(
    {
      limitSeconds: 1,
      work: async (_, signal) => {
        await sleep(20_000, undefined, { signal }).catch(() => {
          isAborted = true;
        });
        return "DONE";
      },
    },
    { retryLimit: 0 },
  );
  await jobs.offer("test", [{ key: "a", data: {} }]);
  await until(async () => (await listDeadLetters(pool)).length === 1);
  await until(async () => isAborted);
  // Told by its worker, or by whoever looks for those that take too long.
  t.match(await listDeadLetters(pool), [{ error: { message: /exceeded 1s|timed out/ } }]);
});

t.test("each minute of a schedule is done once by three processes", async (t) => {
  const { url, rows } = await start(t);
  const args = [url, JSON.stringify(QUICK), "* * * * *"];
  const programs = [1, 2, 3].map(() => startProgram(args, { script: JOB_WORKER }));
  t.teardown(() => programs.forEach(({ child }) => child.kill("SIGKILL")));
  await Promise.all(programs.map((program) => printed(program, /(working)/)));
  await until(async () => (await rows("select from done")).length > 0);
  await sleep(3_000);
  for (const { child } of programs) child.kill("SIGTERM");
  t.same(await Promise.all(programs.map(({ exit }) => exit)), [0, 0, 0]);
  const [sent] = await rows(`select count(*) filter (where name = 'test') as n, count(distinct singleton_on) as minutes
    from pgboss.job where name in ('test', '__pgboss__send-it')`);
  t.equal(sent.n, sent.minutes, "one job a minute");
  t.equal((await rows("select from done")).length, sent.n, "each done once");
});

t.test("what a killed worker had comes back, what a stopped one had is finished or handed back", async (t) => {
  const { url, pool, rows, work } = await start(t);
  const sender = await work({});
  await sender.stop();
  const begin = async (kind: string) => {
    const program = startProgram([url, JSON.stringify(QUICK)], { script: JOB_WORKER });
    t.teardown(() => program.child.kill("SIGKILL"));
    await printed(program, /(working)/);
    t.equal(await sender.offer("test", [{ key: kind, data: { kind } }]), 1);
    await printed(program, new RegExp(`began (${kind})`));
    return program;
  };
  const stateOf = async (kind: string) =>
    (await rows(`select state from pgboss.job where singleton_key = '${kind}'`))[0]?.state;
  const short = await begin("short");
  short.child.kill("SIGTERM");
  t.equal(await short.exit, 0);
  t.equal(await stateOf("short"), "completed");
  t.match(await rows("select kind from done"), [{ kind: "short" }], "finished");

  const stopped = await begin("hang");
  const stoppedAt = Date.now();
  stopped.child.kill("SIGTERM");
  t.equal(await stopped.exit, 0);
  t.ok(Date.now() - stoppedAt < 5_000, "it waited a second for it");
  t.equal(await stateOf("hang"), "retry", "handed back");
  await pool.query("delete from pgboss.job");

  const killed = await begin("hang");
  killed.child.kill("SIGKILL");
  await killed.exit;
  t.equal(await stateOf("hang"), "active", "nobody knows yet");
  // As if it had not been heard of for that long.
  await pool.query("update pgboss.job set heartbeat_on = now() - interval '10 seconds'");
  let isBack = false;
  const killedAt = Date.now();
  await work({
    work: async ({ kind }) => {
      isBack = kind === "hang";
      return "DONE";
    },
  });
  await until(async () => isBack);
  t.ok(Date.now() - killedAt < 10_000, "found by the next look for the dead, and tried again");
});

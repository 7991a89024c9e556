import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { sweep } from "../../src/cases/index.ts";
import { dueClocksQuery } from "../../src/cases/sweeping.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { printed, startProgram } from "../support/program.ts";
import { type Client, startService } from "../support/service.ts";

const CASES = 1_000;
const SECOND_HOURS = 1 / 3_600;

async function openMany(client: Client, wanted: number): Promise<void> {
  for (let from = 0; from < wanted; from += 500) {
    const responses = Array.from({ length: Math.min(500, wanted - from) }, () => ({ score: 5 }));
    const { status } = await client.post("/v1/responses/batch", { responses });
    if (status !== 200) throw new Error(`the batch was answered ${status}`);
  }
}

/** How many cases each kind of event and of activity is about, and how often the one of most is. */
async function count(client: Client) {
  const events = `select type, count(*)::int as n, count(distinct data->'case'->>'id')::int as cases from events
    where type like 'case.first%' or type = 'case.escalated' group by type order by type`;
  const activities = `select type, count(*)::int as n, count(distinct case_id)::int as cases from case_activities
    where type in ('FIRST_CONTACT_DUE_SOON', 'FIRST_CONTACT_MISSED', 'ESCALATED') group by type order by type`;
  return { events: await client.rows(events), activities: await client.rows(activities) };
}

t.test("three workers, one with its clock an hour fast, announce each step of 1,000 cases once", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.put("/v1/policies/first-contact", { detractor: { hours: 2 * SECOND_HOURS } });
  await openMany(client, CASES);
  // Due soon in 54 minutes, but at once by a clock that is an hour fast.
  await client.put("/v1/policies/first-contact", { detractor: { hours: 1.2 } });
  await openMany(client, 10);
  await sleep(3_200);

  const ahead = fileURLToPath(new URL("../support/clockAhead.ts", import.meta.url));
  const programs = ["", "", `--import ${ahead}`].map((NODE_OPTIONS) =>
    startProgram(["worker"], { env: { DATABASE_URL: service.url, NODE_OPTIONS } }),
  );
  await Promise.all(programs.map((program) => printed(program, /"(working)"/)));
  const all = { n: CASES, cases: CASES };
  const expected = {
    events: ["case.escalated", "case.first_contact_due_soon", "case.first_contact_missed"].map((type) => ({
      type,
      ...all,
    })),
    activities: ["ESCALATED", "FIRST_CONTACT_DUE_SOON", "FIRST_CONTACT_MISSED"].map((type) => ({ type, ...all })),
  };
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { events } = await count(client);
    if (events.length === 3 && events.every(({ n }) => n === CASES)) break;
    await sleep(200);
  }
  for (const { child } of programs) child.kill("SIGTERM");
  t.same(await Promise.all(programs.map(({ exit }) => exit)), [0, 0, 0], "and stop when they are told");
  t.same(await count(client), expected);
  t.equal(await sweep(service.tenancy), 0, "nothing is left, nothing is said again");
  t.same(await client.rows("select count(*)::int as n from case_clock_steps"), [{ n: 3 * CASES }]);
});

t.test("a sweep", async (t) => {
  const service = await startService(t);

  t.test("tells of each step with the time it was reached, and in the case's order", async (t) => {
    const client = await service.newClient();
    await client.put("/v1/policies/first-contact", {
      detractor: { hours: SECOND_HOURS },
      escalationPercents: [50, 200],
    });
    const { body: response } = await client.post("/v1/responses", { score: 5 });
    await sleep(1_100);
    t.equal(await sweep(service.tenancy), 1);
    await sleep(1_000);
    t.equal(await sweep(service.tenancy), 1);
    const { body } = await client.get(`/v1/cases/${response.case.id}`);
    const at = (seconds: number) => new Date(Date.parse(response.receivedAt) + seconds * 1_000).toISOString();
    t.match(body.activities.slice(1), [
      {
        type: "FIRST_CONTACT_DUE_SOON",
        occurredAt: at(0.5),
        details: { percent: 50, clock: 1 },
        actor: { kind: "job" },
      },
      { type: "FIRST_CONTACT_MISSED", occurredAt: at(1), details: { percent: 100 } },
      { type: "ESCALATED", occurredAt: at(2), details: { percent: 200 } },
    ]);
    t.ok(body.activities[1].recordedAt > at(1), "that it is told late is seen");
    t.equal(body.version, 3);
    const events = () =>
      client.rows(
        "select type, (data->>'sequence')::int as n from events where type <> 'response.recorded' order by id",
      );
    const told = await events();
    t.same(told, [
      { type: "case.opened", n: 1 },
      { type: "case.first_contact_due_soon", n: 2 },
      { type: "case.first_contact_missed", n: 2 },
      { type: "case.escalated", n: 3 },
    ]);

    await client.rows("update case_clocks set next_step = 50, next_step_at = started_at");
    await sweep(service.tenancy);
    t.same(await events(), told, "whoever comes to a step that has its row says nothing");
  });

  t.test("says nothing of a case that was contacted, or is closed, or is not due", async (t) => {
    const client = await service.newClient();
    await client.put("/v1/policies/first-contact", { detractor: { hours: SECOND_HOURS / 2 } });
    const open = async () => `/v1/cases/${(await client.post("/v1/responses", { score: 5 })).body.case.id}`;
    const [contacted, closed] = [await open(), await open()];
    await client.post(`${contacted}/contacts`, { channel: "EMAIL", direction: "OUTBOUND", outcome: "SENT" });
    await client.post(`${closed}/closure`, { outcome: "INVALID", reason: "A test of ours" });
    await client.put("/v1/policies/first-contact", {});
    await open();
    await sleep(800);
    t.equal(await sweep(service.tenancy), 0);
    await client.post(`${closed}/reopening`, { reason: "It was none" });
    await sleep(800);
    t.equal(await sweep(service.tenancy), 1, "opened again, its new clock is announced");
    t.match((await client.get(closed)).body.clocks, [{ state: "MISSED" }, { state: "MISSED", cause: "REOPENED" }]);
  });

  t.test("announces a commitment once, on its day, unless it is settled", async (t) => {
    const client = await service.newClient({ timeZone: "Pacific/Kiritimati" });
    const { body: response } = await client.post("/v1/responses", { score: 5 });
    const path = `/v1/cases/${response.case.id}`;
    const promise = async (text: string, dueOn: string) =>
      (await client.post(`${path}/commitments`, { text, dueOn })).body.commitments.at(-1).id;
    // 14 hours ahead of UTC: there it is today when the day has not begun here.
    const today = new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + 38 * 3_600_000).toISOString().slice(0, 10);
    const due = await promise("call", today);
    await promise("write", tomorrow);
    await client.post(`${path}/commitments/${await promise("pay", today)}/outcome`, { kept: true });
    t.equal(await sweep(service.tenancy), 1);
    t.equal(await sweep(service.tenancy), 0);
    const events = await client.rows("select data from events where type = 'commitment.due'");
    t.match(events, [{ data: { commitmentId: due, case: { id: response.case.id, commitments: { length: 3 } } } }]);
    const found = async (day: string) =>
      (await client.query(`{ cases(filter: { commitmentDueBefore: "${day}" }) { totalCount } }`)).cases.totalCount;
    t.equal(await found(today), 0);
    t.equal(await found(tomorrow), 1);
  });

  t.test("passes over a case that somebody works on at this moment, and comes back to it", async (t) => {
    const client = await service.newClient();
    await client.put("/v1/policies/first-contact", { detractor: { hours: SECOND_HOURS / 2 } });
    const { body: response } = await client.post("/v1/responses", { score: 5 });
    await sleep(800);
    const caller = { workspaceId: client.workspaceId, actor: { kind: "job", id: "test" }, requestId: null } as const;
    await service.tenancy.inWorkspace(caller, async (tx) => {
      await tx.db.execute(
        `select from cases where workspace_id = '${client.workspaceId}' and id = '${response.case.id}' for update`,
      );
      t.equal(await sweep(service.tenancy), 0);
    });
    t.equal(await sweep(service.tenancy), 1);
  });
});

t.test(
  "a sweep looks at what is due and at nothing else",
  { skip: skipOnCluster("its plan is of one server") },
  async (t) => {
    const service = await startService(t);
    const client = await service.newClient();
    await openMany(client, 2_000);
    await client.rows(`update case_clocks set next_step_at = now() - interval '1 minute' where case_id in (
    select case_id from case_clocks order by case_id limit 7)`);
    await service.pool.query("analyze case_clocks");
    const plan = await service.tenancy.acrossWorkspaces("find what is due", async (tx) => {
      const { sql, params } = dueClocksQuery(tx).toSQL();
      const text = params.reduce<string>((query, param, index) => query.replace(`$${index + 1}`, String(param)), sql);
      const { rows } = await tx.db.execute<{ "QUERY PLAN": any[] }>(`explain (analyze, format json) ${text}`);
      return rows[0]?.["QUERY PLAN"][0].Plan;
    });
    const scan = plan.Plans[0];
    t.match(scan, { "Node Type": /Index/, "Index Name": "case_clocks_due", "Index Cond": /next_step_at <= now/ });
    t.equal(scan["Actual Rows"], 7);
    t.equal(scan["Rows Removed by Filter"] ?? 0, 0);
  },
);

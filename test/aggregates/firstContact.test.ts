import t from "tap";
import { rateOf } from "../../src/scoring/index.ts";
import { randomOf } from "../support/population.ts";
import { type Client, startService } from "../support/service.ts";

const HOUR_MS = 3_600_000;
const KPI = `met missed pending rate { value numerator denominator low high } medianHours
  within24h { numerator denominator } within48h { numerator denominator }`;

interface Clock {
  /** Hours before now. */
  started: number;
  allowed: number;
  /** Hours after the start, null while nobody was reached. */
  took: number | null;
}

/** Cases with these clocks, one each: opened by the service, then moved to their times. */
async function arrange(client: Client, clocks: readonly Clock[], now: number): Promise<string[]> {
  const { body } = await client.post("/v1/responses/batch", { responses: clocks.map(() => ({ score: 5 })) });
  if (body.results.length !== clocks.length) throw new Error("not all were recorded");
  const found = await client.rows(
    "select case_id as id from case_clocks join cases using (workspace_id) where cases.id = case_id order by cases.id",
  );
  const at = (ms: number) => `'${new Date(ms).toISOString()}'`;
  const values = clocks.map(({ started, allowed, took }, index) => {
    const start = now - started * HOUR_MS;
    const met = took === null ? "null" : at(start + took * HOUR_MS);
    return `('${String(found[index]?.["id"])}'::uuid, ${at(start)}::timestamptz, ${at(start + allowed * HOUR_MS)}::timestamptz, ${met}::timestamptz)`;
  });
  const input = `(values ${values.join(", ")}) as input (id, started, due, met)`;
  await client.rows(
    `update case_clocks set started_at = started, due_at = due, met_at = met from ${input} where case_id = id`,
  );
  return found.map(({ id }) => String(id));
}

/** The same figures, counted one by one. */
function expectedKpi(clocks: readonly Clock[]) {
  const took = ({ started, took: hours }: Clock) => hours ?? started;
  const within = (hours: number) => {
    const numerator = clocks.filter((clock) => clock.took !== null && clock.took <= hours).length;
    const denominator = clocks.filter((clock) => clock.took !== null || clock.started > hours).length;
    return { numerator, denominator };
  };
  const met = clocks.filter((clock) => clock.took !== null && clock.took <= clock.allowed).length;
  const pending = clocks.filter((clock) => clock.took === null && clock.started <= clock.allowed).length;
  const missed = clocks.length - met - pending;
  // Kaplan and Meier: at each contact, the share of those still waiting who go on waiting.
  let waiting = 1;
  let medianHours: number | null = null;
  const times = [...new Set(clocks.filter((clock) => clock.took !== null).map(took))].toSorted((a, b) => a - b);
  for (const time of times) {
    const atRisk = clocks.filter((clock) => took(clock) >= time).length;
    const reached = clocks.filter((clock) => clock.took === time).length;
    waiting *= 1 - reached / atRisk;
    if (medianHours === null && waiting <= 0.5 + 1e-12) medianHours = time;
  }
  return {
    met,
    missed,
    pending,
    rate: rateOf(met, met + missed),
    medianHours,
    within24h: within(24),
    within48h: within(48),
  };
}

t.test("the KPI of the first contact", async (t) => {
  const service = await startService(t);

  t.test("is what counting clock by clock gives, on any clocks", async (t) => {
    const random = randomOf(7);
    for (let round = 0; round < 12; round += 1) {
      const client = await service.newClient();
      const reached = random();
      const clocks = Array.from({ length: 1 + Math.floor(random() * 60) }, (): Clock => {
        const started = 1 + Math.floor(random() * 200);
        // Whole hours, so that many take the same time.
        const took = random() < reached ? Math.floor(random() * Math.min(started, 90)) : null;
        return { started, allowed: random() < 0.5 ? 24 : 48, took };
      });
      // So that nothing is due at the very moment of the question.
      await arrange(client, clocks, Date.now() - 60_000);
      const { firstContactKpi } = await client.query(`{ firstContactKpi { ${KPI} } }`);
      const expected = expectedKpi(clocks);
      t.same(firstContactKpi, expected, `${clocks.length} clocks, median ${expected.medianHours}`);
    }
  });

  t.test("is what docs/statistics.md works out", async (t) => {
    const client = await service.newClient();
    const reached = [2, 5, 30].map((took) => ({ started: 50, allowed: 48, took }));
    const waiting = [4, 40].map((started) => ({ started, allowed: 48, took: null }));
    await arrange(client, [...reached, ...waiting], Date.now() - 60_000);
    const { firstContactKpi } = await client.query(`{ firstContactKpi { ${KPI} } }`);
    t.match(firstContactKpi, { medianHours: 30, within24h: { numerator: 2, denominator: 4 } });
  });

  t.test("is null where there is nothing to go by", async (t) => {
    const client = await service.newClient();
    const nothing = { met: 0, missed: 0, pending: 0, medianHours: null, rate: { value: null, low: null, high: null } };
    t.match((await client.query(`{ firstContactKpi { ${KPI} } }`)).firstContactKpi, nothing);
    t.same(await client.query("{ firstContactTrend(interval: DAY) { start } }"), { firstContactTrend: [] });
    t.same(await client.query("{ caseBreakdown(by: STATUS) { key } }"), { caseBreakdown: [] });
  });

  t.test("counts each clock of a case, and takes the filters of cases", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const { body } = await client.post("/v1/responses", { score: 5, person });
    const contact = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
    await client.post(`/v1/cases/${body.case.id}/contacts`, contact);
    await client.post("/v1/responses", { score: 2, person });
    await client.post("/v1/responses", { score: 2 });
    const ask = async (filter = "") =>
      (await client.query(`{ firstContactKpi${filter} { met missed pending } }`)).firstContactKpi;
    t.same(await ask(), { met: 1, missed: 0, pending: 2 });
    t.same(await ask(`(filter: { personIds: ["${body.person.id}"] })`), { met: 1, missed: 0, pending: 1 });
    t.same(await ask("(filter: { statuses: [CLOSED] })"), { met: 0, missed: 0, pending: 0 });
  });

  t.test("by interval: in the workspace's time zone, empty ones too", async (t) => {
    const client = await service.newClient({ timeZone: "Europe/Berlin" });
    // The night in which the clocks go forward, and two days on; in UTC the first is the day before.
    const starts = ["2026-03-28T23:30:00Z", "2026-03-29T21:59:59Z", "2026-03-31T10:00:00Z"];
    const now = Date.now();
    const clocks = starts.map((start) => ({ started: (now - Date.parse(start)) / HOUR_MS, allowed: 48, took: 1 }));
    await arrange(client, clocks, now);
    const query = "query ($i: Interval!) { firstContactTrend(interval: $i) { start end kpi { met } } }";
    const trend = async (i: string) => (await client.query(query, { i })).firstContactTrend;
    t.same(await trend("DAY"), [
      { start: "2026-03-28T23:00:00.000Z", end: "2026-03-29T22:00:00.000Z", kpi: { met: 2 } },
      { start: "2026-03-29T22:00:00.000Z", end: "2026-03-30T22:00:00.000Z", kpi: { met: 0 } },
      { start: "2026-03-30T22:00:00.000Z", end: "2026-03-31T22:00:00.000Z", kpi: { met: 1 } },
    ]);
    t.match(await trend("WEEK"), [
      { start: "2026-03-22T23:00:00.000Z", kpi: { met: 2 } },
      { start: "2026-03-29T22:00:00.000Z", kpi: { met: 1 } },
    ]);
    t.match(await trend("QUARTER"), [{ start: "2025-12-31T23:00:00.000Z", end: "2026-03-31T22:00:00.000Z" }]);
    await arrange(client, [...clocks, { started: 24 * 1_300, allowed: 48, took: null }], now);
    const { body } = await client.post("/graphql", { query, variables: { i: "DAY" } });
    t.match(body.errors, [{ extensions: { code: "invalid_request", invalidParams: [{ name: "interval" }] } }]);
  });
});

t.test("cases by what they share", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.put("/v1/root-causes/price", { label: "The price" });
  await client.put("/v1/surveys/s-1", { name: "Yearly" });
  const person = { externalId: "u", account: { externalId: "acme", segment: "SMALL", owner: "ben" } };
  const { body: first } = await client.post("/v1/responses", { score: 2, person, survey: { key: "s-1" } });
  await client.post("/v1/responses", { score: 3, person, survey: { key: "s-2" } });
  const { body: second } = await client.post("/v1/responses", { score: 5, survey: { key: "s-1" } });
  await client.post("/v1/responses", { score: 6, survey: { key: "s-1" } });
  await client.post(`/v1/cases/${first.case.id}/causes`, { statedCause: "price" });
  await client.post(`/v1/cases/${second.case.id}/closure`, { outcome: "GOODWILL", reason: "A voucher" });
  const groups = async (by: string, args = "") =>
    (
      await client.query(
        `{ caseBreakdown(by: ${by}${args}) { key label cases firstContact { pending } outcomes { outcome cases } } }`,
      )
    ).caseBreakdown;
  const short = async (by: string, args = "") => (await groups(by, args)).map((g: any) => [g.key, g.label, g.cases]);

  t.same(await short("STATED_CAUSE"), [
    ["", "(none)", 2],
    ["price", "The price", 1],
  ]);
  t.same(await short("ACTUAL_CAUSE"), [["", "(none)", 3]]);
  t.same(await short("STATUS"), [
    ["OPEN", "OPEN", 2],
    ["CLOSED", "CLOSED", 1],
  ]);
  t.same(await short("ASSIGNEE"), [
    ["", "(none)", 2],
    ["ben", "ben", 1],
  ]);
  t.same(await short("PRIORITY"), [
    ["NORMAL", "NORMAL", 2],
    ["HIGH", "HIGH", 1],
  ]);
  t.same(await short("SEGMENT"), [
    ["", "(none)", 2],
    ["SMALL", "SMALL", 1],
  ]);
  t.same(
    await short("SURVEY"),
    [
      ["s-1", "Yearly", 3],
      ["s-2", "s-2", 1],
    ],
    "a case with answers to two surveys is in both groups",
  );
  t.same(await groups("OUTCOME"), [
    { key: "", label: "(none)", cases: 2, firstContact: { pending: 2 }, outcomes: [] },
    {
      key: "GOODWILL",
      label: "GOODWILL",
      cases: 1,
      firstContact: { pending: 1 },
      outcomes: [{ outcome: "GOODWILL", cases: 1 }],
    },
  ]);
  t.same(await short("STATUS", ", first: 1"), [["OPEN", "OPEN", 2]]);
  t.same(await short("STATUS", ", filter: { unassigned: false }"), [["OPEN", "OPEN", 1]]);
});

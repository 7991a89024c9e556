import t from "tap";
import { maintainRollups, rebuildRollups } from "../../src/aggregates/index.ts";
import { emptyDistribution } from "../../src/scoring/index.ts";
import { randomOf } from "../support/population.ts";
import { type Client, type Service, startService } from "../support/service.ts";

const EDITS = 1_200;
const EDITS_PER_COMPARISON = 80;

/** Questions that the counts by day can answer, at whatever instants, and some that they cannot. */
function questionsOf(random: () => number): string {
  const at = () => new Date(Date.UTC(2026, 1, 20) + Math.floor(random() * 60 * 86_400) * 1_000).toISOString();
  const [a, b] = [at(), at()].toSorted((x, y) => (x < y ? -1 : 1));
  const window = random() < 0.2 ? "" : `from: "${a}"${random() < 0.2 ? "" : `, to: "${b}"`}`;
  const local = 'from: "2026-03-01T00:00:00+01:00", to: "2026-04-01T00:00:00+02:00"';
  const D = "distribution";
  return `{
    all: nps { ${D} }
    window: nps(filter: { ${window} }) { ${D} }
    local: nps(filter: { ${local} }) { ${D} }
    instant: nps(filter: { from: "${a}", to: "${a}" }) { ${D} }
    survey: nps(filter: { surveyKeys: ["s-1", "s-9"], ${window} }) { ${D} }
    channel: nps(filter: { channels: [EMAIL], categories: [PROMOTER, DETRACTOR], ${window} }) { ${D} }
    two: nps(filter: { channels: [EMAIL], languages: ["de"] }) { ${D} }
    none: nps(filter: { segments: [""] }) { ${D} }
    some: nps(filter: { touchpoints: ["", "t-0"], ${window} }) { ${D} }
    danger: nps(filter: { dangerZone: true, segments: ["A", "B"], ${window} }) { ${D} }
    days: npsTrend(interval: DAY, filter: { ${local}, languages: ["de"] }) { start summary { ${D} } }
    weeks: npsTrend(interval: WEEK, filter: { ${window} }) { start summary { ${D} } }
    rolling: npsTrend(interval: WEEK, rollingDays: 10, filter: { ${window} }) { start summary { ${D} } }
    byChannel: npsBreakdown(by: CHANNEL, orderBy: KEY, filter: { ${window} }) { key summary { ${D} } }
    bySegment: npsBreakdown(by: SEGMENT, orderBy: KEY, filter: { segments: ["A"] }) { key summary { ${D} } }
    bySurvey: npsBreakdown(by: SURVEY, orderBy: KEY, filter: { touchpoints: ["t-0", "t-1"] }) { key summary { ${D} } }
    byTouchpoint: npsBreakdown(by: TOUCHPOINT, orderBy: KEY) { key summary { ${D} } }
  }`;
}

/** The same questions, answered from the counts and from the rows. */
async function compare(client: Client, question: string): Promise<[string, string]> {
  const counted = JSON.stringify(await client.query(question));
  await client.rows(`update nps_rollups set is_ready = false where workspace_id = '${client.workspaceId}'`);
  const rows = JSON.stringify(await client.query(question));
  await client.rows(`update nps_rollups set is_ready = true where workspace_id = '${client.workspaceId}'`);
  return [counted, rows];
}

async function isReady(client: Client): Promise<boolean> {
  const rows = await client.rows(`select is_ready from nps_rollups where workspace_id = '${client.workspaceId}'`);
  return rows[0]?.["is_ready"] === true;
}

/** Changes something, anything. */
async function edit(client: Client, random: () => number, ids: string[]): Promise<void> {
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(...values: T[]) => values[below(values.length)];
  const answer = () => ({
    score: below(11),
    survey: { key: `s-${below(3)}` },
    channel: pick("EMAIL", "SMS", null),
    touchpoint: pick("t-0", "t-1", null),
    language: pick("de", "en", null),
    respondedAt: new Date(Date.UTC(2026, 2, 1) + below(45 * 24 * 60) * 60_000).toISOString(),
  });
  const id = ids[below(ids.length)];
  const kind = id === undefined ? 0 : below(10);
  if (kind <= 2) {
    const n = ids.length;
    const account = pick(undefined, { externalId: `a-${below(4)}`, segment: pick("A", "B", "C") });
    const body = { ...answer(), source: "x", externalId: String(n), account, test: random() < 0.05 };
    ids.push((await client.put("/v1/responses", body)).body.id);
  } else if (kind <= 4)
    await client.patch(`/v1/responses/${id}`, { score: below(11), language: pick("de", "en", null) });
  else if (kind <= 6) {
    await client.put("/v1/responses", { ...answer(), source: "x", externalId: String(below(ids.length)) });
  } else if (kind === 7)
    await client.patch(`/v1/responses/${id}`, { account: pick(null, { externalId: "a-9", segment: "C" }) });
  else if (kind === 8) await client.post(`/v1/responses/${id}/exclusion`, { reason: "OTHER" });
  else await client.delete(`/v1/responses/${id}/exclusion`);
}

async function newCounted(service: Service, timeZone: string): Promise<Client> {
  const client = await service.newClient({ timeZone });
  await maintainRollups(service.tenancy);
  return client;
}

t.test("counts by day and rows give the same answers, whatever was edited", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "Europe/Berlin");
  const random = randomOf(17);
  const ids: string[] = [];
  let compared = 0;
  for (let n = 0; n < EDITS; n += 1) {
    await edit(client, random, ids);
    if (random() < 0.03) await maintainRollups(service.tenancy);
    if (n % EDITS_PER_COMPARISON !== EDITS_PER_COMPARISON - 1) continue;
    if (!(await isReady(client))) throw new Error("the counts are not ready");
    const question = questionsOf(random);
    const [counted, rows] = await compare(client, question);
    if (counted !== rows) t.same(JSON.parse(counted), JSON.parse(rows), `after ${n} edits: ${question}`);
    compared += 1;
  }
  t.ok(
    compared >= EDITS / EDITS_PER_COMPARISON && ids.length > 200,
    `${compared} comparisons over ${ids.length} answers`,
  );
  // That the counts are what is read: were they wrong, the answer would be.
  const answered = async () => (await client.query("{ nps { answered } }")).nps.answered as number;
  const before = await answered();
  await maintainRollups(service.tenancy);
  await client.rows(
    "update nps_daily set s0 = s0 + 1000 where dimension = '' and day = (select min(day) from nps_daily)",
  );
  t.ok((await answered()) > before + 900);
  await rebuildRollups(service.tenancy, [client.workspaceId]);
  t.equal(await answered(), before, "counted anew they are right again");
});

t.test("counts are exact while many write, fold and build at once", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "America/New_York");
  const random = randomOf(23);
  const ids: string[] = [];
  for (let n = 0; n < 40; n += 1) await edit(client, random, ids);
  const written = new AbortController();
  const working = (async () => {
    while (!written.signal.aborted) {
      await maintainRollups(service.tenancy);
      // As if its time zone had been another before: everything is counted anew under the writers' hands.
      await client.rows(`update nps_rollups set time_zone = 'UTC' where workspace_id = '${client.workspaceId}'`);
    }
  })();
  await Promise.all(
    Array.from({ length: 6 }, async (_, writer) => {
      const own = randomOf(100 + writer);
      for (let n = 0; n < 60; n += 1) await edit(client, own, ids);
    }),
  );
  written.abort();
  await working;
  await maintainRollups(service.tenancy);
  t.ok(await isReady(client));
  for (let n = 0; n < 5; n += 1) {
    const [counted, rows] = await compare(client, questionsOf(random));
    t.same(JSON.parse(counted), JSON.parse(rows));
  }
});

t.test("from and to at any instant, in any time zone, count what counting by hand counts", async (t) => {
  const service = await startService(t);
  for (const [timeZone, change] of [
    ["Europe/Berlin", "2026-03-29T01:00:00Z"],
    ["America/New_York", "2025-11-02T06:00:00Z"],
    // Forward at midnight; by half an hour.
    ["America/Santiago", "2025-09-07T04:00:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
    ["Asia/Kolkata", "2026-01-01T00:00:00Z"],
    ["Pacific/Kiritimati", "2026-01-01T00:00:00Z"],
    // Without a midnight; with two.
    ["America/Havana", "2026-03-08T05:00:00Z"],
    ["America/Havana", "2026-11-01T05:00:00Z"],
    ["Atlantic/Azores", "2026-10-25T01:00:00Z"],
    // From one minute after midnight back to 23:01; without the 30th of December.
    ["America/St_Johns", "2010-11-07T02:31:00Z"],
    ["Pacific/Apia", "2011-12-30T10:00:00Z"],
  ] as const) {
    const client = await newCounted(service, timeZone);
    const random = randomOf(31);
    const near = () => new Date(Date.parse(change) + Math.round((random() - 0.5) * 8 * 86_400 * 2) * 500);
    // Half of them within three hours of the change.
    const at = () =>
      random() < 0.5 ? near() : new Date(Date.parse(change) + Math.round((random() - 0.5) * 360) * 60_000);
    const answers = Array.from({ length: 300 }, (_, n) => ({ score: n % 11, respondedAt: at().toISOString() }));
    const byHand = (from: string, to: string) =>
      emptyDistribution().map(
        (_, score) => answers.filter((a) => a.score === score && a.respondedAt >= from && a.respondedAt < to).length,
      );
    await client.post("/v1/responses/batch", { responses: answers });
    await maintainRollups(service.tenancy);
    for (let n = 0; n < 15; n += 1) {
      // Also at the times of answers themselves.
      const bounds = [at().toISOString(), n % 3 === 0 ? (answers[n]?.respondedAt ?? "") : at().toISOString()].toSorted(
        (a, b) => (a < b ? -1 : 1),
      );
      const [from = "", to = ""] = bounds;
      const expected = byHand(from, to);
      const { nps, npsTrend } = await client.query(`{ nps(filter: { from: "${from}", to: "${to}" }) { distribution }
        npsTrend(interval: DAY, filter: { from: "${from}", to: "${to}" }) { summary { distribution } } }`);
      t.same(nps.distribution, expected, `${timeZone} ${from} ${to}`);
      const total = expected.map((_, score) =>
        npsTrend.reduce((sum: number, { summary }: any) => sum + summary.distribution[score], 0),
      );
      t.same(total, expected, `${timeZone}: the days together are the whole`);
    }
    const D = "start end summary { distribution definition { from to } }";
    for (const fromCounts of [true, false]) {
      await client.rows(`update nps_rollups set is_ready = ${fromCounts} where workspace_id = '${client.workspaceId}'`);
      const { days, months, two } = await client.query(`{ days: npsTrend(interval: DAY) { ${D} }
        months: npsTrend(interval: MONTH) { ${D} } two: npsTrend(interval: DAY, rollingDays: 2) { ${D} } }`);
      for (const { start, end, summary } of [...days, ...months, ...two]) {
        t.same(
          summary,
          { distribution: byHand(start, end), definition: { from: start, to: end } },
          `${timeZone} ${start}`,
        );
        const { nps } = await client.query(`{ nps(filter: { from: "${start}", to: "${end}" }) { distribution } }`);
        t.same(nps.distribution, summary.distribution, `${timeZone} ${start}: of its time the same`);
      }
      for (const [n, { start, end }] of days.entries()) {
        t.ok(start < end && (n === 0 || days[n - 1].end === start), "day by day without a gap");
        t.equal(two[n].end, end);
        if (n > 0) t.ok(two[n].start === days[n - 1].start || timeZone === "Pacific/Apia", "two local days");
      }
    }
  }
});

t.test("a day begins when its date comes up first, and an instant belongs to the last day begun", async (t) => {
  const service = await startService(t);
  // Of 20 years every half hour within three days of a change of the clock, and every seven hours in between, where
  // one day is as the other: held against the calendar of the clock itself.
  const { rows } = await service.pool.query(`
    with clock as (
      select zone, at, (at at time zone zone)::date as date
      from unnest(array['America/St_Johns', 'America/Havana', 'Pacific/Apia', 'Antarctica/Casey', 'Africa/Cairo']) as zone,
        generate_series('2007-01-01Z'::timestamptz, '2026-12-31Z', '30 min') as at
      where extract(epoch from at)::bigint % (7 * 3600) = 0
        or ((at + interval '3 days') at time zone zone) - ((at - interval '3 days') at time zone zone) <> interval '6 days'
    ), days as (select zone, at, max(date) over (partition by zone order by at) as day from clock)
    select count(*)::int as instants,
      count(*) filter (where day_of(at, zone) <> day or begin_of_day(day, zone) > at or begin_of_day(day + 1, zone) <= at)::int as wrong
    from days`);
  t.match(rows, [{ wrong: 0 }]);
  t.ok(rows[0].instants > 150_000, `${rows[0].instants} instants`);
});

t.test("another time zone is another generation, and meanwhile rows answer", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "UTC");
  await client.post("/v1/responses", { score: 9, respondedAt: "2026-03-01T23:30:00Z" });
  await maintainRollups(service.tenancy);
  const day = async () => (await client.query("{ npsTrend(interval: DAY) { start summary { answered } } }")).npsTrend;
  t.match(await day(), [{ start: "2026-03-01T00:00:00.000Z", summary: { answered: 1 } }]);
  await client.rows("update workspaces set time_zone = 'Europe/Berlin'");
  t.match(await day(), [{ start: "2026-03-01T23:00:00.000Z", summary: { answered: 1 } }]);
  await client.post("/v1/responses", { score: 9, respondedAt: "2026-03-01T23:40:00Z" });
  await maintainRollups(service.tenancy);
  t.ok(await isReady(client));
  t.match(await day(), [{ start: "2026-03-01T23:00:00.000Z", summary: { answered: 2 } }]);
  t.same(await client.rows("select distinct generation from nps_daily"), [{ generation: 2 }]);
});

t.test("a dimension with too many values is counted from the rows", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "UTC");
  const responses = Array.from({ length: 250 }, (_, n) => ({ score: n % 11, touchpoint: `t-${n}`, channel: "SMS" }));
  await client.post("/v1/responses/batch", { responses });
  const ask = async () =>
    JSON.stringify(
      await client.query(
        '{ nps(filter: { touchpoints: ["t-1", "t-2"] }) { answered } sms: nps(filter: { channels: [SMS] }) { answered } }',
      ),
    );
  const before = await ask();
  await maintainRollups(service.tenancy);
  t.same(await client.rows("select dimension from nps_wide_dimensions"), [{ dimension: "TOUCHPOINT" }]);
  t.same(await client.rows("select count(*)::int as n from nps_daily where dimension = 'TOUCHPOINT'"), [{ n: 0 }]);
  await client.post("/v1/responses", { score: 9, touchpoint: "t-999" });
  await maintainRollups(service.tenancy);
  t.equal(await ask(), before);
  t.equal(JSON.parse(before).nps.answered, 2);
});

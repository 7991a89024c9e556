import t from "tap";
import { countsOf, npsOf } from "../../src/scoring/index.ts";
import { type Population, populate, type Sent } from "../support/population.ts";
import { startService } from "../support/service.ts";

const SUMMARY =
  "nps answered counted unweighted effectiveSampleSize distribution interval { method } definition { hash }";

type Matches = (answer: Sent) => boolean;
type Rules = { unit: string; weighting: string };

function distributionOf(answers: readonly Sent[]): number[] {
  const distribution = Array.from({ length: 11 }, () => 0);
  for (const { score } of answers) distribution[score] = (distribution[score] ?? 0) + 1;
  return distribution;
}

/** Of each person the latest; an answer without a person stands for itself. */
function latestOf(answers: readonly Sent[]): Sent[] {
  const latest = new Map<string, Sent>();
  for (const answer of answers) {
    const who = answer.person === null ? `answer ${answer.order}` : `person ${answer.person}`;
    const before = latest.get(who);
    if (before === undefined || before.respondedAt < answer.respondedAt) latest.set(who, answer);
  }
  return [...latest.values()];
}

const valueOf = (score: number) => (score >= 9 ? 1 : score >= 7 ? 0 : -1);
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

/** The same figures, counted one by one. */
function byHand({ sent, values }: Population, matches: Matches, { unit, weighting }: Rules) {
  const named = sent.filter(matches);
  const answers =
    unit === "RESPONDENT" ? latestOf(named) : unit === "ACCOUNT" ? named.filter((a) => a.account !== null) : named;
  const distribution = distributionOf(answers);
  const answered = answers.length;
  const ofAccount = Map.groupBy(
    answers.filter(({ account }) => account !== null),
    ({ account }) => account ?? -1,
  );
  const accounts = [...ofAccount].map(([account, own]) => ({
    value: values[account] ?? 0,
    n: own.length,
    score: sum(own.map(({ score }) => valueOf(score))) / own.length,
  }));
  if (unit !== "ACCOUNT" && weighting === "NONE") {
    return {
      nps: npsOf(countsOf(distribution)),
      answered,
      counted: answered,
      distribution,
      unweighted: 0,
      kish: answered,
    };
  }
  const isWeighted = weighting === "ACCOUNT_VALUE";
  const weights = accounts.map(({ value }) => (isWeighted ? value : 1));
  const total = sum(weights);
  const nps = total === 0 ? null : (100 * sum(accounts.map(({ score }, i) => (weights[i] ?? 0) * score))) / total;
  const weightless = answered - sum(accounts.filter(({ value }) => value > 0).map(({ n }) => n));
  const squares = sum(accounts.map(({ n }, i) => (weights[i] ?? 0) ** 2 / (unit === "ACCOUNT" ? 1 : n)));
  return {
    nps,
    answered,
    counted: unit === "ACCOUNT" ? accounts.length : answered,
    distribution,
    unweighted: isWeighted ? weightless : 0,
    kish: isWeighted ? (squares === 0 ? null : total ** 2 / squares) : answered,
  };
}

const RULES: Rules[] = ["RESPONSE", "RESPONDENT", "ACCOUNT"].flatMap((unit) =>
  ["NONE", "ACCOUNT_VALUE"].map((weighting) => ({ unit, weighting })),
);
const FILTERS: [string, Matches][] = [
  ["", () => true],
  ["channels: [EMAIL]", ({ channel }) => channel === "EMAIL"],
  [
    'from: "2026-02-10T03:00:00Z", to: "2026-03-20T00:00:00+05:30"',
    ({ respondedAt: at }) => at >= "2026-02-10T03" && at < "2026-03-19T18:30",
  ],
  ['properties: [{ key: "plan", in: ["plan-0", "plan-1"] }]', ({ plan }) => plan === "plan-0" || plan === "plan-1"],
  ["scores: []", () => false],
];

t.test("every count by every rule is the count by hand", async (t) => {
  const service = await startService(t);
  for (const seed of [1, 2, 3]) {
    const client = await service.newClient();
    const population = await populate(client, 300, seed);
    const near = (a: number | null, b: number | null) => a === b || Math.abs((a ?? NaN) - (b ?? NaN)) < 1e-9;
    const same = (summary: any, expected: ReturnType<typeof byHand>, name: string) => {
      const { answered, counted, distribution, unweighted } = expected;
      t.match(summary, { answered, counted, unweighted }, name);
      t.same(summary.distribution, distribution, name);
      t.ok(near(summary.nps, expected.nps), `${name}: ${expected.nps}, not ${summary.nps}`);
      t.ok(
        near(summary.effectiveSampleSize, expected.kish),
        `${name}: ${expected.kish}, not ${summary.effectiveSampleSize}`,
      );
    };
    for (const rules of RULES) {
      const args = `unit: ${rules.unit}, weighting: ${rules.weighting}`;
      for (const [filter, matches] of FILTERS) {
        const name = `${seed}: ${args}, ${filter}`;
        const { nps } = await client.query(`{ nps(${args}, filter: { ${filter} }) { ${SUMMARY} } }`);
        same(nps, byHand(population, matches, rules), name);
        const query = `{ npsBreakdown(by: CHANNEL, orderBy: KEY, ${args}, filter: { ${filter} }) { key label summary { ${SUMMARY} } } }`;
        const { npsBreakdown } = await client.query(query);
        const keys = ["", "EMAIL", "SMS"].filter((key) =>
          population.sent.some(
            (a) => matches(a) && (a.channel ?? "") === key && (rules.unit !== "ACCOUNT" || a.account !== null),
          ),
        );
        t.same(
          npsBreakdown.map(({ key }: any) => key),
          keys,
          name,
        );
        for (const { key, label, summary } of npsBreakdown) {
          t.equal(label, key === "" ? "(none)" : key);
          same(
            summary,
            byHand(population, (a) => matches(a) && (a.channel ?? "") === key, rules),
            `${name} ${key}`,
          );
        }
      }
    }
  }
});

/** Months of Berlin, as the calendar has them. */
const MONTHS = [
  "2025-12-31T23:00",
  "2026-01-31T23:00",
  "2026-02-28T23:00",
  "2026-03-31T22:00",
  "2026-04-30T22:00",
  "2026-05-31T22:00",
].map((start) => `${start}:00.000Z`);

t.test("a trend has every interval, and each counts what falls into it", async (t) => {
  const service = await startService(t);
  const client = await service.newClient({ timeZone: "Europe/Berlin" });
  const population = await populate(client, 300, 5);
  const trend = async (args: string) =>
    (await client.query(`{ npsTrend(${args}) { start end summary { ${SUMMARY} } } }`)).npsTrend;
  for (const rules of RULES) {
    const args = `interval: MONTH, unit: ${rules.unit}, weighting: ${rules.weighting}`;
    const points = await trend(args);
    t.same(
      points.map(({ start }: any) => start),
      MONTHS.slice(0, 5),
    );
    for (const [index, { start, end, summary }] of points.entries()) {
      t.equal(end, MONTHS[index + 1]);
      const expected = byHand(population, ({ respondedAt: at }) => at >= start && at < end, rules);
      t.same(summary.distribution, expected.distribution, `${args} ${start}`);
      t.ok(Math.abs((summary.nps ?? 0) - (expected.nps ?? 0)) < 1e-9);
    }
    const rolling = await trend(`${args}, rollingDays: 45`);
    for (const [index, { start, end, summary }] of rolling.entries()) {
      t.equal(end, MONTHS[index + 1]);
      // 45 local days: an hour less where the clocks went forward among them.
      const hours = (Date.parse(end) - Date.parse(start)) / 3_600_000;
      t.ok([45 * 24, 45 * 24 - 1].includes(hours), `${start} to ${end}`);
      const expected = byHand(population, ({ respondedAt: at }) => at >= start && at < end, rules);
      t.same(summary.distribution, expected.distribution, `rolling ${args} ${end}`);
    }
  }
  const cut = await trend('interval: MONTH, filter: { from: "2026-01-15T12:00:00Z", to: "2026-07-01T00:00:00Z" }');
  t.equal(cut.length, 7, "to the end that was asked for, empty or not");
  t.same(
    cut[0].summary.distribution,
    distributionOf(population.sent.filter(({ respondedAt: at }) => at >= "2026-01-15T12" && at < "2026-01-31T23")),
  );
  t.match(cut[6], { start: "2026-06-30T22:00:00.000Z", summary: { nps: null, answered: 0, interval: null } });
  t.same(await trend("interval: DAY, filter: { scores: [] }"), []);
  const days = await trend(
    'interval: DAY, filter: { from: "2026-03-28T00:00:00+01:00", to: "2026-03-31T00:00:00+02:00" }',
  );
  t.same(
    days.map(({ start }: any) => start),
    ["2026-03-27T23:00:00.000Z", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
  );
  for (const from of ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]) {
    const { body } = await client.post("/graphql", {
      query: `{ npsTrend(interval: DAY, filter: { from: "${from}", to: "9999-01-01T00:00:00Z" }) { start } }`,
    });
    t.match(body.errors, [{ extensions: { invalidParams: [{ name: "interval" }] } }], from);
  }
});

t.test("groups by account, survey, root cause and property have their labels and orders", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.put("/v1/root-causes/price", { label: "The price" });
  await client.put("/v1/surveys/s", { name: "Yearly" });
  const person = { externalId: "u", account: { externalId: "acme", name: "Acme", segment: "SMALL" } };
  const { body: first } = await client.post("/v1/responses", {
    score: 2,
    person,
    survey: { key: "s" },
    properties: { seats: 5 },
  });
  await client.post(`/v1/cases/${first.case.id}/causes`, { statedCause: "price" });
  for (const score of [9, 10]) await client.post("/v1/responses", { score, properties: { seats: true } });
  const groups = async (args: string) =>
    (await client.query(`{ npsBreakdown(${args}) { key label summary { answered nps } } }`)).npsBreakdown.map(
      (g: any) => [g.key, g.label, g.summary.answered],
    );
  const [{ account }] = [first];
  t.same(await groups("by: ACCOUNT"), [
    ["", "(none)", 2],
    [account.id, "Acme", 1],
  ]);
  t.same(await groups("by: SURVEY, orderBy: KEY"), [
    ["default", "default", 2],
    ["s", "Yearly", 1],
  ]);
  t.same(await groups("by: ROOT_CAUSE, orderBy: NPS"), [
    ["", "(none)", 2],
    ["price", "The price", 1],
  ]);
  t.same(await groups('by: PROPERTY, propertyKey: "seats"'), [
    ["true", "true", 2],
    ["5", "5", 1],
  ]);
  t.same(await groups("by: SEGMENT, first: 1"), [["", "(none)", 2]]);
  for (const args of ["by: PROPERTY", 'by: CHANNEL, propertyKey: "x"']) {
    const { body } = await client.post("/graphql", { query: `{ npsBreakdown(${args}) { key } }` });
    t.match(body.errors, [{ extensions: { invalidParams: [{ name: "propertyKey" }] } }]);
  }
  const query =
    "{ accounts { edges { node { name nps { nps answered } before: nps(filter: { scores: [9] }) { answered } } } } }";
  t.same((await client.query(query)).accounts.edges, [
    { node: { name: "Acme", nps: { nps: -100, answered: 1 }, before: { answered: 0 } } },
  ]);
});

t.test("weights in more than one currency need to be told which", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (const [score, currency, annualValue] of [
    [10, "EUR", 100],
    [0, "USD", 300],
  ] as const) {
    await client.post("/v1/responses", { score, account: { externalId: currency, annualValue, currency } });
  }
  const ask = async (args: string) =>
    (
      await client.post("/graphql", {
        query: `{ nps(${args}) { nps unweighted interval { low } definition { currency } } }`,
      })
    ).body;
  t.match((await ask("weighting: ACCOUNT_VALUE")).errors, [
    { extensions: { invalidParams: [{ name: "currency", reason: /EUR, USD/ }] } },
  ]);
  t.match((await ask('weighting: ACCOUNT_VALUE, currency: "EUR"')).data.nps, {
    nps: 100,
    unweighted: 1,
    interval: null,
    definition: { currency: "EUR" },
  });
  t.match((await ask('currency: "EUR"')).errors, [{ extensions: { invalidParams: [{ name: "currency" }] } }]);
  t.match((await ask('weighting: ACCOUNT_VALUE, currency: "eur"')).errors, [
    { extensions: { invalidParams: [{ name: "currency", reason: /ISO 4217/ }] } },
  ]);
  t.match((await ask("unit: ACCOUNT")).data.nps, { nps: 0, unweighted: 0 });
  // As a careless program writes them: their squares are no numbers.
  await client.rows("update accounts set annual_value = 1e300 where currency = 'EUR'");
  await client.rows("update accounts set annual_value = 1e-300 where currency = 'USD'");
  t.match((await ask("weighting: ACCOUNT_VALUE")).data.nps, { nps: 100, unweighted: 1 });
  for (const unit of ["ACCOUNT", "RESPONDENT"]) {
    t.match((await ask(`weighting: ACCOUNT_VALUE, unit: ${unit}`)).data.nps, { nps: 100 });
  }
});

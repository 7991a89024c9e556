import t from "tap";
import { type Client, startService } from "../support/service.ts";

async function changeOf(client: Client, baseline: string, current: string, args = "") {
  const query = `{ npsChange(baseline: { ${baseline} }, current: { ${current} }${args}) {
    difference z pValue verdict interval { low high method } baseline { nps counted } current { nps counted } } }`;
  return (await client.post("/graphql", { query })).body;
}

t.test("a change is told between answers that have none in common, and of the same people", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const responses = [];
  for (let n = 0; n < 80; n += 1) {
    const person = { externalId: `u-${n}` };
    responses.push({ score: n % 4 === 0 ? 9 : 5, person, respondedAt: "2026-01-15T00:00:00Z" });
    responses.push({ score: n % 2 === 0 ? 10 : 6, person, respondedAt: "2026-02-15T00:00:00Z" });
  }
  await client.post("/v1/responses/batch", { responses });
  const [january, february] = ['to: "2026-02-01T00:00:00Z"', 'from: "2026-02-01T00:00:00Z"'];
  const { npsChange } = (await changeOf(client, january, february)).data;
  t.match(npsChange, { difference: 50, verdict: "UP", baseline: { nps: -50, counted: 80 }, current: { nps: 0 } });
  t.ok(npsChange.interval.low > 0 && npsChange.pValue < 0.05);
  const { npsChange: paired } = (await changeOf(client, january, february, ", paired: true")).data;
  t.match(paired, {
    difference: 50,
    verdict: "UP",
    interval: { method: "WALD_ON_PAIRED_CHANGE" },
    current: { counted: 80 },
  });
  t.ok(paired.z > npsChange.z, "the same people tell more");
  t.match((await changeOf(client, "scores: [9]", "scores: [10]")).data.npsChange, { verdict: "NOT_ENOUGH_DATA" });
  t.match((await changeOf(client, 'surveyKeys: ["a"]', 'surveyKeys: ["b"]')).data.npsChange, {
    difference: null,
    z: null,
  });
  for (const [a, b] of [
    ["", ""],
    [january, 'from: "2026-01-31T00:00:00Z"'],
    ["categories: [PROMOTER]", "scores: [9]"],
    ['surveyKeys: ["a", "b"]', 'surveyKeys: ["b"]'],
    ["hasComment: true", "followUpRequested: true"],
    ['properties: [{ key: "n", in: ["1e+21"] }]', 'properties: [{ key: "n", in: ["1000000000000000000000"] }]'],
  ] as const) {
    t.match(
      (await changeOf(client, a, b)).errors,
      [{ extensions: { code: "invalid_request", invalidParams: [{ name: "current" }] } }],
      `${a} | ${b}`,
    );
  }
  for (const [a, b] of [
    ["categories: [PROMOTER]", "dangerZone: true"],
    ["hasComment: true", "hasComment: false"],
    ['properties: [{ key: "p", in: ["a"] }]', 'properties: [{ key: "p", in: ["b"] }]'],
  ] as const) {
    t.equal((await changeOf(client, a, b)).errors, undefined, `${a} | ${b}`);
  }
  t.match((await changeOf(client, january, february, ", paired: true, unit: ACCOUNT")).errors, [
    { extensions: { invalidParams: [{ name: "unit" }] } },
  ]);
  const pairedHash = async (b: string) =>
    (
      await client.query(`{ npsChange(baseline: { ${january} }, current: { ${b} }, paired: true) {
        baseline { definition { hash } } } }`)
    ).npsChange.baseline.definition.hash;
  t.not(await pairedHash(february), await pairedHash(`${february}, languages: ["de"]`), "who is paired is part of it");
  for (const [a, b, name] of [
    ["scores: [11]", "", "baseline.scores"],
    ["", 'accountIds: ["x"]', "current.accountIds"],
  ] as const) {
    t.match((await changeOf(client, a, b)).errors, [{ extensions: { invalidParams: [{ name }] } }]);
  }
});

t.test("who came back and who slipped, and whether calling them shows", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const record = async (person: string, score: number, respondedAt: string) =>
    (await client.post("/v1/responses", { score, person: { externalId: person }, respondedAt })).body;
  const now = Date.now();
  const daysAgo = (days: number) => new Date(now - days * 86_400_000).toISOString();
  const firsts: Record<string, any> = {};
  for (const [person, before, after, called] of [
    ["recovered", 2, 9, true],
    ["better", 5, 7, true],
    ["same", 6, 6, false],
    ["slipped", 9, 3, false],
    ["stays", 10, 9, false],
    ["once", 4, null, true],
    ["silent", 0, null, false],
  ] as const) {
    const first = await record(person, before, daysAgo(2));
    firsts[person] = first;
    if (called) {
      const contact = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
      await client.post(`/v1/cases/${first.case.id}/contacts`, contact);
    }
    // The next answer lies after the call; up to a day ahead is taken as now.
    if (after !== null) await record(person, after, new Date(now + 3_600_000).toISOString());
  }
  const { npsTransitions } = await client.query(
    "{ npsTransitions { people answeredOnce cells { from to people } recoveryRate { numerator denominator } slippageRate { value } } }",
  );
  t.match(npsTransitions, {
    people: 7,
    answeredOnce: 2,
    recoveryRate: { numerator: 2, denominator: 3 },
    slippageRate: { value: 0.5 },
  });
  t.equal(npsTransitions.cells.length, 9);
  t.equal(npsTransitions.cells.find(({ from, to }: any) => from === "PROMOTER" && to === "DETRACTOR").people, 1);
  const movers = async (from: string, to: string, args = "") => {
    const query = `{ npsMovers(from: ${from}, to: ${to}${args}) { totalCount edges { node { externalId } cursor } pageInfo { hasNextPage endCursor } } }`;
    return (await client.query(query)).npsMovers;
  };
  t.match(await movers("DETRACTOR", "PROMOTER"), { totalCount: 1, edges: [{ node: { externalId: "recovered" } }] });
  t.match(await movers("PROMOTER", "PROMOTER"), { edges: [{ node: { externalId: "stays" } }] });
  t.equal(
    (await movers("DETRACTOR", "PROMOTER", ", filter: { scores: [2] }")).totalCount,
    0,
    "two answers within the filter",
  );

  const { closedLoopEffect: effect } = await client.query(`{ closedLoopEffect { difference caveats interval { low high }
    contacted { nps answered } notContacted { nps answered }
    contactedAnsweredAgain { numerator denominator } notContactedAnsweredAgain { numerator denominator } } }`);
  t.match(effect, {
    contacted: { answered: 2, nps: 50 },
    notContacted: { answered: 1, nps: -100 },
    difference: 150,
    contactedAnsweredAgain: { numerator: 2, denominator: 3 },
    notContactedAnsweredAgain: { numerator: 1, denominator: 2 },
    caveats: ["SELF_SELECTION", "REGRESSION_TO_MEAN", "ATTRITION", "SMALL_SAMPLE"],
  });
});

t.test("accounts that all say the same are no reason not to see that others do not", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const answers = Array.from({ length: 30 }, (_, n) => [
    { score: 10, account: { externalId: `a-${n}` }, respondedAt: "2026-01-15T00:00:00Z" },
    { score: n % 2 === 0 ? 10 : 0, account: { externalId: `b-${n}` }, respondedAt: "2026-02-15T00:00:00Z" },
  ]);
  await client.post("/v1/responses/batch", { responses: answers.flat() });
  const sides = ['to: "2026-02-01T00:00:00Z"', 'from: "2026-02-01T00:00:00Z"'] as const;
  const { npsChange } = (await changeOf(client, ...sides, ", unit: ACCOUNT")).data;
  t.match(npsChange, { difference: -100, verdict: "DOWN" });
  // By hand: the standard error of the second is √(30 / 29 / 30), of the first 0.
  t.ok(Math.abs(npsChange.z + 1 / Math.sqrt(1 / 29)) < 1e-9, npsChange.z);
});

t.test("a reach counts when it was before the next answer, not at its moment", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const reachedAt = Date.now() - 1_000;
  const at = (ms: number) => new Date(ms).toISOString();
  for (const [externalId, nextAt] of [
    ["before", reachedAt + 1],
    ["at-once", reachedAt],
  ] as const) {
    const person = { externalId };
    const { body } = await client.post("/v1/responses", { score: 2, person, respondedAt: at(reachedAt - 3_600_000) });
    const contact = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED", occurredAt: at(reachedAt) };
    t.equal((await client.post(`/v1/cases/${body.case.id}/contacts`, contact)).status, 200);
    await client.post("/v1/responses", { score: 9, person, respondedAt: at(nextAt) });
  }
  t.match(await client.query("{ closedLoopEffect { contacted { answered } notContacted { answered } } }"), {
    closedLoopEffect: { contacted: { answered: 1 }, notContacted: { answered: 1 } },
  });
});

t.test("what is echoed can be asked again", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const answers = [1, 2, 3].flatMap((n) =>
    ["2026-01-10", "2026-02-10"].map((day) => ({
      score: 4 * n - 3,
      account: { externalId: `a-${n}` },
      respondedAt: `${day}T00:00:00Z`,
    })),
  );
  await client.post("/v1/responses/batch", { responses: answers });
  const { rolling, byAccount } = await client.query(`{
    rolling: npsTrend(interval: WEEK, rollingDays: 1, filter: { from: "2026-01-01T00:00:00Z", to: "2026-02-11T12:00:00Z" }) {
      summary { definition { from to } } }
    byAccount: npsChange(unit: ACCOUNT, baseline: { to: "2026-02-01T00:00:00Z" }, current: { from: "2026-02-01T00:00:00Z" }) {
      interval { method } } }`);
  t.ok(rolling.length > 5);
  for (const { summary } of rolling) t.ok(summary.definition.from <= summary.definition.to, summary.definition.from);
  t.equal(byAccount.interval.method, "ACCOUNT_MEANS");
});

import fc from "fast-check";
import t from "tap";
import {
  type Assessment,
  assess,
  factTerms,
  PRIORITY,
  type PriorityFacts,
  priorityOf,
  queueRankOf,
  sumOf,
  termsAt,
} from "../../src/cases/priority.ts";
import { startService } from "../support/service.ts";

const NOTHING: PriorityFacts = {
  dangerZone: false,
  detractor: false,
  followUpRequested: false,
  freshlyTipped: false,
  longStanding: false,
  withoutComment: false,
  annualValue: null,
  segment: null,
};
const DETRACTOR = { ...NOTHING, detractor: true };

const anyFacts = fc
  .record<PriorityFacts>({
    dangerZone: fc.boolean(),
    detractor: fc.boolean(),
    followUpRequested: fc.boolean(),
    freshlyTipped: fc.boolean(),
    longStanding: fc.boolean(),
    withoutComment: fc.boolean(),
    annualValue: fc.option(fc.double({ min: 0, max: 1e12, noNaN: true })),
    segment: fc.constantFrom(null, "ENTERPRISE", "Mid-Market", "small", "whatever"),
  })
  // Who is in the danger zone is a detractor; who has only just tipped is not long-standing.
  .map((facts) => ({
    ...facts,
    detractor: facts.detractor || facts.dangerZone,
    longStanding: facts.longStanding && !facts.freshlyTipped,
  }));
const mark = fc.option(fc.integer({ min: 1, max: 5 }));
const anyAssessment = fc.record<Assessment>({ feasibility: mark, alignment: mark, publicRisk: fc.boolean() });
const anyTerms = fc.tuple(anyFacts, anyAssessment).map(([facts, assessment]) => ({
  facts,
  terms: assess(factTerms(facts), assessment),
}));

t.test("a heavy hitter in the danger zone comes before everybody else, whatever else there is", async () => {
  const isFirst = ({ dangerZone, annualValue, segment }: PriorityFacts) =>
    dangerZone && ((annualValue ?? 0) >= PRIORITY.heavyHitter.annualValue || segment === "ENTERPRISE");
  fc.assert(
    fc.property(anyTerms, anyTerms, (a, b) => {
      fc.pre(isFirst(a.facts) && !isFirst(b.facts));
      if (sumOf(a.terms) <= sumOf(b.terms)) throw new Error(JSON.stringify([a, b]));
    }),
    { numRuns: 5_000 },
  );
});

t.test("the terms add up to the score, and the order does not change by time alone", async () => {
  const time = fc.date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true });
  fc.assert(
    fc.property(anyTerms, anyTerms, time, time, time, ({ terms: a }, { terms: b }, startA, startB, after) => {
      const now = new Date(Math.max(startA.getTime(), startB.getTime(), after.getTime()));
      const score = (terms: typeof a, startedAt: Date) => sumOf(termsAt(terms, startedAt, now));
      const byScore = score(a, startA) - score(b, startB);
      const byRank = queueRankOf(a, startA) - queueRankOf(b, startB);
      if (Math.abs(byScore - byRank) > 1e-6) throw new Error(`${byScore} is not ${byRank}`);
      for (const { value, weight, points } of a)
        if (points !== value * weight) throw new Error("points are the product");
    }),
    { numRuns: 1_000 },
  );
});

t.test("what counts, and how much", async (t) => {
  const points = (facts: Partial<PriorityFacts>) =>
    Object.fromEntries(factTerms({ ...DETRACTOR, ...facts }).map((term) => [term.term, term.points]));
  const { weights } = PRIORITY;
  t.same(points({}), { DETRACTOR: weights.DETRACTOR });
  t.same(factTerms(NOTHING), [], "what does not apply is no term");
  t.match(points({ withoutComment: true }), { NO_COMMENT: weights.NO_COMMENT });
  t.match(points({ longStanding: true }), { LONG_STANDING: weights.LONG_STANDING });
  t.ok(weights.FRESHLY_TIPPED > weights.LONG_STANDING, "who has only just tipped is the easier to win back");
  t.equal(points({ annualValue: 1_000_000 })["ACCOUNT_VALUE"], weights.ACCOUNT_VALUE);
  t.equal(points({ annualValue: 100_000 })["ACCOUNT_VALUE"], weights.ACCOUNT_VALUE * 0.75);
  t.equal(points({ annualValue: 50 })["ACCOUNT_VALUE"], undefined);
  t.equal(points({ annualValue: 1e9 })["ACCOUNT_VALUE"], weights.ACCOUNT_VALUE, "no more than in full");
  for (const segment of ["MID_MARKET", "mid-market", "Mid market"]) {
    t.equal(points({ segment })["SEGMENT"], weights.SEGMENT / 2, segment);
  }
  t.equal(points({ dangerZone: true, segment: "Enterprise" })["HEAVY_HITTER"], weights.HEAVY_HITTER);
  t.equal(points({ segment: "Enterprise" })["HEAVY_HITTER"], undefined, "only in the danger zone");
});

t.test("what people say of a case moves it both ways, and the last word counts", async (t) => {
  const terms = factTerms(DETRACTOR);
  const sum = (assessment: Partial<Assessment>, before = terms) =>
    sumOf(assess(before, { feasibility: null, alignment: null, publicRisk: false, ...assessment }));
  t.equal(sum({ feasibility: 3 }), sumOf(terms), "the middle is as good as nothing said");
  t.equal(sum({ feasibility: 5 }) - sumOf(terms), PRIORITY.weights.FEASIBILITY);
  t.equal(sum({ alignment: 1 }) - sumOf(terms), -PRIORITY.weights.ALIGNMENT);
  const risky = assess(terms, { feasibility: 5, alignment: null, publicRisk: true });
  t.equal(sum({}, risky), sumOf(terms));
});

t.test("the priorities begin at their thresholds", async (t) => {
  const at = (points: number) => priorityOf([{ term: "DETRACTOR", value: 1, weight: points, points }]);
  for (const [priority, least] of Object.entries(PRIORITY.least)) {
    t.equal(at(least), priority);
    t.not(at(least - 0.001), priority);
  }
  t.equal(at(0), "LOW");
});

t.test("the queue follows what becomes known", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const termsOf = async (id: string) => {
    const { body } = await client.get(`/v1/cases/${id}`);
    const sum = body.priorityTerms.reduce((total: number, { points }: { points: number }) => total + points, 0);
    t.ok(Math.abs(sum - body.priorityScore) < 1e-9);
    return { priority: body.priority, terms: body.priorityTerms.map(({ term }: { term: string }) => term) };
  };
  const person = { externalId: "u", account: { externalId: "acme", annualValue: 1_000 } };
  const { body: response } = await client.post("/v1/responses", { score: 2, comment: "Slow", person });
  const { id } = response.case;
  t.same(await termsOf(id), { priority: "HIGH", terms: ["DANGER_ZONE", "DETRACTOR", "ACCOUNT_VALUE", "WAITING"] });

  await client.put("/v1/accounts", { externalId: "acme", annualValue: 500_000 });
  t.same(await termsOf(id), {
    priority: "URGENT",
    terms: ["DANGER_ZONE", "HEAVY_HITTER", "DETRACTOR", "ACCOUNT_VALUE", "WAITING"],
  });
  const { body: ranked } = await client.get(`/v1/cases/${id}`);
  await client.put("/v1/accounts", { externalId: "acme", name: "Acme" });
  t.equal((await client.get(`/v1/cases/${id}`)).body.version, ranked.version, "a name changes no rank");

  const other = { externalId: "v", account: { externalId: "acme", annualValue: 10 } };
  await client.post("/v1/responses", { score: 9, person: other });
  t.equal((await termsOf(id)).priority, "HIGH", "also where an answer says what the account is worth");
  await client.put("/v1/people", { externalId: "v", account: { externalId: "acme", segment: "Enterprise" } });
  t.equal((await termsOf(id)).priority, "URGENT", "or a person");
  await client.post(`/v1/cases/${id}/assessment`, { alignment: 1, publicRisk: true });
  t.same((await termsOf(id)).terms.slice(-3), ["PUBLIC_RISK", "ALIGNMENT", "WAITING"]);

  const tipped = { externalId: "w" };
  for (const score of [9, 6, 6]) await client.post("/v1/responses", { score, comment: "Hm", person: tipped });
  const freshly = async (wanted: boolean) =>
    (await client.query(`{ cases(filter: { freshlyTipped: ${wanted} }) { totalCount } }`)).cases.totalCount;
  t.same([await freshly(true), await freshly(false)], [1, 1]);
});

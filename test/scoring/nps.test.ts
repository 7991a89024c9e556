import fc from "fast-check";
import t from "tap";
import {
  adjustedWaldInterval,
  CATEGORIES,
  categoryOf,
  countsOf,
  emptyDistribution,
  isDangerZone,
  npsOf,
  roundedNpsOf,
} from "../../src/scoring/index.ts";
import { normalQuantile } from "../../src/scoring/normal.ts";
import { readShared } from "../support/shared.ts";

const counts = fc.record({ promoters: fc.nat(500), passives: fc.nat(500), detractors: fc.nat(500) });
const NOTHING = { promoters: 0, passives: 0, detractors: 0 };

t.test("categories border at 6|7 and 8|9, the danger zone at 3|4", async (t) => {
  const categories = Array.from({ length: 11 }, (_, score) => categoryOf(score));
  t.same(categories.slice(0, 7), Array(7).fill("DETRACTOR"));
  t.same(categories.slice(7), ["PASSIVE", "PASSIVE", "PROMOTER", "PROMOTER"]);
  t.same([0, 3, 4].map(isDangerZone), [true, true, false]);
  t.equal(new Set(categories).size, CATEGORIES.length);
});

t.test("nothing answered is null, not 0", async (t) => {
  t.equal(npsOf(NOTHING), null);
  t.equal(roundedNpsOf(NOTHING), null);
  t.equal(adjustedWaldInterval(NOTHING, 0.95), null);
});

t.test("rounding is once, half away from zero, and never makes a negative zero", async (t) => {
  t.equal(roundedNpsOf({ promoters: 50, passives: 83, detractors: 67 }), -9);
  t.equal(roundedNpsOf({ promoters: 67, passives: 83, detractors: 50 }), 9);
  t.equal(roundedNpsOf({ promoters: 0, passives: 999, detractors: 1 }), 0);
  t.ok(Object.is(roundedNpsOf({ promoters: 0, passives: 999, detractors: 1 }), 0));
});

t.test("shares are not rounded before they are subtracted", async (t) => {
  const given = { promoters: 5, passives: 0, detractors: 4 };
  t.equal(npsOf(given), 100 / 9, "and not 56 − 44");
  t.equal(roundedNpsOf(given), 11);
});

t.test("the adjusted interval is the one worked out by hand", async (t) => {
  // (10.75 − 5.75) / 23 ± 1.96 √((16.5 / 23 − (5 / 23)²) / 23)
  const { low, high } = adjustedWaldInterval({ promoters: 10, passives: 5, detractors: 5 }, 0.95) ?? {
    low: 0,
    high: 0,
  };
  t.ok(Math.abs(low - -11.716133214559902) < 1e-9 && Math.abs(high - 55.19439408412512) < 1e-9, `${low} to ${high}`);
});

t.test("the counts of a distribution are those of its scores", async (t) => {
  t.same(countsOf(Array(11).fill(1)), { promoters: 2, passives: 2, detractors: 7, answered: 11, dangerZone: 4 });
  t.same(countsOf(emptyDistribution()), { ...NOTHING, answered: 0, dangerZone: 0 });
});

t.test("swapping promoters and detractors negates the score and mirrors the interval", async () => {
  fc.assert(
    fc.property(counts, (given) => {
      const swapped = { promoters: given.detractors, passives: given.passives, detractors: given.promoters };
      const [score, mirrored] = [npsOf(given), npsOf(swapped)];
      if (score === null || mirrored === null) return score === mirrored;
      const [interval, other] = [adjustedWaldInterval(given, 0.9), adjustedWaldInterval(swapped, 0.9)];
      return score + mirrored === 0 && Math.abs((interval?.low ?? 0) + (other?.high ?? 1)) < 1e-9;
    }),
  );
});

t.test("an interval stays within −100 and 100, holds its adjusted centre, and widens with confidence", async () => {
  fc.assert(
    fc.property(counts, fc.double({ min: 0.01, max: 0.98, noNaN: true }), (given, confidence) => {
      const narrow = adjustedWaldInterval(given, confidence);
      const wide = adjustedWaldInterval(given, confidence + 0.01);
      if (narrow === null || wide === null) return narrow === wide;
      const inside = narrow.low >= -100 && narrow.high <= 100 && narrow.low < narrow.high;
      return inside && wide.low <= narrow.low && wide.high >= narrow.high;
    }),
  );
});

t.test("normal quantiles are those of the tables, and symmetric", async (t) => {
  t.ok(Math.abs(normalQuantile(0.975) - 1.959963984540054) < 1e-14);
  t.ok(Math.abs(normalQuantile(0.995) - 2.5758293035489004) < 1e-14);
  t.ok(Math.abs(normalQuantile(1e-10) - -6.361340902404056) < 1e-13);
  t.equal(normalQuantile(0.5), 0);
});

const vectors = readShared("vectors/nps.json");
t.test("the published and recomputed answers hold", { skip: vectors === undefined }, async (t) => {
  const { cases } = JSON.parse(vectors ?? "{}");
  t.ok(cases.length >= 13);
  for (const { id, input, expected, tolerance } of cases) {
    const distribution = emptyDistribution();
    for (const score of input.scores ?? []) distribution[score] = (distribution[score] ?? 0) + 1;
    const given = input.scores === undefined ? input : countsOf(distribution);
    const near = (name: string, actual: number | null | undefined, wanted: number | null | undefined) => {
      if (wanted === null || wanted === undefined) return t.equal(actual ?? null, null, `${id}: ${name}`);
      return t.ok(Math.abs((actual ?? Number.NaN) - wanted) <= tolerance, `${id}: ${name} is ${wanted}, not ${actual}`);
    };
    const interval = adjustedWaldInterval(given, 0.95);
    near("nps", npsOf(given), expected.nps);
    near("npsRounded", roundedNpsOf(given), expected.npsRounded);
    near("low", interval?.low, expected.interval?.low);
    near("high", interval?.high, expected.interval?.high);
    if (expected.distribution !== undefined) t.same(distribution, expected.distribution, `${id}: distribution`);
    if (expected.dangerZone !== undefined) t.equal(countsOf(distribution).dangerZone, expected.dangerZone, id);
  }
});

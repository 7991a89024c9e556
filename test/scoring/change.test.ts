import fc from "fast-check";
import t from "tap";
import {
  accountMeansInterval,
  adjustedMoments,
  CATEGORIES,
  type Counts,
  changeOf,
  type Estimate,
  effectiveSampleSize,
  type Moments,
  meanScore,
  npsOf,
  pairedChangeOf,
  roundedMean,
  type Transitions,
  weightedInterval,
} from "../../src/scoring/index.ts";
import { studentQuantile, twoSidedP } from "../../src/scoring/student.ts";
import { randomOf } from "../support/population.ts";
import { readShared } from "../support/shared.ts";

const vectors = readShared("vectors/nps.json");
const known = vectors === undefined ? undefined : JSON.parse(vectors);

function estimateOf(counts: Counts): Estimate {
  const { mean, standardError } = adjustedMoments(counts);
  const counted = counts.promoters + counts.passives + counts.detractors;
  return { score: npsOf(counts), centre: mean, standardError, counted };
}

/** The sums over answers with a weight each. */
function momentsOf(answers: readonly { s: number; w: number }[]): Moments {
  const sum = (of: (answer: { s: number; w: number }) => number) => answers.reduce((total, one) => total + of(one), 0);
  return {
    units: answers.length,
    w: sum(({ w }) => w),
    ws: sum(({ s, w }) => w * s),
    w2: sum(({ w }) => w * w),
    w2s: sum(({ s, w }) => w * w * s),
    w2s2: sum(({ s, w }) => w * w * s * s),
  };
}

function table(rows: readonly (readonly number[])[]): Transitions {
  const entries = CATEGORIES.map((from, i) => [
    from,
    Object.fromEntries(CATEGORIES.map((to, j) => [to, rows[i]?.[j] ?? 0])),
  ]);
  return Object.fromEntries(entries) as Transitions;
}

t.test("quantiles of Student's t and tails of the normal are those of the tables", async (t) => {
  for (const [share, degrees, expected] of [
    [0.975, 1, 12.706204736432095],
    [0.975, 2, 4.302652729911275],
    [0.975, 10, 2.2281388519649385],
    [0.95, 30, 1.6972608943617378],
    [0.995, 120, 2.6174211477],
    [0.975, 1e6, 1.9599663],
  ] as const) {
    t.ok(Math.abs(studentQuantile(share, degrees) - expected) < 1e-6, `t(${share}, ${degrees})`);
  }
  for (const [z, p] of [
    [0, 1],
    [1, 0.31731050786291415],
    [1.959963984540054, 0.05],
    [2.8, 0.005110260660855],
    [-3.5, 0.00046525815807105],
    [6, 1.9731752898267e-9],
  ] as const) {
    t.ok(Math.abs(twoSidedP(z) / p - 1) < 1e-9, `p(${z}) is ${twoSidedP(z)}`);
  }
});

t.test("known changes", { skip: known === undefined }, async (t) => {
  const near = (name: string, actual: number | null | undefined, wanted: number, tolerance: number) =>
    t.ok(Math.abs((actual ?? Number.NaN) - wanted) <= tolerance, `${name} is ${wanted}, not ${actual}`);
  for (const { id, baseline, current, expected, tolerance } of known.independentDifference.cases) {
    const change = changeOf(estimateOf(baseline), estimateOf(current));
    near(`${id} difference`, change.difference, expected.difference, tolerance);
    near(`${id} z`, change.z, expected.z, tolerance);
    near(`${id} p`, change.pValue, expected.pValue, tolerance);
    near(`${id} low`, change.interval?.low, expected.interval.low, tolerance);
    near(`${id} high`, change.interval?.high, expected.interval.high, tolerance);
    t.equal(change.verdict, expected.verdict, id);
  }
  for (const { id, input, expected, tolerance } of known.pairedChange.cases) {
    const change = pairedChangeOf(table(input.table));
    near(`${id} difference`, change.difference, expected.difference, tolerance);
    near(`${id} z`, change.z, expected.z, tolerance);
    near(`${id} p`, change.pValue, expected.pValue, tolerance);
    near(`${id} low`, change.interval?.low, expected.interval.low, tolerance);
    near(`${id} high`, change.interval?.high, expected.interval.high, tolerance);
    t.equal(change.verdict, expected.verdict, id);
  }
  for (const { input, expected, tolerance } of known.kishEffectiveSampleSize) {
    const size = effectiveSampleSize(momentsOf(input.weights.map((w: number) => ({ s: 0, w }))));
    near("Kish", size, expected.effectiveSampleSize, tolerance);
  }
  for (const { input, expected, forReference, tolerance } of known.weighted.cases) {
    const value = (score: number) => (score >= 9 ? 1 : score >= 7 ? 0 : -1);
    const moments = momentsOf(input.responses.map(({ score, weight }: any) => ({ s: value(score), w: weight })));
    near("weighted", meanScore(moments), expected.nps, tolerance);
    t.equal(roundedMean(meanScore(moments)), expected.npsRounded);
    near("effective", effectiveSampleSize(moments), expected.effectiveSampleSize, tolerance);
    const interval = weightedInterval(moments, 0.95);
    const half = ((interval?.high ?? 0) - (interval?.low ?? 0)) / 2;
    near("linearised", half, 1.959963984540054 * forReference.standardErrorLinearised, 1e-4);
  }
});

t.test("a change the other way round is the opposite, and its interval stays within −200 and 200", async () => {
  const counts = fc.record({ promoters: fc.nat(200), passives: fc.nat(200), detractors: fc.nat(200) });
  const opposite: Record<string, string> = { UP: "DOWN", DOWN: "UP" };
  fc.assert(
    fc.property(counts, counts, (a, b) => {
      const [there, back] = [changeOf(estimateOf(a), estimateOf(b)), changeOf(estimateOf(b), estimateOf(a))];
      if (there.difference === null) return back.difference === null && there.interval === null;
      const { low = -999, high = 999 } = there.interval ?? {};
      return (
        there.difference + (back.difference ?? 1) === 0 &&
        Math.abs((there.z ?? 0) + (back.z ?? 1)) < 1e-9 &&
        (opposite[there.verdict] ?? there.verdict) === back.verdict &&
        low >= -200 &&
        high <= 200
      );
    }),
  );
});

t.test("the order of answers does not matter, and two halves merged are the whole", async () => {
  const answers = fc.array(fc.record({ s: fc.constantFrom(-1, 0, 1), w: fc.integer({ min: 0, max: 1_000 }) }));
  fc.assert(
    fc.property(answers, fc.nat(), (all, at) => {
      const middle = all.length === 0 ? 0 : at % all.length;
      const [whole, turned] = [momentsOf(all), momentsOf([...all.slice(middle), ...all.slice(0, middle)].toReversed())];
      const [a, b] = [momentsOf(all.slice(0, middle)), momentsOf(all.slice(middle))];
      const merged = Object.fromEntries(
        Object.entries(a).map(([name, value]) => [name, value + b[name as keyof Moments]]),
      );
      const counts = (part: typeof all): Counts => ({
        promoters: part.filter(({ s }) => s === 1).length,
        passives: part.filter(({ s }) => s === 0).length,
        detractors: part.filter(({ s }) => s === -1).length,
      });
      const [ofA, ofB] = [counts(all.slice(0, middle)), counts(all.slice(middle))];
      const sum = {
        promoters: ofA.promoters + ofB.promoters,
        passives: ofA.passives + ofB.passives,
        detractors: ofA.detractors + ofB.detractors,
      };
      return (
        JSON.stringify(whole) === JSON.stringify(turned) &&
        JSON.stringify(whole) === JSON.stringify(merged) &&
        npsOf(sum) === npsOf(counts(all))
      );
    }),
  );
});

t.test("intervals of means stay within −100 and 100, and negated scores mirror them", async () => {
  const answers = fc.array(
    fc.record({ s: fc.double({ min: -1, max: 1, noNaN: true }), w: fc.integer({ min: 1, max: 9 }) }),
    { minLength: 2, maxLength: 30 },
  );
  fc.assert(
    fc.property(answers, (all) => {
      const negated = all.map(({ s, w }) => ({ s: -s, w }));
      return [weightedInterval, accountMeansInterval].every((interval) => {
        const ones = (given: typeof all) =>
          interval === accountMeansInterval ? given.map(({ s }) => ({ s, w: 1 })) : given;
        const [there, back] = [interval(momentsOf(ones(all)), 0.95), interval(momentsOf(ones(negated)), 0.95)];
        if (there === null || back === null) return there === back;
        return there.low >= -100 && there.high <= 100 && Math.abs(there.low + back.high) < 1e-6;
      });
    }),
  );
});

/** How often an interval of 95 % holds the true value, over so many samples. */
function coverage(samples: number, draw: () => { low: number; high: number } | null, truth: number): number {
  let [held, drawn] = [0, 0];
  while (drawn < samples) {
    const interval = draw();
    if (interval === null) continue;
    drawn += 1;
    if (interval.low <= truth && truth <= interval.high) held += 1;
  }
  return held / samples;
}

t.test("the interval of the mean over accounts holds what it should", async (t) => {
  const random = randomOf(11);
  // Accounts differ: each has its own share of promoters; 12 of them, with 1 to 8 answers.
  const draw = () => {
    const accounts = Array.from({ length: 12 }, () => {
      const [share, answers] = [random(), 1 + Math.floor(random() * 8)];
      let sum = 0;
      for (let n = 0; n < answers; n += 1) sum += random() < share ? 1 : -1;
      return { s: sum / answers, w: 1 };
    });
    return accountMeansInterval(momentsOf(accounts), 0.95);
  };
  const held = coverage(4_000, draw, 0);
  t.ok(held > 0.935 && held < 0.965, `95 % is ${held}`);
});

t.test("the interval of a weighted mean holds what it should", async (t) => {
  const random = randomOf(13);
  // 200 answers with weights over two magnitudes, 50 % promoters, 20 % detractors.
  const draw = () => {
    const answers = Array.from({ length: 200 }, () => {
      const at = random();
      return { s: at < 0.5 ? 1 : at < 0.8 ? 0 : -1, w: 10 ** (2 * random()) };
    });
    return weightedInterval(momentsOf(answers), 0.95);
  };
  const held = coverage(2_000, draw, 30);
  t.ok(held > 0.93 && held < 0.965, `95 % is ${held}`);
});

t.test("without variance there is no interval, and without weight no score", async (t) => {
  const same = momentsOf([
    { s: 1, w: 1 },
    { s: 1, w: 1 },
  ]);
  t.equal(accountMeansInterval(same, 0.95), null);
  t.equal(weightedInterval(same, 0.95), null);
  t.equal(accountMeansInterval(momentsOf([{ s: 1, w: 1 }]), 0.95), null);
  t.equal(meanScore(momentsOf([{ s: 1, w: 0 }])), null);
  t.equal(effectiveSampleSize(momentsOf([])), null);
  t.equal(roundedMean(-8.5), -9);
  t.equal(roundedMean(8.499999999999998), 9, "a half but for the last digits of a double is a half");
  t.ok(Object.is(roundedMean(-0.2), 0));
  t.equal(pairedChangeOf(table([])).verdict, "NOT_ENOUGH_DATA");
  t.match(pairedChangeOf(table([[40, 0, 0]])), { difference: 0, interval: null, verdict: "NOT_DISTINGUISHABLE" });
});

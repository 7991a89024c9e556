import t from "tap";
import { rateOf } from "../../src/scoring/index.ts";

t.test("a rate has the Wilson interval of 95 %", async (t) => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I.
  for (const [numerator, denominator, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const rate = rateOf(numerator, denominator);
    t.equal(rate.value, numerator / denominator);
    t.equal(Math.round((rate.low ?? NaN) * 1e4) / 1e4, low, `${numerator} of ${denominator}`);
    t.equal(Math.round((rate.high ?? NaN) * 1e4) / 1e4, high);
    const mirrored = rateOf(denominator - numerator, denominator);
    t.ok(Math.abs((mirrored.high ?? NaN) - (1 - (rate.low ?? NaN))) < 1e-12, "what is left has the mirrored interval");
  }
  t.same(rateOf(0, 0), { value: null, numerator: 0, denominator: 0, low: null, high: null }, "of nothing it is null");
  t.match(rateOf(5, 5), { value: 1, high: 1 });
});

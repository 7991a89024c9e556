import { changeOf, type Estimate } from "./change.ts";
import { normalQuantile } from "./normal.ts";
import { adjustedMoments, type Counts, npsOf } from "./nps.ts";

/** How many weeks before the day of a look are looked at. */
export const WEEKS_LOOKED_AT = 52;
/** So many weeks at the end are held against those before: what is older than the longest is no news. */
const CURRENT_WEEKS: readonly number[] = [1, 2, 4, 8, 12];
const RECENT_WEEKS = Math.max(...CURRENT_WEEKS);
const CURRENT_WEEKS_SUM = CURRENT_WEEKS.reduce((sum, weeks) => sum + weeks, 0);

/** How many looks in a year may take chance for a shift, over all series of a workspace together. */
const FALSE_LOOKS_PER_YEAR = 1;
const LOOKS_PER_YEAR = 365;

/** Where a score shifted: weeks `from` to before `split` were one level, `split` and later are another. */
export interface Shift {
  from: number;
  split: number;
  verdict: "UP" | "DOWN";
}

/**
 * Looks whether a score has lately moved to another level, as is done every day for many series.
 *
 * The last 1, 2, 4, 8 and 12 weeks are each held against all weeks before them. Looking so often, p < 0.05 would
 * cry wolf every other day. So the one false look in a year that a workspace is granted is shared among its
 * series, the days of the year and the windows, the longer ones getting more, as their looks repeat each other
 * more: a window of w weeks must show p < (w / 27) / (365 × series). Whatever depends on whatever, the expected
 * number of false looks is then at most 1 (Bonferroni; Dunn, "Multiple Comparisons Among Means", JASA 56, 1961).
 *
 * Two tests must agree, since so far out neither p-value is exact and they err differently: the one of `changeOf`,
 * and the mean score test with the variance of both windows together (Mantel, "Chi-Square Tests with One Degree
 * of Freedom", JASA 58, 1963: z = r√(n − 1)). Answers come in waves, so both are held against how much the weeks
 * before differ from each other anyway: z is divided by √φ, φ = Pearson's X² / (weeks − 1), if that is more than 1
 * (McCullagh & Nelder, "Generalized Linear Models", 1989, section 4.5).
 *
 * A level that ended more than 12 weeks ago is neither told nor held against: what comes after it is looked at
 * alone. That makes a history that is imported later harmless.
 *
 * By simulation (`SHIFT_YEARS=1000 node test/scoring/shift.test.ts`): 40 quiet series have 0.11 alarms in a year, and
 * more than two in 2 of 1,000 years. With 20 answers a day, a drop of 15 points is told after 30 days at the median and
 * within 58 days in 95 of 100, one of 40 points after 6 and within 10.
 *
 * @param weeks the counts of each whole week, the oldest first, the last one ending with the day of the look
 * @param series how many are looked at that day
 */
export function findShift(weeks: readonly Counts[], series: number): Shift | null {
  const sums = cumulate(weeks);
  let from = 0;
  while (true) {
    const found = likeliestSplit(sums, from, series);
    if (found === null || weeks.length - found.split <= RECENT_WEEKS) return found;
    // The week of a shift may be of both levels.
    from = found.split + 1;
  }
}

/** How far from 0 z must be for a window of so many weeks. */
function criticalZ(weeks: number, series: number): number {
  const share = weeks / CURRENT_WEEKS_SUM;
  return normalQuantile(1 - (FALSE_LOOKS_PER_YEAR * share) / (LOOKS_PER_YEAR * series) / 2);
}

function likeliestSplit(sums: readonly Sums[], from: number, series: number): Shift | null {
  const end = sums.length - 1;
  const neededOfLongest = criticalZ(RECENT_WEEKS, series);
  let [best, strength] = [null as Shift | null, 0];
  for (let split = from + 1; split < end; split += 1) {
    const weeks = end - split;
    if (weeks < RECENT_WEEKS && !CURRENT_WEEKS.includes(weeks)) continue;
    const [before, after] = [between(sums, from, split), between(sums, split, end)];
    const needed = Math.max(strength, weeks < RECENT_WEEKS ? criticalZ(weeks, series) : neededOfLongest);
    const byMeans = Math.abs(meanScoreZ(before, after));
    if (byMeans < needed) continue;
    const spread = Math.sqrt(dispersionOf(before));
    const { z, verdict } = changeOf(estimateOf(before), estimateOf(after));
    const weaker = Math.min(Math.abs(z ?? 0), byMeans) / spread;
    if (weaker < needed || (verdict !== "UP" && verdict !== "DOWN")) continue;
    best = { from, split, verdict };
    strength = weaker;
  }
  return best;
}

/** How many times more the weeks differ from each other than chance makes answers differ; at least 1. */
function dispersionOf({ promoters, detractors, squares, weeks, ...counts }: Sums): number {
  const answered = answeredOf({ promoters, detractors, ...counts });
  if (answered === 0 || weeks < 2) return 1;
  const mean = (promoters - detractors) / answered;
  const variance = (promoters + detractors) / answered - mean ** 2;
  return variance > 0 ? Math.max(1, (squares - answered * mean ** 2) / (variance * (weeks - 1))) : 1;
}

/** The mean score test; 0 where all answers are the same. */
function meanScoreZ(before: Counts, after: Counts): number {
  const [n, m] = [answeredOf(before), answeredOf(after)];
  if (n === 0 || m === 0) return 0;
  const [p, d] = [before.promoters + after.promoters, before.detractors + after.detractors];
  const mean = (p - d) / (n + m);
  const variance = ((p + d) / (n + m) - mean ** 2) * ((n + m) / (n + m - 1));
  if (variance <= 0) return 0;
  const difference = (after.promoters - after.detractors) / m - (before.promoters - before.detractors) / n;
  return difference / Math.sqrt(variance * (1 / n + 1 / m));
}

function estimateOf(counts: Counts): Estimate {
  const { mean, standardError } = adjustedMoments(counts);
  return { score: npsOf(counts), centre: mean, standardError, counted: answeredOf(counts) };
}

function answeredOf({ promoters, passives, detractors }: Counts): number {
  return promoters + passives + detractors;
}

/** What was counted in some weeks. */
interface Sums extends Counts {
  /** Of each week's promoters less its detractors the square, by its answers. */
  squares: number;
  /** In which anybody answered. */
  weeks: number;
}

/** Before each week, and after the last: what was counted until then. */
function cumulate(weeks: readonly Counts[]): Sums[] {
  let sum: Sums = { promoters: 0, passives: 0, detractors: 0, squares: 0, weeks: 0 };
  const sums = [sum];
  for (const { promoters, passives, detractors } of weeks) {
    const answered = promoters + passives + detractors;
    sum = {
      promoters: sum.promoters + promoters,
      passives: sum.passives + passives,
      detractors: sum.detractors + detractors,
      squares: sum.squares + (answered === 0 ? 0 : (promoters - detractors) ** 2 / answered),
      weeks: sum.weeks + Number(answered > 0),
    };
    sums.push(sum);
  }
  return sums;
}

function between(sums: readonly Sums[], from: number, to: number): Sums {
  const [a, b] = [sums[from], sums[to]];
  if (a === undefined || b === undefined) throw new Error("there is no such week");
  return {
    promoters: b.promoters - a.promoters,
    passives: b.passives - a.passives,
    detractors: b.detractors - a.detractors,
    squares: b.squares - a.squares,
    weeks: b.weeks - a.weeks,
  };
}

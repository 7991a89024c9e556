import t from "tap";
import { type Counts, findShift, WEEKS_LOOKED_AT } from "../../src/scoring/index.ts";
import { randomOf } from "../support/population.ts";

/** More years tell the rates more exactly: `SHIFT_YEARS=1000 node test/scoring/shift.test.ts` takes some minutes. */
const YEARS = Number(process.env["SHIFT_YEARS"] ?? 25);
t.setTimeout(YEARS * 5_000);
const SERIES = 40;
const HISTORY = 7 * WEEKS_LOOKED_AT;
const SETTLING_DAYS = 14;

interface Level {
  promoters: number;
  detractors: number;
}
const at = (promoters: number, detractors: number): Level => ({ promoters, detractors });
/** Scores of 25, −5, 50, 82 and −30, so many answers a day. */
const LEVELS = [at(0.45, 0.2), at(0.3, 0.35), at(0.6, 0.1), at(0.85, 0.03), at(0.2, 0.5)];
const PER_DAY = [20, 5, 2, 50];

/** What was counted before each day and after the last, of answers that are drawn at the level of their day. */
function draw(random: () => number, days: number, perDay: (day: number) => number, level: (day: number) => Level) {
  const sums: Counts[] = [{ promoters: 0, passives: 0, detractors: 0 }];
  let [promoters, passives, detractors] = [0, 0, 0];
  for (let day = 0; day < days; day += 1) {
    const { promoters: p, detractors: d } = level(day);
    for (let n = perDay(day); n > 0; n -= 1) {
      const value = random();
      if (value < p) promoters += 1;
      else if (value < p + d) detractors += 1;
      else passives += 1;
    }
    sums.push({ promoters, passives, detractors });
  }
  return sums;
}

interface Told {
  day: number;
  verdict: string;
}

/** Looks at one of so many series every day from `from` on, as the daily job does. */
function lookDaily(sums: readonly Counts[], from: number, series: number): Told[] {
  const told: Told[] = [];
  let since = 0;
  const zero = { promoters: 0, passives: 0, detractors: 0 };
  for (let today = from; today < sums.length; today += 1) {
    const count = Math.min(WEEKS_LOOKED_AT, Math.floor((today - since) / 7));
    const weeks = Array.from({ length: count }, (_, index): Counts => {
      const begin = today - 7 * (count - index);
      const [a = zero, b = zero] = [sums[begin], sums[begin + 7]];
      return {
        promoters: b.promoters - a.promoters,
        passives: b.passives - a.passives,
        detractors: b.detractors - a.detractors,
      };
    });
    const shift = findShift(weeks, series);
    if (shift === null) continue;
    since = today - 7 * (count - shift.split) + 7;
    const last = told.at(-1);
    if (last?.verdict === shift.verdict && today - last.day < SETTLING_DAYS) continue;
    told.push({ day: today, verdict: shift.verdict });
  }
  return told;
}

const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Infinity;

/** How many days after a shift it is told, how often it is told again, and how long after it went back that is. */
function measure(seed: number, runs: number, perDay: number, levels: [Level, Level], backAfter = Infinity) {
  const random = randomOf(seed);
  const [days, daysBack]: [number[], number[]] = [[], []];
  let again = 0;
  for (let run = 0; run < runs; run += 1) {
    const isLow = (day: number) => day >= HISTORY && day < HISTORY + backAfter;
    const sums = draw(
      random,
      HISTORY + 120 + (backAfter === Infinity ? 0 : backAfter),
      () => perDay,
      (day) => levels[isLow(day) ? 1 : 0],
    );
    const told = lookDaily(sums, HISTORY, SERIES);
    const [down, up] = [told.find(({ verdict }) => verdict === "DOWN"), told.find(({ verdict }) => verdict === "UP")];
    days.push((down?.day ?? Infinity) - HISTORY);
    daysBack.push((up?.day ?? Infinity) - HISTORY - backAfter);
    again += Math.max(0, told.filter(({ verdict }) => verdict === "DOWN").length - 1);
  }
  const untold = days.filter((day) => day === Infinity).length / runs;
  const back = { median: quantile(daysBack, 0.5), most: quantile(daysBack, 0.95) };
  return { median: quantile(days, 0.5), most: quantile(days, 0.95), untold, again: again / runs, back };
}

t.test("40 quiet series have hardly an alarm in a year", async (t) => {
  const random = randomOf(2_026);
  const alarms = Array.from({ length: YEARS }, () => {
    let count = 0;
    for (let n = 0; n < SERIES; n += 1) {
      const [level, perDay] = [LEVELS[n % LEVELS.length], PER_DAY[n % PER_DAY.length]];
      if (level === undefined || perDay === undefined) throw new Error("every series has a level");
      const sums = draw(
        random,
        HISTORY + 365,
        () => perDay,
        () => level,
      );
      count += lookDaily(sums, HISTORY, SERIES).length;
    }
    return count;
  });
  const mean = alarms.reduce((sum, count) => sum + count, 0) / YEARS;
  const many = alarms.filter((count) => count > 2).length / YEARS;
  t.comment(`${SERIES} quiet series: ${mean.toFixed(3)} alarms a year; more than two in ${many} of ${YEARS} years`);
  t.ok(mean <= 0.4, `${mean} a year`);
  t.ok(many <= 0.005, `more than two in ${many} of the years`);
});

t.test("days, weeks and waves that differ are no shift", async (t) => {
  const random = randomOf(5);
  const isWeekend = (day: number) => day % 7 >= 5;
  const perDay = (day: number) => (isWeekend(day) ? 5 : 20);
  /** A level of 25 that is off by so much at random in each part of so many days. */
  const waves = (days: number, off: number) => {
    const shares = Array.from({ length: HISTORY + 365 }, () => (random() + random() + random() + random() - 2) * off);
    return (day: number) => at(0.45 + (shares[Math.floor(day / days)] ?? 0), 0.2);
  };
  for (const [what, levels] of [
    ["weekends 80 points lower", () => (day: number) => (isWeekend(day) ? at(0.2, 0.5) : at(0.6, 0.1))],
    ["days that differ by 10 points", () => waves(1, 0.17)],
    ["weeks that differ by 5 points", () => waves(7, 0.087)],
  ] as const) {
    const years = Math.ceil(YEARS / 20);
    let alarms = 0;
    for (let n = 0; n < SERIES * years; n += 1) {
      alarms += lookDaily(draw(random, HISTORY + 365, perDay, levels()), HISTORY, SERIES).length;
    }
    t.comment(`${SERIES} series with ${what}: ${(alarms / years).toFixed(2)} alarms a year`);
    t.ok(alarms <= 2 * years, `${what}: ${alarms} in ${years} years`);
  }
});

t.test("a drop is told in time, and once", async (t) => {
  const from = at(0.45, 0.2);
  for (const [what, perDay, to, allowed] of [
    ["15 points at 20 answers a day", 20, at(0.375, 0.275), { median: 33, most: 70, untold: 0.02, again: 0.02 }],
    ["30 points at 5 answers a day", 5, at(0.3, 0.35), { median: 33, most: 70, untold: 0.02, again: 0.02 }],
    ["40 points at 20 answers a day", 20, at(0.25, 0.4), { median: 8, most: 12, untold: 0, again: 0.02 }],
    ["40 points at 200 answers a day", 200, at(0.25, 0.4), { median: 4, most: 6, untold: 0, again: 0.02 }],
  ] as const) {
    const runs = Math.ceil((perDay > 100 ? 1 : 5) * YEARS);
    const { median, most, untold, again } = measure(7, runs, perDay, [from, to]);
    const figures = `told after ${median} days at the median, ${most} in 95 of 100; never ${untold}; again ${again}`;
    t.comment(`${what}: ${figures} (${runs} runs)`);
    t.ok(median <= allowed.median && most <= allowed.most && untold <= allowed.untold, `${what}: ${figures}`);
    t.ok(again <= allowed.again, `${what} is told again in ${again} of all`);
  }
});

t.test("that it went back is told as well", async (t) => {
  const { back, again } = measure(11, 5 * YEARS, 20, [at(0.45, 0.2), at(0.3, 0.35)], 60);
  t.comment(
    `30 points for 60 days: back after ${back.median} days at the median, ${back.most} in 95 of 100; again ${again}`,
  );
  t.ok(back.median <= 14 && back.most <= 35, `${back.median} and ${back.most} days`);
  t.ok(again <= 0.02, `the drop is told again in ${again} of all`);
});

const week = (promoters: number, passives: number, detractors: number): Counts => ({ promoters, passives, detractors });
const weeksOf = (count: number, one: Counts) => Array.from({ length: count }, () => one);
const [high, low] = [week(60, 30, 10), week(30, 30, 40)];

t.test("a shift is told between the weeks where it was, as long as it is news", async (t) => {
  t.same(findShift([...weeksOf(50, high), ...weeksOf(2, low)], 40), { from: 0, split: 50, verdict: "DOWN" });
  t.same(findShift([...weeksOf(4, low), ...weeksOf(8, high)], 40), { from: 0, split: 4, verdict: "UP" });
  t.equal(findShift([...weeksOf(39, high), ...weeksOf(13, low)], 40), null, "13 weeks ago is the past");
  t.equal(findShift([...weeksOf(52, high)], 40), null);
  t.equal(findShift([], 40), null);
  t.equal(findShift(weeksOf(52, week(0, 0, 0)), 1), null, "nobody answered");
  t.equal(findShift([...weeksOf(40, week(9, 0, 0)), ...weeksOf(12, week(9, 0, 0))], 1), null, "all say the same");
  // Half a year ago it fell; against the level since then it has risen.
  t.same(
    findShift([...weeksOf(26, high), ...weeksOf(24, low), ...weeksOf(2, high)], 40),
    { from: 27, split: 50, verdict: "UP" },
    "a shift of long ago is not held against what came after",
  );
});

t.test("more series ask for more", async (t) => {
  const weeks = [...weeksOf(40, week(45, 35, 20)), ...weeksOf(4, week(36, 36, 28))];
  t.match(findShift(weeks, 1), { verdict: "DOWN" });
  t.equal(findShift(weeks, 200), null);
});

t.test("fewer than 30 on a side are not enough", async (t) => {
  const lately = (answered: number) => [week(100, 0, 0), ...weeksOf(10, week(0, 0, 0)), week(0, 0, answered)];
  t.equal(findShift(lately(29), 1), null);
  t.same(findShift(lately(30), 1), { from: 0, split: 11, verdict: "DOWN" });
});

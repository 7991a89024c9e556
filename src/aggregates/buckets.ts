import { type SQL, sql } from "drizzle-orm";
import { invalidRequest } from "../platform/errors.ts";
import { unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** Of the calendar, in the workspace's time zone; weeks begin on Monday. */
export const INTERVALS = ["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"] as const;
export type CalendarInterval = (typeof INTERVALS)[number];

/** How PostgreSQL calls the unit, and how long it is. */
const UNITS: Record<CalendarInterval, { unit: string; step: string }> = {
  DAY: { unit: "day", step: "1 day" },
  WEEK: { unit: "week", step: "1 week" },
  MONTH: { unit: "month", step: "1 month" },
  QUARTER: { unit: "quarter", step: "3 months" },
  YEAR: { unit: "year", step: "1 year" },
};

const BUCKETS_MAX = 1_000;

/** Whole local days: from the beginning of `firstDay`, which is `start`, to that of `nextDay`, which is `end`. */
export interface Bucket {
  start: Date;
  end: Date;
  firstDay: string;
  nextDay: string;
}

/**
 * The intervals of the calendar from the one that holds `first` to the one that holds `last`, all of them:
 * an interval in which nothing happened is there as well, but not a day that a time zone left out. Computed by
 * PostgreSQL, whose time zones are those that the answers are counted by.
 * @throws {AppError} `invalid_request` for more than 1,000
 */
export async function listBuckets(
  tx: WorkspaceTx,
  interval: CalendarInterval,
  timeZone: string,
  { first, last }: { first: Date; last: Date },
): Promise<Bucket[]> {
  const { unit, step } = UNITS[interval];
  const days = sql`select day::date as "firstDay", (day + ${step}::interval)::date as "nextDay"
    from (select date_trunc(${unit}, day_of(${first}, ${timeZone})::timestamp) as first_day) as begun,
      -- No more than it takes to see that they are too many, with room for days that a time zone left out.
      generate_series(first_day, least(day_of(${last}, ${timeZone})::timestamp, first_day + ${BUCKETS_MAX + 10} * ${step}::interval),
        ${step}::interval) as day`;
  const buckets = await selectBuckets(tx, days, timeZone);
  if (buckets.length <= BUCKETS_MAX) return buckets;
  throw invalidRequest([
    { name: "interval", reason: `must be longer: there would be more than ${BUCKETS_MAX} points` },
  ]);
}

/** For each bucket the window of so many local days that ends with it. */
export async function listWindows(
  tx: WorkspaceTx,
  buckets: readonly Bucket[],
  timeZone: string,
  days: number,
): Promise<Bucket[]> {
  const ends = buckets.map(({ nextDay }) => nextDay);
  const windows = sql`select next_day - ${days}::integer as "firstDay", next_day as "nextDay"
    from ${unnest({ next_day: ["date", ends] })}`;
  return selectBuckets(tx, windows, timeZone);
}

/** The weeks that end with the beginning of a local day, the last one ending there; the oldest first. */
export async function listWeeksBefore(
  tx: WorkspaceTx,
  day: string,
  timeZone: string,
  weeks: number,
): Promise<Bucket[]> {
  const days = sql`select ${day}::date - 7 * n as "firstDay", ${day}::date - 7 * n + 7 as "nextDay"
    from generate_series(1, ${weeks}::integer) as n`;
  return selectBuckets(tx, days, timeZone);
}

async function selectBuckets(tx: WorkspaceTx, days: SQL, timeZone: string): Promise<Bucket[]> {
  return tx.run<Bucket>(sql`/* aggregates.selectBuckets */
    select * from (
      select begin_of_day("firstDay", ${timeZone}) as start, begin_of_day("nextDay", ${timeZone}) as "end", "firstDay", "nextDay"
      from (${days}) as days
    ) as buckets where start < "end" order by "nextDay" limit ${BUCKETS_MAX + 1}`);
}

/** What falls into buckets: something that happened at an instant, or the counts of a local day. */
export type Timed = { instant: SQL } | { day: SQL };

function boundsOf(buckets: readonly Bucket[], timed: Timed) {
  return "day" in timed
    ? {
        value: timed.day,
        type: sql`date[]`,
        lower: buckets.map(({ firstDay }) => firstDay),
        upper: buckets.map(({ nextDay }) => nextDay),
      }
    : {
        value: timed.instant,
        type: sql`timestamptz[]`,
        lower: buckets.map(({ start }) => start),
        upper: buckets.map(({ end }) => end),
      };
}

/** Which of these buckets, each beginning where the one before ends, something falls into: its index as text. */
export function bucketIndex(buckets: readonly Bucket[], timed: Timed): SQL {
  const { value, type, lower, upper } = boundsOf(buckets, timed);
  // With the last end, so that what is later has an index of no bucket.
  return sql`(width_bucket(${value}, ${sql.param([...lower, ...upper.slice(-1)])}::${type}) - 1)::text`;
}

/** The same for windows that overlap, by a join with each that something falls into. */
export function windowIndex(windows: readonly Bucket[], timed: Timed): { key: SQL; from: SQL } {
  const { value, type, lower, upper } = boundsOf(windows, timed);
  return {
    key: sql`(windows.number - 1)::text`,
    from: sql`join unnest(${sql.param(lower)}::${type}, ${sql.param(upper)}::${type})
      with ordinality as windows (lower, upper, number) on ${value} >= windows.lower and ${value} < windows.upper`,
  };
}

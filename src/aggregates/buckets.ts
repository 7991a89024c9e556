import { type SQL, sql } from "drizzle-orm";
import { invalidRequest } from "../platform/errors.ts";
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

/** Which bucket a time falls into: its start in milliseconds since 1970, as text. */
export function bucketKey(time: SQL, interval: CalendarInterval, timeZone: string): SQL {
  const local = sql`date_trunc(${UNITS[interval].unit}, ${time} at time zone ${timeZone})`;
  return sql`(extract(epoch from ${local} at time zone ${timeZone}) * 1000)::bigint::text`;
}

const BUCKETS_MAX = 1_000;

export interface Bucket {
  start: Date;
  end: Date;
}

/**
 * The intervals of the calendar from the one that holds `first` to the one that holds `last`, all of them:
 * an interval in which nothing happened is there as well. Computed by PostgreSQL, whose time zones are
 * those that the answers are counted by.
 * @throws {AppError} `invalid_request` for more than 1,000
 */
export async function listBuckets(
  tx: WorkspaceTx,
  interval: CalendarInterval,
  timeZone: string,
  { first, last }: { first: Date; last: Date },
): Promise<Bucket[]> {
  const { unit, step } = UNITS[interval];
  const buckets = await tx.run<Bucket>(sql`/* aggregates.listBuckets */
    select local at time zone ${timeZone} as start, (local + ${step}::interval) at time zone ${timeZone} as "end"
    from generate_series(date_trunc(${unit}, ${first}::timestamptz at time zone ${timeZone}),
      ${last}::timestamptz at time zone ${timeZone}, ${step}::interval) as local
    limit ${BUCKETS_MAX + 1}`);
  if (buckets.length <= BUCKETS_MAX) return buckets;
  throw invalidRequest([
    { name: "interval", reason: `must be longer: there would be more than ${BUCKETS_MAX} points` },
  ]);
}

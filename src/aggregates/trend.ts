import { sql } from "drizzle-orm";
import { invalidRequest } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, whereResponses } from "../responses/index.ts";
import { getWorkspace } from "../workspaces/index.ts";
import {
  type Bucket,
  bucketIndex,
  type CalendarInterval,
  listBuckets,
  listWindows,
  type Timed,
  windowIndex,
} from "./buckets.ts";
import { countAnswers } from "./rollupCounting.ts";
import { type CountingRules, defineNps } from "./rules.ts";
import { type NpsSummary, summarise } from "./summary.ts";

const ROLLING_DAYS_MAX = 3_660;

/** The score of one interval, or of a window that ends with it. */
export interface TrendPoint extends Bucket {
  summary: NpsSummary;
}

/**
 * The score interval by interval, from the first answer to the last where the filter does not say; empty
 * intervals are there. With `rollingDays` each point is over so many local days before the interval's end.
 * What the filter leaves out of an interval is not counted.
 * @throws {AppError} `invalid_request` for more than 1,000 points
 */
export async function trendOf(
  tx: WorkspaceTx,
  interval: CalendarInterval,
  filter: ResponseFilter,
  rules: CountingRules,
  rollingDays: number | null,
): Promise<TrendPoint[]> {
  if (rollingDays !== null && (rollingDays < 1 || rollingDays > ROLLING_DAYS_MAX)) {
    throw invalidRequest([{ name: "rollingDays", reason: `must be from 1 to ${ROLLING_DAYS_MAX}` }]);
  }
  const { timeZone } = await getWorkspace(tx);
  const bounds = await findBounds(tx, filter);
  if (bounds === undefined) return [];
  const buckets = await listBuckets(tx, interval, timeZone, bounds);
  const points = rollingDays === null ? buckets : await listWindows(tx, buckets, timeZone, rollingDays);
  const by = (timed: Timed) =>
    rollingDays === null ? { key: bucketIndex(points, timed) } : windowIndex(points, timed);
  const grouping = { ...by({ instant: sql`responses.responded_at` }), daily: by({ day: sql`days.day` }) };
  const tallies = await countAnswers(tx, filter, rules, grouping);
  return points.map((point, index) => {
    const to = earliest(point.end, filter.to);
    // A rolling window may lie beyond what the filter names: then nothing does.
    const within = { ...filter, from: earliest(latest(point.start, filter.from), to), to };
    const summary = summarise(tallies.get(String(index)), rules, defineNps(within, rules, timeZone));
    return { ...point, summary };
  });
}

/** From when to when: as the filter says, or from the first of its answers to the last. */
async function findBounds(tx: WorkspaceTx, filter: ResponseFilter): Promise<{ first: Date; last: Date } | undefined> {
  const { from, to } = filter;
  // What ends at an instant does not hold it.
  const lastOf = (end: Date) => new Date(end.getTime() - 1);
  if (from && to) return from < to ? { first: from, last: lastOf(to) } : undefined;
  const [found] = await tx.run<{ first: Date | null; last: Date | null }>(sql`/* aggregates.findBounds */
    select min(responded_at) as first, max(responded_at) as last from responses
    where ${whereResponses(tx.workspaceId, filter)}`);
  if (!found?.first || !found.last) return undefined;
  return { first: from ?? found.first, last: to ? lastOf(to) : found.last };
}

function latest(a: Date, b: Date | undefined): Date {
  return b && b > a ? b : a;
}

function earliest(a: Date, b: Date | undefined): Date {
  return b && b < a ? b : a;
}

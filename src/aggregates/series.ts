import { type SQL, sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { type Counts, countsOf } from "../scoring/index.ts";
import { type Bucket, bucketIndex, type Timed } from "./buckets.ts";
import type { Grouping } from "./counting.ts";
import { countAnswers } from "./rollupCounting.ts";
import { toRules } from "./rules.ts";

/** More are not looked at: the largest are. */
const SERIES_MAX = 200;
/** Fewer answers make no two sides that a change can be told between. */
const ANSWERED_MIN = 60;

/** The answers to a survey, over all segments or of one. */
export interface Series {
  surveyKey: string;
  segment: string | null;
}

/** A series with its counts of each week. */
export interface WeeklySeries extends Series {
  weeks: Counts[];
}

/**
 * The largest series of these weeks, each following the one before, with enough answers to tell a change. An
 * answer of no segment is in that of its survey alone.
 */
export async function countWeekly(tx: WorkspaceTx, weeks: readonly Bucket[]): Promise<WeeklySeries[]> {
  const within = { from: weeks[0]?.start, to: weeks.at(-1)?.end, excluded: false };
  const looked = (await countSeries(tx, within))
    .filter(({ answered }) => answered >= ANSWERED_MIN)
    .toSorted((a, b) => b.answered - a.answered || (nameOf(a) < nameOf(b) ? -1 : 1))
    .slice(0, SERIES_MAX);
  if (looked.length === 0) return [];
  const empty = () => weeks.map(() => ({ promoters: 0, passives: 0, detractors: 0 }));
  const found = new Map(looked.map((series) => [nameOf(series), { ...series, weeks: empty() }]));
  const surveyKeys = [...new Set(looked.map(({ surveyKey }) => surveyKey))];
  const byWeek = (timed: Timed) => bucketIndex(weeks, timed);
  for (const { index, promoters, passives, detractors, ...series } of await countSeries(
    tx,
    { ...within, surveyKeys },
    byWeek,
  )) {
    const week = found.get(nameOf(series))?.weeks[index];
    if (week !== undefined) Object.assign(week, { promoters, passives, detractors });
  }
  return [...found.values()].map(({ surveyKey, segment, weeks: counts }) => ({ surveyKey, segment, weeks: counts }));
}

export function nameOf({ surveyKey, segment }: Series): string {
  return JSON.stringify([surveyKey, segment]);
}

type Counted = Series & ReturnType<typeof countsOf> & { index: number };

/** The answers of each survey, and of each of its segments, in each part of time. */
async function countSeries(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  partOf: (timed: Timed) => SQL = () => sql`'0'`,
): Promise<Counted[]> {
  const key = (survey: SQL, segment: SQL, timed: Timed) =>
    sql`jsonb_build_array(${survey}, ${segment}, ${partOf(timed)})::text`;
  const [instant, day] = [{ instant: sql`responses.responded_at` }, { day: sql`days.day` }];
  const [survey, surveyOfDay] = [sql`responses.survey_key`, sql`days.survey_key`];
  const bySurvey: Grouping = {
    key: key(survey, sql`null`, instant),
    daily: { key: key(surveyOfDay, sql`null`, day) },
  };
  const bySegment: Grouping = {
    key: key(survey, sql`coalesce(responses.segment, '')`, instant),
    daily: { key: key(surveyOfDay, sql`days.value`, day), dimension: "SEGMENT" },
  };
  const counted: Counted[] = [];
  for (const grouping of [bySurvey, bySegment]) {
    for (const [group, { distribution }] of await countAnswers(tx, filter, toRules({}), grouping)) {
      const [surveyKey, segment, index] = JSON.parse(group) as [string, string | null, string];
      if (segment !== "") counted.push({ surveyKey, segment, index: Number(index), ...countsOf(distribution) });
    }
  }
  return counted;
}

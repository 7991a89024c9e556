import { type SQL, sql } from "drizzle-orm";
import type { CaseFilter, CaseOutcome } from "../cases/index.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { getWorkspace } from "../workspaces/index.ts";
import { type Bucket, bucketIndex, type CalendarInterval, listBuckets } from "./buckets.ts";
import {
  type FirstContactKpi,
  isPromise,
  measureFirstContacts,
  NO_FIRST_CONTACTS,
  whereCounted,
} from "./firstContact.ts";

export const CASE_DIMENSIONS = [
  "STATED_CAUSE",
  "ACTUAL_CAUSE",
  "OUTCOME",
  "STATUS",
  "ASSIGNEE",
  "SEGMENT",
  "SURVEY",
  "PRIORITY",
] as const;
export type CaseDimension = (typeof CASE_DIMENSIONS)[number];

/** Cases that share something. */
export interface CaseGroup {
  /** What they share; empty where they have none. */
  key: string;
  label: string;
  cases: number;
  firstContact: FirstContactKpi;
  /** The most frequent first. */
  outcomes: { outcome: CaseOutcome; cases: number }[];
}

/** What depends on the workspace of the transaction. */
type OfWorkspace = (tx: WorkspaceTx) => SQL;

/** The values of each case, from the answers that belong to it and count. */
const ofAnswers = (column: SQL) => (tx: WorkspaceTx) =>
  sql`left join lateral (
    select distinct coalesce(${column}, '') as value from case_responses
    join responses on responses.workspace_id = ${tx.workspaceId} and responses.id = case_responses.response_id
      and responses.exclusion_reason is null
    where case_responses.workspace_id = ${tx.workspaceId} and case_responses.case_id = cases.id
  ) as shared on true`;

/** A case whose answers have all gone to others has none. */
const SHARED = sql`coalesce(shared.value, '')`;

/** Of each dimension: the key of a case's group, what it is joined with, and what people call it. */
const DIMENSIONS: Record<CaseDimension, { key: SQL; from?: OfWorkspace; label?: OfWorkspace }> = {
  STATED_CAUSE: own(sql`cases.stated_cause`, labelOf(sql`root_causes`, sql`label`)),
  ACTUAL_CAUSE: own(sql`cases.actual_cause`, labelOf(sql`root_causes`, sql`label`)),
  OUTCOME: own(sql`cases.outcome`),
  STATUS: own(sql`cases.status`),
  ASSIGNEE: own(sql`cases.assignee`),
  PRIORITY: own(sql`cases.priority`),
  SEGMENT: { key: SHARED, from: ofAnswers(sql`responses.segment`) },
  SURVEY: {
    key: SHARED,
    from: ofAnswers(sql`responses.survey_key`),
    label: labelOf(sql`surveys`, sql`name`),
  },
};

function own(column: SQL, label?: OfWorkspace) {
  return { key: sql`coalesce(${column}, '')`, ...(label && { label }) };
}

function labelOf(table: SQL, name: SQL): OfWorkspace {
  return (tx) =>
    sql`(select ${name} from ${table} as named where named.workspace_id = ${tx.workspaceId} and named.key = grouped.key)`;
}

/** The largest groups of these cases; by segment and survey a case may be in several. */
export async function groupCases(
  tx: WorkspaceTx,
  by: CaseDimension,
  filter: CaseFilter,
  first: number,
): Promise<CaseGroup[]> {
  const { key, ...of } = DIMENSIONS[by];
  const from = of.from?.(tx) ?? sql``;
  const label = of.label?.(tx) ?? sql`null`;
  const rows = await tx.run<{ key: string; label: string | null; cases: number; outcomes: Record<string, number> }>(
    sql`/* aggregates.groupCases */
    with counted as (
      select ${key} as key, cases.outcome, count(*)::int as cases from cases ${from}
      where ${whereCounted(tx, filter)} group by 1, 2
    ), grouped as (
      select key, sum(cases) as cases,
        coalesce(jsonb_object_agg(outcome, cases) filter (where outcome is not null), '{}') as outcomes
      from counted group by key order by sum(cases) desc, key collate "C" limit ${first}
    )
    select key, ${label} as label, cases, outcomes from grouped order by cases desc, key collate "C"`,
  );
  const kpis = await measureFirstContacts(tx, filter, key, from);
  return rows.map((row) => ({
    key: row.key,
    label: row.key === "" ? "(none)" : (row.label ?? row.key),
    cases: row.cases,
    firstContact: kpis.get(row.key) ?? NO_FIRST_CONTACTS,
    outcomes: Object.entries(row.outcomes)
      .map(([outcome, count]) => ({ outcome: outcome as CaseOutcome, cases: count }))
      .toSorted((a, b) => b.cases - a.cases || (a.outcome < b.outcome ? -1 : 1)),
  }));
}

/** The KPI interval by interval, by the clocks' start, from the first to the last: empty intervals too. */
export async function trendFirstContacts(
  tx: WorkspaceTx,
  interval: CalendarInterval,
  filter: CaseFilter,
): Promise<(Bucket & { kpi: FirstContactKpi })[]> {
  const [bounds] = await tx.run<{ first: Date | null; last: Date | null }>(sql`/* aggregates.findClockBounds */
    select min(case_clocks.started_at) as first, max(case_clocks.started_at) as last from cases
    join case_clocks on case_clocks.workspace_id = ${tx.workspaceId} and case_clocks.case_id = cases.id
      and ${isPromise(tx)}
    where ${whereCounted(tx, filter)}`);
  const { first, last } = bounds ?? { first: null, last: null };
  if (first === null || last === null) return [];
  const { timeZone } = await getWorkspace(tx);
  const buckets = await listBuckets(tx, interval, timeZone, { first, last });
  const index = bucketIndex(buckets, { instant: sql`case_clocks.started_at` });
  const kpis = await measureFirstContacts(tx, filter, index);
  return buckets.map((bucket, number) => ({ ...bucket, kpi: kpis.get(String(number)) ?? NO_FIRST_CONTACTS }));
}

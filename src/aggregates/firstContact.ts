import { and, eq, type SQL, sql } from "drizzle-orm";
import { type CaseFilter, caseClocks, cases, whereCases } from "../cases/index.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type Rate, rateOf } from "../scoring/index.ts";

/** Whether customers are contacted in time. The unit is a clock: a promise of a first contact. */
export interface FirstContactKpi {
  met: number;
  /** Too late, or overdue. */
  missed: number;
  pending: number;
  /** Of those that are decided. */
  rate: Rate;
  medianHours: number | null;
  within24h: Rate;
  within48h: Rate;
}

interface Measured {
  key: string;
  met: number;
  missed: number;
  pending: number;
  medianHours: number | null;
  within24: number;
  decided24: number;
  within48: number;
  decided48: number;
}

/**
 * The cases that figures are of: an answer that is excluded is out of every aggregate, and with it a case that has no
 * other. One whose answers have all gone to others counts for what was done in it; else the others have its promise.
 */
export function whereCounted(tx: WorkspaceTx, filter: CaseFilter): SQL | undefined {
  const { workspaceId } = tx;
  return and(
    whereCases(tx, filter, true),
    sql`(exists (
        select from case_responses as links
        join responses as counted on counted.workspace_id = ${workspaceId} and counted.id = links.response_id
        where links.workspace_id = ${workspaceId} and links.case_id = cases.id and counted.exclusion_reason is null)
      or not exists (
        select from case_responses as links where links.workspace_id = ${workspaceId} and links.case_id = cases.id)
      and exists (
        select from case_clocks as kept
        where kept.workspace_id = ${workspaceId} and kept.case_id = cases.id and kept.met_at is not null))`,
  );
}

/** Whether a clock is a promise of its case: where all answers have gone to others, those that are open went with them. */
export function isPromise({ workspaceId }: WorkspaceTx): SQL {
  return sql`(case_clocks.met_at is not null or exists (
    select from case_responses as links where links.workspace_id = ${workspaceId} and links.case_id = cases.id))`;
}

/**
 * The KPI of the clocks of these cases, group by group. Of those not yet reached it is known only that it
 * takes longer, so the median is that of Kaplan and Meier, null while the share that waits has not fallen to a half: leaving
 * them out would flatter. Hours are real time from the clock's start; a contact up to 5 minutes before it
 * counts as at the start. What is younger than 24 hours and not reached is not yet decided for `within24h`.
 * Source: Kaplan & Meier, "Nonparametric Estimation from Incomplete Observations", Journal of the American
 * Statistical Association 53 (1958), 457–481.
 * @param group an expression over `cases`, `case_clocks` and `from` that gives the group's key as text
 * @param from what else is joined
 */
export async function measureFirstContacts(
  tx: WorkspaceTx,
  filter: CaseFilter,
  group: SQL = sql`''`,
  from: SQL = sql``,
): Promise<Map<string, FirstContactKpi>> {
  const { startedAt, dueAt, metAt } = caseClocks;
  const rows = await tx.run<Measured>(sql`/* aggregates.measureFirstContacts */
    with measured as (
      select ${group} as key, ${metAt} as met_at, ${dueAt} as due_at, ${metAt} is not null as reached,
        greatest(coalesce(${metAt}, ${tx.now}) - ${startedAt}, interval '0') as took
      from cases
      join case_clocks on ${and(eq(caseClocks.workspaceId, tx.workspaceId), eq(caseClocks.caseId, cases.id))} and ${isPromise(tx)}
      ${from}
      where ${whereCounted(tx, filter)}
    ), counted as (
      select key,
        count(*) filter (where met_at <= due_at) as met,
        count(*) filter (where met_at > due_at or (met_at is null and due_at < ${tx.now})) as missed,
        count(*) filter (where met_at is null and due_at >= ${tx.now}) as pending,
        count(*) filter (where reached and took <= interval '24 hours') as within24,
        count(*) filter (where reached or took > interval '24 hours') as decided24,
        count(*) filter (where reached and took <= interval '48 hours') as within48,
        count(*) filter (where reached or took > interval '48 hours') as decided48
      from measured group by key
    ), times as (
      select key, took, count(*) filter (where reached) as reached, count(*) as at_that_time from measured group by key, took
    ), at_risk as (
      select key, took, reached, sum(at_that_time) over (partition by key order by took desc) as waiting from times
    ), survival as (
      -- The logarithm of the share that still waits after each time; where the last are reached it is 0.
      select key, took, sum(case when reached < waiting then ln(1 - reached / waiting::float8) else -100 end)
        over (partition by key order by took) as still_waiting
      from at_risk
    ), medians as (
      select key, min(took) as median from survival where still_waiting <= ln(0.5::float8) + 1e-9 group by key
    )
    select key, met, missed, pending, within24, decided24, within48, decided48,
      (extract(epoch from median) / 3600)::float8 as "medianHours"
    from counted left join medians using (key)`);
  return new Map(rows.map((row) => [row.key, toKpi(row)]));
}

function toKpi(row: Measured): FirstContactKpi {
  const { met, missed, pending, medianHours } = row;
  return {
    met,
    missed,
    pending,
    rate: rateOf(met, met + missed),
    medianHours,
    within24h: rateOf(row.within24, row.decided24),
    within48h: rateOf(row.within48, row.decided48),
  };
}

const NOTHING: Measured = {
  key: "",
  met: 0,
  missed: 0,
  pending: 0,
  medianHours: null,
  within24: 0,
  decided24: 0,
  within48: 0,
  decided48: 0,
};

/** Of no clock at all. */
export const NO_FIRST_CONTACTS = toKpi(NOTHING);

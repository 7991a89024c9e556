import { sql } from "drizzle-orm";
import { recordEvents } from "../platform/events.ts";
import { Failures } from "../platform/failures.ts";
import type { Caller, SystemTx, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { findShift, type Shift, WEEKS_LOOKED_AT } from "../scoring/index.ts";
import { type Bucket, listWeeksBefore } from "./buckets.ts";
import { toRules } from "./rules.ts";
import { changeBetween, type NpsChange } from "./score.ts";
import { countWeekly, nameOf, type Series } from "./series.ts";

const WORKSPACES_PER_ROUND = 100;
const ROUNDS_MAX = 1_000;
/** A shift the same way so soon after the last is that one, seen more clearly. */
const SETTLING_DAYS = 14;

/** The same question for whoever wants to ask it again: an argument of `npsChange`. */
type ShiftFilter = Pick<ResponseFilter, "surveyKeys" | "segments" | "from" | "to">;

/** What is told of a shift: the change, of what it is, and how to ask for it. */
interface NpsShift extends NpsChange {
  survey: { key: string };
  /** null: over all segments. */
  segment: string | null;
  filters: { baseline: ShiftFilter; current: ShiftFilter };
}

/** The last shift of a series that was told. */
interface LastShift {
  surveyKey: string;
  segment: string | null;
  sequence: number;
  verdict: string;
  /** The local day of the first answers that are all of the new level. */
  levelSince: string;
  day: string;
  isSettling: boolean;
}

/**
 * Looks in every workspace, once on each of its local days, whether the score of a survey, over all segments or
 * of one, has shifted (`findShift` is the rule), and records `nps.shifted` for each that has. A shift is told
 * once: from then on the level after it is what the score is held against. Any number of workers may look at
 * once. What stands in the way in one workspace holds up no other.
 * @returns how many events were recorded
 * @throws the first failure, once everybody else was looked at
 */
export async function lookForShifts(tenancy: Tenancy): Promise<number> {
  let events = 0;
  const failures = new Failures();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const failed = failures.keys;
    const due = await tenancy.acrossWorkspaces("find what is due", (tx) => listToLookAt(tx, failed));
    let looked = 0;
    for (const { workspaceId } of due) {
      const told = await failures.keep(workspaceId, () => tenancy.inWorkspace(lookerAt(workspaceId), look));
      if (told === undefined) continue;
      looked += 1;
      events += told;
    }
    // What is left is being looked at by others.
    if (looked === 0 && failures.keys.length === failed.length) break;
  }
  failures.end();
  return events;
}

function lookerAt(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "shifts" }, requestId: null };
}

/** Whose day has begun, and whose counts are ready. @param except workspaces that are left out */
async function listToLookAt(tx: SystemTx, except: string[]): Promise<{ workspaceId: string }[]> {
  return tx.run(sql`/* aggregates.listToLookAt */
    select workspaces.id as "workspaceId" from workspaces
    join nps_rollups on nps_rollups.workspace_id = workspaces.id
      and nps_rollups.time_zone = workspaces.time_zone and nps_rollups.is_ready
    left join nps_shift_looks on nps_shift_looks.workspace_id = workspaces.id
    where (looked_on is null or looked_on < day_of(now(), workspaces.time_zone))
      and workspaces.id <> all(${sql.param(except)}::uuid[])
    limit ${WORKSPACES_PER_ROUND}`);
}

/** @returns how many shifts were told; undefined where somebody else looks or has looked at this day */
async function look(tx: WorkspaceTx): Promise<number | undefined> {
  const [lock] = await tx.run<{ isOurs: boolean }>(sql`/* aggregates.lockLooks */
    select pg_try_advisory_xact_lock(hashtextextended(${`nps_shifts ${tx.workspaceId}`}, 0)) as "isOurs"`);
  if (lock?.isOurs !== true) return undefined;
  const [day] = await tx.run<{ today: string; timeZone: string }>(sql`/* aggregates.findToday */
    select day_of(${tx.now}, time_zone) as today, time_zone as "timeZone" from workspaces where id = ${tx.workspaceId}`);
  if (day === undefined) return undefined;
  const claimed = await tx.run(sql`/* aggregates.claimLook */
    insert into nps_shift_looks (workspace_id, looked_on) values (${tx.workspaceId}, ${day.today})
    on conflict (workspace_id) do update set looked_on = excluded.looked_on
    where nps_shift_looks.looked_on < excluded.looked_on returning 1`);
  if (claimed.length === 0) return undefined;
  // Of a survey with very many segments the rows of a year are counted.
  await tx.allowTime(60_000);
  const weeks = await listWeeksBefore(tx, day.today, day.timeZone, WEEKS_LOOKED_AT);
  const all = await countWeekly(tx, weeks);
  const lastShifts = await listLastShifts(tx, day.today);
  let told = 0;
  for (const { weeks: counts, ...series } of all) {
    const last = lastShifts.get(nameOf(series));
    const known = last === undefined ? 0 : weeks.findIndex(({ firstDay }) => firstDay >= last.levelSince);
    const shift = known < 0 ? null : findShift(counts.slice(known), all.length);
    if (shift === null) continue;
    const place = { ...shift, from: known + shift.from, split: known + shift.split };
    told += Number(await tell(tx, day.today, series, sidesOf(weeks, place), last));
  }
  return told;
}

/** The two windows of a shift, with its verdict. */
interface Sides {
  from: Date;
  split: Date;
  to: Date;
  /** The week of a shift may be of both levels: this is the day after it. */
  levelSince: string;
  verdict: Shift["verdict"];
}

function sidesOf(weeks: readonly Bucket[], { from, split, verdict }: Shift): Sides {
  const [first, second, last] = [weeks[from], weeks[split], weeks.at(-1)];
  if (!first || !second || !last) throw new Error("a shift is between weeks");
  return { from: first.start, split: second.start, to: last.end, levelSince: second.nextDay, verdict };
}

/** @returns false where it is the last shift still, or no more a change */
async function tell(
  tx: WorkspaceTx,
  day: string,
  series: Series,
  { from, split, to, levelSince, verdict }: Sides,
  last: LastShift | undefined,
): Promise<boolean> {
  if (last?.isSettling === true && last.verdict === verdict) {
    await correctLevel(tx, last, levelSince);
    return false;
  }
  const sides = { baseline: filterOf(series, from, split), current: filterOf(series, split, to) };
  const change = await changeBetween(tx, sides, toRules({}));
  // Answers may have changed since they were counted.
  if (change.verdict !== verdict) return false;
  const sequence = (last?.sequence ?? 0) + 1;
  await insertShift(tx, { ...series, sequence, verdict, levelSince, day });
  const filters = { baseline: argumentOf(sides.baseline), current: argumentOf(sides.current) };
  const told: NpsShift = { survey: { key: series.surveyKey }, segment: series.segment, filters, ...change };
  await recordEvents(tx, [{ type: "nps.shifted", data: { sequence, change: told }, personId: null }]);
  return true;
}

function filterOf({ surveyKey, segment }: Series, from: Date, to: Date): ResponseFilter {
  return { surveyKeys: [surveyKey], ...(segment === null ? {} : { segments: [segment] }), from, to, excluded: false };
}

/** As `npsChange` takes it: it leaves out what is excluded unless told otherwise. */
function argumentOf({ excluded: _excluded, ...terms }: ResponseFilter): ShiftFilter {
  return terms;
}

async function listLastShifts(tx: WorkspaceTx, today: string): Promise<Map<string, LastShift>> {
  const rows = await tx.run<LastShift>(sql`/* aggregates.listLastShifts */
    select distinct on (survey_key, segment) survey_key as "surveyKey", nullif(segment, '') as segment, sequence, verdict,
      level_since as "levelSince", day, day > ${today}::date - ${SETTLING_DAYS}::integer as "isSettling"
    from nps_shifts where workspace_id = ${tx.workspaceId} order by survey_key, segment, day desc`);
  return new Map(rows.map((row) => [nameOf(row), row]));
}

async function insertShift(tx: WorkspaceTx, shift: Omit<LastShift, "isSettling">): Promise<void> {
  const { surveyKey, segment, day, sequence, verdict, levelSince } = shift;
  await tx.run(sql`/* aggregates.insertShift */
    insert into nps_shifts (workspace_id, survey_key, segment, day, sequence, verdict, level_since)
    values (${tx.workspaceId}, ${surveyKey}, ${segment ?? ""}, ${day}, ${sequence}, ${verdict}, ${levelSince})`);
}

async function correctLevel(tx: WorkspaceTx, { surveyKey, segment, day }: LastShift, levelSince: string) {
  await tx.run(sql`/* aggregates.correctLevel */
    update nps_shifts set level_since = ${levelSince} where workspace_id = ${tx.workspaceId}
      and survey_key = ${surveyKey} and segment = ${segment ?? ""} and day = ${day}`);
}

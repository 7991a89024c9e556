import { and, eq, type SQL, sql } from "drizzle-orm";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { emptyDistribution } from "../scoring/index.ts";
import { countRows, type Grouping, type Tally } from "./counting.ts";
import { scoresOf } from "./disjoint.ts";
import { COLUMN_OF, COUNTERS, eachCounter, ROLLUP_DIMENSIONS, type RollupDimension } from "./rollups.ts";
import type { CountingRules } from "./rules.ts";

const ONE_GROUP: Grouping = { key: sql`''`, daily: { key: sql`''` } };

/** Counts the answers that a filter names: from the counts by day where these can tell, else from the rows. */
export async function countAnswers(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  rules: CountingRules,
  grouping: Grouping = ONE_GROUP,
): Promise<Map<string, Tally>> {
  const source = sourceOf(filter, rules, grouping);
  const days = source === undefined ? undefined : await findDays(tx, filter, source.dimension);
  if (source === undefined || days === undefined) return countRows(tx, filter, rules, grouping);
  const tallies = days.isEmpty ? new Map<string, Tally>() : await countDays(tx, filter, source, days);
  // What lies before the first whole day and after the last.
  for (const edge of days.edges) add(tallies, await countRows(tx, { ...filter, ...edge }, rules, grouping));
  return tallies;
}

interface Source {
  dimension: RollupDimension | "";
  values: readonly string[] | undefined;
  daily: NonNullable<Grouping["daily"]>;
}

const VALUES_OF: Record<RollupDimension, keyof ResponseFilter> = {
  CHANNEL: "channels",
  TOUCHPOINT: "touchpoints",
  SEGMENT: "segments",
  LANGUAGE: "languages",
};
/** The terms that the counts by day know, besides the dimensions. */
const KNOWN_TERMS = new Set(["from", "to", "surveyKeys", "scores", "categories", "dangerZone", "excluded"]);

/** Which counts can tell: every answer counts once, and at most one dimension is asked for. */
function sourceOf(filter: ResponseFilter, rules: CountingRules, { daily }: Grouping): Source | undefined {
  if (daily === undefined || rules.unit !== "RESPONSE" || rules.weighting !== "NONE") return undefined;
  if (filter.excluded !== false) return undefined;
  const dimensions = new Set(ROLLUP_DIMENSIONS.filter((name) => filter[VALUES_OF[name]] !== undefined));
  if (daily.dimension !== undefined) dimensions.add(daily.dimension);
  const known = new Set<string>([...KNOWN_TERMS, ...ROLLUP_DIMENSIONS.map((name) => VALUES_OF[name])]);
  const isKnown = Object.entries(filter).every(([name, value]) => value === undefined || known.has(name));
  if (!isKnown || dimensions.size > 1) return undefined;
  const [dimension] = dimensions;
  if (dimension === undefined) return { dimension: "", values: undefined, daily };
  return { dimension, values: filter[VALUES_OF[dimension]] as readonly string[] | undefined, daily };
}

interface Days {
  generation: number;
  /** The first whole day, and the one after the last; null for no bound. */
  first: string | null;
  after: string | null;
  isEmpty: boolean;
  edges: { from: Date | undefined; to: Date | undefined }[];
}

/** The whole local days of the window, and what is left of it; undefined where the counts are not ready. */
async function findDays(
  tx: WorkspaceTx,
  { from, to }: ResponseFilter,
  dimension: Source["dimension"],
): Promise<Days | undefined> {
  const [found] = await tx.run<{
    generation: number;
    first: string | null;
    firstAt: Date | null;
    after: string | null;
    afterAt: Date | null;
  }>(sql`/* aggregates.findDays */
    select generation, first, begin_of_day(first, nps_rollups.time_zone) as "firstAt",
      after, begin_of_day(after, nps_rollups.time_zone) as "afterAt"
    from nps_rollups join workspaces on workspaces.id = ${tx.workspaceId},
      -- The day that begins at or after the first instant, and the day of the last.
      lateral (select day_of(${from ?? null}, nps_rollups.time_zone) as from_day) as of_from,
      lateral (select from_day + (begin_of_day(from_day, nps_rollups.time_zone) < ${from ?? null})::integer as first,
        day_of(${to ?? null}, nps_rollups.time_zone) as after) as bounds
    where nps_rollups.workspace_id = ${tx.workspaceId} and is_ready and nps_rollups.time_zone = workspaces.time_zone
      and not exists (select 1 from nps_wide_dimensions
        where nps_wide_dimensions.workspace_id = ${tx.workspaceId} and nps_wide_dimensions.dimension = ${dimension})`);
  if (found === undefined) return undefined;
  const { generation, first, firstAt, after, afterAt } = found;
  if (firstAt && afterAt && firstAt >= afterAt) {
    return { generation, first, after, isEmpty: true, edges: [{ from, to }] };
  }
  const before = from && firstAt && from < firstAt ? [{ from, to: firstAt }] : [];
  const behind = to && afterAt && afterAt < to ? [{ from: afterAt, to }] : [];
  return { generation, first, after, isEmpty: false, edges: [...before, ...behind] };
}

async function countDays(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  { dimension, values, daily }: Source,
  { generation, first, after }: Days,
): Promise<Map<string, Tally>> {
  const where = (table: SQL) =>
    and(
      sql`${table}.workspace_id = ${tx.workspaceId}`,
      eq(sql`${table}.generation`, generation),
      eq(sql`${table}.dimension`, dimension),
      // What stands for none in the counts is no value that anybody can ask for.
      values &&
        sql`${table}.value = ${anyOf(
          "text",
          values.filter((value) => value !== ""),
        )}`,
      filter.surveyKeys && sql`${table}.survey_key = ${anyOf("text", filter.surveyKeys)}`,
      first === null ? undefined : sql`${table}.day >= ${first}::date`,
      after === null ? undefined : sql`${table}.day < ${after}::date`,
    );
  const rows = await tx.run<{ key: string } & Record<string, number>>(sql`/* aggregates.countDays */
    select key, ${eachCounter((_, name) => sql`sum(${sql.identifier(name)})::bigint as ${sql.identifier(name)}`)}
    from (
      select ${daily.key} as key, ${eachCounter((_, name) => sql`days.${sql.identifier(name)}`)}
      from (
        select value, survey_key, day, ${eachCounter((_, name) => sql`${sql.identifier(name)}`)}
        from nps_daily where ${where(sql`nps_daily`)}
        union all
        select value, survey_key, day, ${eachCounter((score) => sql`case when score = ${score} then n else 0 end`)}
        from (
          select workspace_id, generation, ${dimension} as dimension, ${dimension === "" ? sql`''` : COLUMN_OF[dimension]} as value,
            survey_key, day, score, n from nps_deltas
        ) as deltas where ${where(sql`deltas`)}
      ) as days ${daily.from ?? sql``}
    ) as keyed group by key`);
  const scores = new Set(scoresOf(filter));
  const tallies = new Map<string, Tally>();
  for (const { key, ...counters } of rows) {
    const distribution = COUNTERS.map((name, score) => (scores.has(score) ? (counters[name] ?? 0) : 0));
    if (distribution.some((count) => count > 0)) {
      tallies.set(key, { distribution, moments: null, unweighted: 0, accounts: 0 });
    }
  }
  return tallies;
}

function add(tallies: Map<string, Tally>, more: ReadonlyMap<string, Tally>): void {
  for (const [key, { distribution }] of more) {
    const known = tallies.get(key)?.distribution ?? emptyDistribution();
    const sum = known.map((count, score) => count + (distribution[score] ?? 0));
    tallies.set(key, { distribution: sum, moments: null, unweighted: 0, accounts: 0 });
  }
}

import { type SQL, sql } from "drizzle-orm";
import { OWN_PLAN } from "../platform/beginning.ts";
import { Failures } from "../platform/failures.ts";
import { newId } from "../platform/ids.ts";
import { anyOf, unnest } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { Caller, SystemTx, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { awaitWriters, shareAsWriter } from "../platform/writers.ts";
import type { RecordedResponse, RecordingStep, ResponseChange } from "../responses/index.ts";
import { SCORE_MAX } from "../scoring/index.ts";

/** What answers are counted by besides survey and day. */
export const ROLLUP_DIMENSIONS = ["CHANNEL", "TOUCHPOINT", "SEGMENT", "LANGUAGE"] as const;
export type RollupDimension = (typeof ROLLUP_DIMENSIONS)[number];

/** More are not worth counting by: rows answer for such a dimension. */
const VALUES_MAX = 200;
const DELTAS_PER_FOLD = 50_000;
const WORKSPACES_PER_ROUND = 100;
const ROUNDS_MAX = 1_000;

/** The column of the counter of each score. */
export const COUNTERS = Array.from({ length: SCORE_MAX + 1 }, (_, score) => `s${score}`);

/** One expression a counter. */
export function eachCounter(expression: (score: number, name: string) => SQL): SQL {
  return sql.join(
    COUNTERS.map((name, score) => expression(score, name)),
    sql`, `,
  );
}

const COUNTER_NAMES = eachCounter((_, name) => sql`${sql.identifier(name)}`);
/** The column that has the value of each dimension; without a value it is ''. */
export const COLUMN_OF: Record<RollupDimension, SQL> = {
  CHANNEL: sql`channel`,
  TOUCHPOINT: sql`touchpoint`,
  SEGMENT: sql`segment`,
  LANGUAGE: sql`language`,
};
/** The dimensions of a row, as rows (dimension, value); the one without a name is of all. */
const DIMENSIONS = sql`(values ('', ''), ${sql.join(
  ROLLUP_DIMENSIONS.map((name) => sql`(${sql.raw(`'${name}'`)}, coalesce(${COLUMN_OF[name]}, ''))`),
  sql`, `,
)}) as dimensions (dimension, value)`;

/** Appends what new and changed answers do to the counts, with the next flush. */
function appendDeltas(tx: WorkspaceTx, counted: readonly { response: RecordedResponse; n: number }[]) {
  const included = counted.filter(({ response }) => response.exclusion === null);
  if (included.length === 0) return;
  const responses = included.map(({ response }) => response);
  tx.later(statement`/* aggregates.insertDeltas */
    insert into nps_deltas (workspace_id, id, generation, survey_key, day, score, channel, touchpoint, segment, language, n)
    select workspace_id, input.id, generation, survey_key, day_of(responded_at, time_zone), score,
      coalesce(channel, ''), coalesce(touchpoint, ''), coalesce(segment, ''), coalesce(language, ''), n
    from nps_rollups, ${unnest({
      id: ["uuid", responses.map(() => newId())],
      survey_key: ["text", responses.map(({ survey }) => survey.key)],
      responded_at: ["timestamptz", responses.map(({ respondedAt }) => respondedAt)],
      score: ["smallint", responses.map(({ score }) => score)],
      channel: ["text", responses.map(({ channel }) => channel)],
      touchpoint: ["text", responses.map(({ touchpoint }) => touchpoint)],
      segment: ["text", responses.map(({ account }) => account?.segment)],
      language: ["text", responses.map(({ language }) => language)],
      n: ["integer", included.map(({ n }) => n)],
    })}
    where nps_rollups.workspace_id = ${tx.workspaceId}`);
}

/** What an answer is counted by. */
function countedBy({
  exclusion,
  survey,
  respondedAt,
  score,
  channel,
  touchpoint,
  account,
  language,
}: RecordedResponse) {
  const values = [survey.key, respondedAt, score, channel, touchpoint, account?.segment, language];
  return exclusion === null ? JSON.stringify(values) : "";
}

/** Counts new answers. */
export const countRecorded: RecordingStep = async (tx) => async (recorded) => {
  appendDeltas(
    tx,
    recorded.map(({ response }) => ({ response, n: 1 })),
  );
  return undefined;
};

/** Counts changed answers as they are, and no more as they were. */
export async function recountChanged(tx: WorkspaceTx, changes: readonly ResponseChange[]): Promise<void> {
  const recounted = changes.filter(({ before, after }) => countedBy(before) !== countedBy(after));
  if (recounted.length === 0) return;
  await shareAsWriter(tx);
  appendDeltas(
    tx,
    recounted.flatMap(({ before, after }) => [
      { response: before, n: -1 },
      { response: after, n: 1 },
    ]),
  );
}

/** What a round of folding takes. */
const oldestDeltas = (tx: WorkspaceTx) => sql`(select id from nps_deltas where workspace_id = ${tx.workspaceId}
  order by id limit ${DELTAS_PER_FOLD})`;

/** Adds the deltas to the counts, in a snapshot: what it adds is what it deletes. @returns how many deltas there were */
async function fold(tx: WorkspaceTx): Promise<number> {
  if (!(await claimRollups(tx, true))) return 0;
  // Nobody waits for it; all counts of a large workspace are looked at for dimensions with too many values.
  await tx.allowTime(60_000);
  await tx.run(sql`/* aggregates.foldDeltas */
    insert into nps_daily (workspace_id, generation, dimension, value, survey_key, day, ${COUNTER_NAMES})
    select workspace_id, generation, dimension, value, survey_key, day, ${eachCounter((score) => sumOf(score, sql`n`))}
    from nps_deltas cross join lateral ${DIMENSIONS}
    where workspace_id = ${tx.workspaceId} and id in ${oldestDeltas(tx)}
      -- Of another generation, or of a dimension that rows answer for, nobody asks.
      and generation = (select generation from nps_rollups where workspace_id = ${tx.workspaceId})
      and dimension not in (select dimension from nps_wide_dimensions where workspace_id = ${tx.workspaceId})
    group by 1, 2, 3, 4, 5, 6 order by 2, 3, 4, 5, 6
    on conflict (workspace_id, generation, dimension, value, survey_key, day) do update set
      ${eachCounter((_, name) => sql`${sql.identifier(name)} = nps_daily.${sql.identifier(name)} + excluded.${sql.identifier(name)}`)}`);
  const gone = await tx.run(sql`/* aggregates.deleteFolded */
    delete from nps_deltas where workspace_id = ${tx.workspaceId} and id in ${oldestDeltas(tx)} returning 1`);
  if (gone.length > 0) await dropWideDimensions(tx);
  return gone.length;
}

function sumOf(score: number, n: SQL): SQL {
  return sql`coalesce(sum(${n}) filter (where score = ${score}), 0)`;
}

/** Whether nobody else builds or folds the counts; until COMMIT it is ours. */
async function claimRollups(tx: WorkspaceTx, isReady: boolean): Promise<boolean> {
  const claimed = await tx.run(sql`/* aggregates.claimRollups */
    select 1 from nps_rollups where workspace_id = ${tx.workspaceId} and is_ready = ${isReady} for update skip locked`);
  return claimed.length > 0;
}

async function dropWideDimensions(tx: WorkspaceTx): Promise<void> {
  const wide = await tx.run<{ dimension: string }>(sql`/* aggregates.insertWideDimensions */
    insert into nps_wide_dimensions (workspace_id, dimension)
    select workspace_id, dimension from nps_daily where workspace_id = ${tx.workspaceId} and dimension <> ''
    group by workspace_id, dimension having count(distinct value) > ${VALUES_MAX} on conflict do nothing returning dimension`);
  if (wide.length === 0) return;
  const names = wide.map(({ dimension }) => dimension);
  await tx.run(sql`/* aggregates.dropWideDimensions */
    delete from nps_daily where workspace_id = ${tx.workspaceId} and dimension = ${anyOf("text", names)}`);
}

/**
 * Begins a new generation of the counts, in the workspace's time zone as it is now: writers of the old one
 * have ended, and those after it write for the new one.
 */
async function beginGeneration(tx: WorkspaceTx): Promise<void> {
  // Who builds or folds them holds this for long, and writers would wait behind us.
  await tx.run(sql`/* aggregates.claimToBegin */
    select 1 from nps_rollups where workspace_id = ${tx.workspaceId} for update nowait`);
  await awaitWriters(tx);
  await tx.run(sql`/* aggregates.beginGeneration */
    insert into nps_rollups (workspace_id, generation, time_zone, is_ready)
    select id, 1, time_zone, false from workspaces where id = ${tx.workspaceId}
    on conflict (workspace_id) do update
    set generation = nps_rollups.generation + 1, time_zone = excluded.time_zone, is_ready = false`);
}

/**
 * Counts all answers for the generation that has begun, in a snapshot: what writers have added meanwhile, and this
 * sees, it counts from the rows instead.
 */
async function buildGeneration(tx: WorkspaceTx): Promise<boolean> {
  if (!(await claimRollups(tx, false))) return false;
  // Of millions of answers it takes longer than a request may.
  await tx.allowTime(1_800_000);
  await tx.run(sql.raw(OWN_PLAN));
  await tx.run(sql`/* aggregates.forgetGenerations */ delete from nps_daily where workspace_id = ${tx.workspaceId}`);
  await tx.run(sql`/* aggregates.forgetWideDimensions */
    delete from nps_wide_dimensions where workspace_id = ${tx.workspaceId}`);
  await tx.run(sql`/* aggregates.forgetDeltas */ delete from nps_deltas where workspace_id = ${tx.workspaceId}`);
  await tx.run(sql`/* aggregates.buildGeneration */
    insert into nps_daily (workspace_id, generation, dimension, value, survey_key, day, ${COUNTER_NAMES})
    select nps_rollups.workspace_id, generation, dimension, value, survey_key, day_of(responded_at, time_zone),
      ${eachCounter((score) => sql`count(*) filter (where score = ${score})`)}
    from nps_rollups, responses cross join lateral ${DIMENSIONS}
    where nps_rollups.workspace_id = ${tx.workspaceId} and responses.workspace_id = ${tx.workspaceId}
      and exclusion_reason is null
    group by 1, 2, 3, 4, 5, 6`);
  await dropWideDimensions(tx);
  await tx.run(sql`/* aggregates.markReady */
    update nps_rollups set is_ready = true where workspace_id = ${tx.workspaceId}`);
  return true;
}

/** Workspaces whose counts are missing, or are of another time zone; of these ids where some are given. */
async function listToBuild(tx: SystemTx, ids?: string[]): Promise<{ workspaceId: string; isBegun: boolean }[]> {
  return tx.run(sql`/* aggregates.listRollupsToBuild */
    select workspaces.id as "workspaceId", coalesce(nps_rollups.time_zone = workspaces.time_zone, false) as "isBegun"
    from workspaces left join nps_rollups on nps_rollups.workspace_id = workspaces.id
    where (nps_rollups.time_zone is distinct from workspaces.time_zone or not nps_rollups.is_ready)
      ${ids === undefined ? sql`` : sql`and workspaces.id = any(${sql.param(ids)}::uuid[])`}
    limit ${WORKSPACES_PER_ROUND}`);
}

async function listToFold(tx: SystemTx, except: string[]): Promise<{ workspaceId: string }[]> {
  return tx.run(sql`/* aggregates.listRollupsToFold */
    select workspace_id as "workspaceId" from nps_rollups
    where is_ready and exists (select 1 from nps_deltas where nps_deltas.workspace_id = nps_rollups.workspace_id)
      and workspace_id <> all(${sql.param(except)}::uuid[])
    limit ${WORKSPACES_PER_ROUND}`);
}

function rollupJob(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "rollups" }, requestId: null };
}

/** Counts everything in these workspaces anew. Meanwhile rows answer. */
export async function rebuildRollups(tenancy: Tenancy, workspaceIds: readonly string[]): Promise<void> {
  for (const workspaceId of workspaceIds) {
    await tenancy.inWorkspace(rollupJob(workspaceId), beginGeneration);
    await tenancy.inWorkspace(rollupJob(workspaceId), buildGeneration, "SNAPSHOT");
  }
}

/** Workspaces whose counts are to be built. */
export async function findRollupsToBuild(tenancy: Tenancy): Promise<{ workspaceId: string }[]> {
  const found = await tenancy.acrossWorkspaces("find what is due", (tx) => listToBuild(tx));
  return found.map(({ workspaceId }) => ({ workspaceId }));
}

/**
 * Makes the counts of a workspace that has none in its time zone. Any number of workers may do so at once.
 * @returns how many generations were built: one, or none where it was done or another does it
 */
export async function buildRollups(tenancy: Tenancy, { workspaceId }: { workspaceId: string }): Promise<number> {
  const found = await tenancy.acrossWorkspaces("find what is due", (tx) => listToBuild(tx, [workspaceId]));
  let built = 0;
  for (const { isBegun } of found) {
    if (!isBegun) await tenancy.inWorkspace(rollupJob(workspaceId), beginGeneration);
    built += Number(await tenancy.inWorkspace(rollupJob(workspaceId), buildGeneration, "SNAPSHOT"));
  }
  return built;
}

/**
 * Folds what was appended. Any number of workers may do so at once. What stands in the way in one workspace holds up no
 * other.
 * @returns how many deltas were folded
 * @throws the first failure, once everything else is folded
 */
export async function foldRollups(tenancy: Tenancy): Promise<number> {
  let done = 0;
  const failures = new Failures();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const failed = failures.keys;
    let folded = 0;
    for (const { workspaceId } of await tenancy.acrossWorkspaces("find what is due", (tx) => listToFold(tx, failed))) {
      folded +=
        (await failures.keep(workspaceId, () => tenancy.inWorkspace(rollupJob(workspaceId), fold, "SNAPSHOT"))) ?? 0;
    }
    done += folded;
    if (folded === 0 && failures.keys.length === failed.length) break;
  }
  failures.end();
  return done;
}

/** Builds and folds all there is. @returns how many generations were built and deltas folded */
export async function maintainRollups(tenancy: Tenancy): Promise<number> {
  let built = 0;
  for (const workspace of await findRollupsToBuild(tenancy)) built += await buildRollups(tenancy, workspace);
  return built + (await foldRollups(tenancy));
}

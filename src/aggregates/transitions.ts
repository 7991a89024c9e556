import { sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, whereResponses } from "../responses/index.ts";
import {
  CATEGORIES,
  CATEGORY_SCORES,
  type Category,
  categoryOf,
  emptyDistribution,
  type Rate,
  rateOf,
  type Transitions,
} from "../scoring/index.ts";

function noTransitions(): Transitions {
  const row = () => ({ PROMOTER: 0, PASSIVE: 0, DETRACTOR: 0 });
  return { PROMOTER: row(), PASSIVE: row(), DETRACTOR: row() };
}

/** The people who are named by both filters, with their latest answer in each. */
export async function countPairs(
  tx: WorkspaceTx,
  baseline: ResponseFilter,
  current: ResponseFilter,
): Promise<{ transitions: Transitions; before: number[]; after: number[] }> {
  const latest = (filter: ResponseFilter) => sql`select distinct on (person_id) person_id, score from responses
    where ${whereResponses(tx.workspaceId, filter)} and person_id is not null
    order by person_id, responded_at desc, id desc`;
  const rows = await tx.run<{ before: number; after: number; n: number }>(sql`/* aggregates.countPairs */
    select earlier.score as before, later.score as after, count(*) as n
    from (${latest(baseline)}) as earlier join (${latest(current)}) as later using (person_id) group by 1, 2`);
  const [transitions, before, after] = [noTransitions(), emptyDistribution(), emptyDistribution()];
  for (const { n, ...scores } of rows) {
    transitions[categoryOf(scores.before)][categoryOf(scores.after)] += n;
    before[scores.before] = (before[scores.before] ?? 0) + n;
    after[scores.after] = (after[scores.after] ?? 0) + n;
  }
  return { transitions, before, after };
}

/** What became of people between their last two answers. */
export interface NpsTransitions {
  people: number;
  answeredOnce: number;
  cells: { from: Category; to: Category; people: number }[];
  recoveryRate: Rate;
  slippageRate: Rate;
}

/** Of each person the last two answers that the filter names; `before` is null for who answered once. */
function lastTwo(tx: WorkspaceTx, filter: ResponseFilter) {
  return sql`select person_id, max(score) filter (where place = 1) as latest, max(score) filter (where place = 2) as before,
      max(responded_at) as responded_at
    from (
      select person_id, score, responded_at,
        row_number() over (partition by person_id order by responded_at desc, id desc) as place
      from responses where ${whereResponses(tx.workspaceId, filter)} and person_id is not null
    ) as placed where place <= 2 group by person_id`;
}

export async function countTransitions(tx: WorkspaceTx, filter: ResponseFilter): Promise<NpsTransitions> {
  const rows = await tx.run<{ before: number | null; latest: number; n: number }>(sql`/* aggregates.countTransitions */
    select before, latest, count(*) as n from (${lastTwo(tx, filter)}) as answers group by 1, 2`);
  const transitions = noTransitions();
  let [people, answeredOnce] = [0, 0];
  for (const { before, latest, n } of rows) {
    people += n;
    if (before === null) answeredOnce += n;
    else transitions[categoryOf(before)][categoryOf(latest)] += n;
  }
  const cells = CATEGORIES.flatMap((from) => CATEGORIES.map((to) => ({ from, to, people: transitions[from][to] })));
  const movedFrom = (from: Category) => {
    const all = CATEGORIES.reduce((sum, to) => sum + transitions[from][to], 0);
    return rateOf(all - transitions[from][from], all);
  };
  return { people, answeredOnce, cells, recoveryRate: movedFrom("DETRACTOR"), slippageRate: movedFrom("PROMOTER") };
}

interface Move {
  from: Category;
  to: Category;
}

/** The ids of those who moved so, the latest answer first; one row more than `limit` where there are more. */
export async function listMovers(
  tx: WorkspaceTx,
  { from, to }: Move,
  filter: ResponseFilter,
  { limit, after }: { limit: number; after: Cursor | undefined },
): Promise<{ id: string; respondedAt: Date }[]> {
  const beyond =
    after === undefined ? sql`` : sql`and (responded_at, person_id) < (${after.value}::timestamptz, ${after.id}::uuid)`;
  return tx.run<{ id: string; respondedAt: Date }>(sql`/* aggregates.listMovers */
    select person_id as id, responded_at as "respondedAt" from (${lastTwo(tx, filter)}) as answers
    where ${isOf(from, "before")} and ${isOf(to, "latest")} ${beyond}
    order by responded_at desc, person_id desc limit ${limit + 1}`);
}

export async function countMovers(tx: WorkspaceTx, { from, to }: Move, filter: ResponseFilter): Promise<number> {
  const [row] = await tx.run<{ n: number }>(sql`/* aggregates.countMovers */
    select count(*) as n from (${lastTwo(tx, filter)}) as answers
    where ${isOf(from, "before")} and ${isOf(to, "latest")}`);
  return row?.n ?? 0;
}

function isOf(category: Category, column: "before" | "latest") {
  const { min, max } = CATEGORY_SCORES[category];
  return sql`${sql.identifier(column)} between ${min} and ${max}`;
}

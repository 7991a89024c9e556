import { and, asc, isNotNull, isNull, lte, notInArray, sql } from "drizzle-orm";
import { Failures } from "../platform/failures.ts";
import type { Caller, SystemTx, Tenancy } from "../platform/tenancy.ts";
import { announceCommitments, announceSteps } from "./announcing.ts";
import { caseClocks, caseCommitments } from "./table.ts";

/** One transaction of a sweep: small enough to be done in a moment, large enough to be worth one. */
const CASES_PER_BATCH_MAX = 100;
/** A sweep that has not caught up by then goes on the next time. */
const BATCHES_MAX = 1_000;

/** Cases of one workspace about which something is due. */
interface Due {
  workspaceId: string;
  caseIds: string[];
}

/**
 * Announces what is due by the database's clock: steps of first-contact clocks, and commitments. Any
 * number of workers may sweep at once: a case that one holds is passed over by the others, and a step that
 * was announced has its row. What stands in the way in one workspace holds up no other.
 * @returns how many cases something was announced about
 * @throws the first failure, once everything else is announced
 */
export async function sweep(tenancy: Tenancy): Promise<number> {
  let count = 0;
  const failures = new Failures();
  for (const [find, announce] of [
    [findDueClocks, announceSteps],
    [findDueCommitments, announceCommitments],
  ] as const) {
    for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
      const failed = failures.keys;
      const due = await tenancy.acrossWorkspaces("find what is due", (tx) => find(tx, failed));
      let announced = 0;
      for (const { workspaceId, caseIds } of due) {
        const turn = () => tenancy.inWorkspace(sweeper(workspaceId), (tx) => announce(tx, caseIds));
        announced += (await failures.keep(workspaceId, turn)) ?? 0;
      }
      count += announced;
      // What is left is being worked on by others.
      if (announced === 0 && failures.keys.length === failed.length) break;
    }
  }
  failures.end();
  return count;
}

function sweeper(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "sweep" }, requestId: null };
}

/** @param except workspaces that are left out */
export function dueClocksQuery(tx: SystemTx, except: string[] = []) {
  return tx.db
    .select({ workspaceId: caseClocks.workspaceId, caseId: caseClocks.caseId })
    .from(caseClocks)
    .where(
      and(
        isNotNull(caseClocks.nextStepAt),
        lte(caseClocks.nextStepAt, sql`now()`),
        notInArray(caseClocks.workspaceId, except),
      ),
    )
    .orderBy(asc(caseClocks.nextStepAt))
    .limit(CASES_PER_BATCH_MAX);
}

/** How long ago the next step of a clock was due that is not announced yet, in seconds; 0 where none is. */
export async function secondsSinceDue(tx: SystemTx): Promise<number> {
  const [row] = await tx.run<{ seconds: number }>(sql`/* cases.secondsSinceDue */
    select greatest(0, extract(epoch from now() - min(next_step_at)))::float8 as seconds
    from case_clocks where next_step_at is not null`);
  return row?.seconds ?? 0;
}

async function findDueClocks(tx: SystemTx, except: string[]): Promise<Due[]> {
  return byWorkspace(await dueClocksQuery(tx, except));
}

async function findDueCommitments(tx: SystemTx, except: string[]): Promise<Due[]> {
  return byWorkspace(
    await tx.db
      .select({ workspaceId: caseCommitments.workspaceId, caseId: caseCommitments.caseId })
      .from(caseCommitments)
      .where(
        and(
          isNull(caseCommitments.kept),
          isNull(caseCommitments.announcedAt),
          lte(caseCommitments.dueAt, sql`now()`),
          notInArray(caseCommitments.workspaceId, except),
        ),
      )
      .orderBy(asc(caseCommitments.dueAt))
      .limit(CASES_PER_BATCH_MAX),
  );
}

function byWorkspace(rows: readonly { workspaceId: string; caseId: string }[]): Due[] {
  const grouped = Map.groupBy(rows, ({ workspaceId }) => workspaceId);
  return [...grouped].map(([workspaceId, own]) => ({
    workspaceId,
    caseIds: [...new Set(own.map(({ caseId }) => caseId))],
  }));
}

import { and, eq, isNull, lte, sql } from "drizzle-orm";
import { recordEvents } from "../platform/events.ts";
import { anyOf, newRows } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { NewActivity } from "./activity.ts";
import { commitmentDue } from "./events.ts";
import { eventOfStep, type Step, takeSteps } from "./firstContact.ts";
import { loadPolicies } from "./policyStore.ts";
import { listCasesById } from "./reading.ts";
import { caseCommitments } from "./table.ts";
import { draftOf, writeDrafts } from "./writeDrafts.ts";
import { idsOf, lockCases } from "./writes.ts";

/** Announces the steps of first-contact clocks that are due. @returns how many cases were looked at */
export async function announceSteps(tx: WorkspaceTx, caseIds: readonly string[]): Promise<number> {
  const rows = await lockCases(tx, idsOf(caseIds), { skipLocked: true });
  const policies = await loadPolicies(tx, idsOf(caseIds));
  const taken = rows.map((before) => {
    const policy = policies.of(before.policyVersion);
    const clocks = before.clocks.map((clock) => ({ n: clock.n, ...takeSteps(clock, policy, tx.now) }));
    const steps = clocks.flatMap(({ n, steps: due }) => due.map((step) => ({ caseId: before.id, n, ...step })));
    return { before, row: { ...before, clocks: clocks.map(({ clock }) => clock) }, steps };
  });
  const fresh = await insertSteps(
    tx,
    taken.flatMap(({ steps }) => steps),
  );
  await writeDrafts(
    tx,
    taken.map(({ before, row, steps }) => {
      const news = steps.filter((step) => fresh.has(keyOf(step)));
      const events = news.map(({ percent }) => eventOfStep(percent));
      return draftOf(before, { row, activities: news.map(toActivity), events });
    }),
  );
  return rows.length;
}

interface ClockStep extends Step {
  caseId: string;
  n: number;
}

function toActivity({ n, percent, reachedAt }: ClockStep): NewActivity {
  // It was so from then on; that we say it later is seen by when it was recorded.
  return { type: ACTIVITY_OF[eventOfStep(percent)], occurredAt: reachedAt, details: { clock: n, percent } };
}

const ACTIVITY_OF = {
  "case.first_contact_due_soon": "FIRST_CONTACT_DUE_SOON",
  "case.first_contact_missed": "FIRST_CONTACT_MISSED",
  "case.escalated": "ESCALATED",
} as const;

function keyOf({ caseId, n, percent }: { caseId: string; n: number; percent: number }): string {
  return `${caseId} ${n} ${percent}`;
}

/** Claims the steps: each is announced by whoever wrote its row. */
async function insertSteps(tx: WorkspaceTx, steps: readonly ClockStep[]): Promise<ReadonlySet<string>> {
  if (steps.length === 0) return new Set();
  const inserted = await tx.run<{ caseId: string; n: number; percent: number }>(sql`/* cases.insertClockSteps */
    insert into case_clock_steps (workspace_id, case_id, n, percent, announced_at)
    select workspace_id, case_id, n, percent, ${tx.now}
    from ${newRows(tx.workspaceId, {
      case_id: ["uuid", steps.map(({ caseId }) => caseId)],
      n: ["integer", steps.map(({ n }) => n)],
      percent: ["integer", steps.map(({ percent }) => percent)],
    })} order by case_id, n, percent
    on conflict do nothing returning case_id as "caseId", n, percent`);
  return new Set(inserted.map(keyOf));
}

/** Announces the commitments that are due. @returns how many cases have one */
export async function announceCommitments(tx: WorkspaceTx, caseIds: readonly string[]): Promise<number> {
  const rows = await lockCases(tx, idsOf(caseIds), { skipLocked: true });
  const locked = rows.map(({ id }) => id);
  const due = await tx.db
    .update(caseCommitments)
    .set({ announcedAt: tx.now })
    .where(
      and(
        eq(caseCommitments.workspaceId, tx.workspaceId),
        sql`${caseCommitments.caseId} = ${anyOf("uuid", locked)}`,
        isNull(caseCommitments.kept),
        isNull(caseCommitments.announcedAt),
        lte(caseCommitments.dueAt, tx.now),
      ),
    )
    .returning({
      caseId: caseCommitments.caseId,
      id: caseCommitments.id,
      dueOn: caseCommitments.dueOn,
      // Years before ours, which were taken once, are none that a time of ours can say.
      dueAt: sql<Date>`greatest(${caseCommitments.dueAt}, timestamptz 'epoch')`.mapWith(caseCommitments.dueAt),
    });
  const ofCase = Map.groupBy(due, ({ caseId }) => caseId);
  await writeDrafts(
    tx,
    rows.map((row) => {
      const activities = (ofCase.get(row.id) ?? []).map(({ id, dueOn, dueAt }): NewActivity => {
        return { type: "COMMITMENT_DUE", occurredAt: dueAt, details: { commitmentId: id, dueOn } };
      });
      return draftOf(row, { activities });
    }),
  );
  const told = new Map((await listCasesById(tx, [...ofCase.keys()])).map((found) => [found.id, found]));
  await recordEvents(
    tx,
    due.flatMap(({ caseId, id }) => {
      const found = told.get(caseId);
      return found === undefined ? [] : [commitmentDue(found, id)];
    }),
  );
  return ofCase.size;
}

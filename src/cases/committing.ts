import { and, eq, sql } from "drizzle-orm";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { changeCase, type Target } from "./changing.ts";
import type { Case } from "./model.ts";
import { caseCommitments } from "./table.ts";

/** A day before is a mistake, and the first of all may begin, in some time zones, before our era. */
const DUE_MIN = "1970-01-01";

/** Records what was promised to the customer; it is due when its day begins in the workspace's time zone. @throws {AppError} `invalid_request` */
export async function addCommitment(
  tx: WorkspaceTx,
  target: Target,
  { text, dueOn }: { text: string; dueOn: string },
): Promise<Case> {
  if (dueOn < DUE_MIN) throw invalidRequest([{ name: "dueOn", reason: `must be ${DUE_MIN} or later` }]);
  return changeCase(tx, target, async (row) => {
    const id = newId();
    await tx.run(sql`/* cases.insertCommitment */
      insert into case_commitments (workspace_id, case_id, id, text, due_on, due_at)
      select id, ${row.id}, ${id}, ${text}, ${dueOn}, begin_of_day(${dueOn}, time_zone)
      from workspaces where id = ${tx.workspaceId}`);
    return { activities: [{ type: "COMMITMENT_MADE", text, details: { commitmentId: id, dueOn } }] };
  });
}

/** Says whether a promise was kept; can be corrected. @throws {AppError} `not_found` for a commitment of no such id */
export async function settleCommitment(
  tx: WorkspaceTx,
  target: Target,
  { commitmentId, kept }: { commitmentId: string; kept: boolean },
): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    const isIt = and(
      eq(caseCommitments.workspaceId, tx.workspaceId),
      eq(caseCommitments.caseId, row.id),
      eq(caseCommitments.id, commitmentId),
    );
    const [found] = await tx.db.select({ kept: caseCommitments.kept }).from(caseCommitments).where(isIt);
    if (found === undefined) throw new AppError("not_found", "The case has no commitment with this id.");
    if (found.kept === kept) return {};
    await tx.db.update(caseCommitments).set({ kept }).where(isIt);
    return { activities: [{ type: "COMMITMENT_SETTLED", details: { commitmentId, kept } }] };
  });
}

import { sql } from "drizzle-orm";
import { newRows } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** What a person was told is the shell's: how many were told stays. */
export async function eraseTold(tx: WorkspaceTx, personId: string, shellId: string): Promise<{ told: number }> {
  const told = await tx.run<{ improvementId: string; toldAt: Date; toldBy: string }>(sql`/* causes.deleteTold */
    delete from improvement_told where workspace_id = ${tx.workspaceId} and person_id = ${personId}
    returning improvement_id as "improvementId", told_at as "toldAt", told_by as "toldBy"`);
  await tx.run(sql`/* causes.eraseTold */
    insert into improvement_told (workspace_id, improvement_id, person_id, told_at, told_by)
    select workspace_id, improvement_id, ${shellId}, told_at, told_by
    from ${newRows(tx.workspaceId, {
      improvement_id: ["uuid", told.map(({ improvementId }) => improvementId)],
      told_at: ["timestamptz", told.map(({ toldAt }) => toldAt)],
      told_by: ["text", told.map(({ toldBy }) => toldBy)],
    })}`);
  return { told: told.length };
}

/** What a person was told, for an export of what is held about them. */
export async function listTold(tx: WorkspaceTx, personId: string): Promise<object[]> {
  return tx.run(sql`/* causes.listTold */
    select improvement_id as "improvementId", title, told_at as "toldAt", told_by as "toldBy"
    from improvement_told
    join improvements on improvements.workspace_id = ${tx.workspaceId} and improvements.id = improvement_id
    where improvement_told.workspace_id = ${tx.workspaceId} and person_id = ${personId} order by told_at, improvement_id`);
}

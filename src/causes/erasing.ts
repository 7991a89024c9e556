import { sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** What a person was told is the shell's: how many were told stays. */
export async function eraseTold(tx: WorkspaceTx, personId: string, shellId: string): Promise<{ told: number }> {
  const moved = await tx.run(sql`/* causes.eraseTold */
    with gone as (
      delete from improvement_told where workspace_id = ${tx.workspaceId} and person_id = ${personId}
      returning improvement_id, told_at, told_by
    )
    insert into improvement_told (workspace_id, improvement_id, person_id, told_at, told_by)
    select ${tx.workspaceId}, improvement_id, ${shellId}, told_at, told_by from gone returning improvement_id`);
  return { told: moved.length };
}

/** What a person was told, for an export of what is held about them. */
export async function listTold(tx: WorkspaceTx, personId: string): Promise<object[]> {
  return tx.run(sql`/* causes.listTold */
    select improvement_id as "improvementId", title, told_at as "toldAt", told_by as "toldBy"
    from improvement_told
    join improvements on improvements.workspace_id = improvement_told.workspace_id and improvements.id = improvement_id
    where improvement_told.workspace_id = ${tx.workspaceId} and person_id = ${personId} order by told_at, improvement_id`);
}

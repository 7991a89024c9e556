import { statement } from "./statement.ts";
import type { WorkspaceTx } from "./tenancy.ts";

/** Its name is from when only counts by day went by it; processes of before know no other. */
const nameOf = (workspaceId: string) => `nps_rollups ${workspaceId}`;

/**
 * Whoever records or changes answers of a workspace shares this lock until the transaction ends. What they go by and do
 * not lock, be it the rules of themes or the generation of the counts, is as it was read until then.
 */
export async function shareAsWriter(tx: WorkspaceTx): Promise<void> {
  await tx.prepared(statement`/* platform.shareAsWriter */
    select pg_advisory_xact_lock_shared(hashtextextended(${nameOf(tx.workspaceId)}, 0))`);
}

/** When it is there everybody who was writing has ended, and nobody begins before this transaction has ended too. */
export async function awaitWriters(tx: WorkspaceTx): Promise<void> {
  await tx.run(statement`/* platform.awaitWriters */
    select pg_advisory_xact_lock(hashtextextended(${nameOf(tx.workspaceId)}, 0))`);
}

/** The same as a statement, for who is in no transaction of ours. */
export function awaitingWriters(workspaceId: string): { text: string; values: string[] } {
  return { text: "select pg_advisory_xact_lock(hashtextextended($1, 0))", values: [nameOf(workspaceId)] };
}

import { sql } from "drizzle-orm";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** Its name is from when only counts by day went by it; processes of before know no other. */
const nameOf = ({ workspaceId }: WorkspaceTx) => `nps_rollups ${workspaceId}`;

/**
 * Whoever records or changes answers of a workspace shares this lock until the transaction ends. What they go by and do
 * not lock, be it the rules of themes or the generation of the counts, is as it was read until then.
 */
export async function shareAsWriter(tx: WorkspaceTx): Promise<void> {
  await tx.prepared(
    statement`/* responses.shareAsWriter */ select pg_advisory_xact_lock_shared(hashtextextended(${nameOf(tx)}, 0))`,
  );
}

/** When it is there everybody who was writing has ended, and nobody begins before this transaction has ended too. */
export async function awaitWriters(tx: WorkspaceTx): Promise<void> {
  await tx.run(sql`/* responses.awaitWriters */ select pg_advisory_xact_lock(hashtextextended(${nameOf(tx)}, 0))`);
}

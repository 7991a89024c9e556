import { sql } from "drizzle-orm";
import { Failures } from "./failures.ts";
import { ANSWERS_KEPT_MS } from "./idempotency.ts";
import type { Caller, Tenancy, WorkspaceTx } from "./tenancy.ts";

/** One transaction: small, so that nothing waits for it. */
const ANSWERS_PER_STEP = 1_000;

/**
 * Deletes the answers that were kept for an `Idempotency-Key`, when that is honoured no longer: they name people. Any
 * number of workers may do it at once. What stands in the way in one workspace holds up no other.
 * @returns how many
 * @throws the first failure, once everything else is deleted
 */
export async function forgetKeptAnswers(tenancy: Tenancy, workspaceIds: readonly string[]): Promise<number> {
  let count = 0;
  const failures = new Failures();
  for (const workspaceId of workspaceIds) {
    const caller: Caller = { workspaceId, actor: { kind: "job", id: "forget-answers" }, requestId: null };
    await failures.keep(workspaceId, async () => {
      for (;;) {
        const gone = await tenancy.inWorkspace(caller, removeSome);
        count += gone;
        if (gone < ANSWERS_PER_STEP) break;
      }
    });
  }
  failures.end();
  return count;
}

async function removeSome(tx: WorkspaceTx): Promise<number> {
  const before = new Date(tx.now.getTime() - ANSWERS_KEPT_MS);
  const gone = await tx.run(sql`/* platform.removeKeptAnswers */
    delete from idempotency_keys where workspace_id = ${tx.workspaceId} and created_at <= ${before}
      and (route, key) in (
        select route, key from idempotency_keys where workspace_id = ${tx.workspaceId} and created_at <= ${before}
        order by created_at limit ${ANSWERS_PER_STEP} for update skip locked)
    returning key`);
  return gone.length;
}

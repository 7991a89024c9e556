import { count } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, responses, whereResponses } from "../responses/index.ts";
import { emptyDistribution } from "../scoring/index.ts";

/** How many of the responses have each score: 11 counts, scores 0 to 10. */
export async function countScores(tx: WorkspaceTx, filter: ResponseFilter): Promise<number[]> {
  const rows = await tx.db
    .select({ score: responses.score, count: count() })
    .from(responses)
    .where(whereResponses(tx.workspaceId, filter))
    .groupBy(responses.score);
  const distribution = emptyDistribution();
  for (const row of rows) distribution[row.score] = row.count;
  return distribution;
}

import { and, eq, sql } from "drizzle-orm";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Survey, SurveyKind } from "./model.ts";
import { surveys } from "./table.ts";

export async function listSurveys(tx: WorkspaceTx, keys: readonly string[]): Promise<Survey[]> {
  if (keys.length === 0) return [];
  return tx.db
    .select({ key: surveys.key, kind: surveys.kind, name: surveys.name, question: surveys.question })
    .from(surveys)
    .where(and(eq(surveys.workspaceId, tx.workspaceId), sql`${surveys.key} = ${anyOf("text", keys)}`));
}

/** Inserts those that nobody else inserted meanwhile. */
export async function insertSurveys(
  tx: WorkspaceTx,
  rows: readonly { key: string; kind: SurveyKind }[],
): Promise<void> {
  await tx.run(sql`/* surveys.insertSurveys */
    insert into surveys (workspace_id, key, kind, created_at, updated_at)
    select ${tx.workspaceId}, key, kind, ${tx.now}, ${tx.now}
    from ${unnest({ key: ["text", rows.map(({ key }) => key)], kind: ["text", rows.map(({ kind }) => kind)] })}
    order by key on conflict do nothing`);
}

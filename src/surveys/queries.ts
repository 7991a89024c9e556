import { and, eq, sql } from "drizzle-orm";
import { anyOf, newRows, selected } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Survey, SurveyKind } from "./model.ts";
import { surveys } from "./table.ts";

const survey = { key: surveys.key, kind: surveys.kind, name: surveys.name, question: surveys.question };
const SURVEY = selected(survey);

export async function listSurveys(tx: WorkspaceTx, keys: readonly string[]): Promise<Survey[]> {
  if (keys.length === 0) return [];
  return tx.prepared(statement`/* surveys.listSurveys */
    select ${SURVEY} from surveys where workspace_id = ${tx.workspaceId} and key = ${anyOf("text", keys)}`);
}

/** Inserts those that nobody else inserted meanwhile, with the next flush. */
export function insertSurveys(tx: WorkspaceTx, rows: readonly { key: string; kind: SurveyKind }[]): void {
  tx.later(statement`/* surveys.insertSurveys */
    insert into surveys (workspace_id, key, kind, created_at, updated_at)
    select workspace_id, key, kind, ${tx.now}, ${tx.now}
    from ${newRows(tx.workspaceId, { key: ["text", rows.map(({ key }) => key)], kind: ["text", rows.map(({ kind }) => kind)] })}
    order by key on conflict do nothing`);
}

/** In the order of their keys, from after `after`; one row more than `limit` where there are more. */
export async function listSurveysPage(tx: WorkspaceTx, limit: number, after: string | undefined): Promise<Survey[]> {
  return tx.db
    .select(survey)
    .from(surveys)
    .where(and(eq(surveys.workspaceId, tx.workspaceId), after === undefined ? undefined : sql`${byKey} > ${after}`))
    .orderBy(byKey)
    .limit(limit + 1);
}

/** The same order on every server, whatever its language. */
const byKey = sql`${surveys.key} collate "C"`;

export async function updateSurvey(tx: WorkspaceTx, key: string, change: Partial<Survey>): Promise<void> {
  await tx.db
    .update(surveys)
    .set({ ...change, updatedAt: tx.now })
    .where(and(eq(surveys.workspaceId, tx.workspaceId), eq(surveys.key, key)));
}

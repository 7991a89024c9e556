import { sql } from "drizzle-orm";
import { newId } from "../platform/ids.ts";
import { pagesOf } from "../platform/pages.ts";
import { anyOf, newRows } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { ACTIVITIES_SHOWN_MAX, type Activity, type NewActivity } from "./activity.ts";
import type { caseActivities } from "./table.ts";

/**
 * Writes what happened, with the next flush; `version` is the case's, with this change.
 * @returns the same as it will be read
 */
export function insertActivities(
  tx: WorkspaceTx,
  activities: readonly (NewActivity & { caseId: string; version: number })[],
): ListedActivity[] {
  if (activities.length === 0) return [];
  const rows = activities.map(
    ({ caseId, version, type, occurredAt = tx.now, text = null, details = {} }): Row => ({
      workspaceId: tx.workspaceId,
      caseId,
      version,
      id: newId(),
      type,
      actorKind: tx.actor.kind,
      actorId: tx.actor.id,
      occurredAt,
      recordedAt: tx.now,
      text,
      details,
    }),
  );
  tx.later(statement`/* cases.insertActivities */
    insert into case_activities (workspace_id, case_id, version, id, type, actor_kind, actor_id, occurred_at, recorded_at, text, details)
    select workspace_id, case_id, version, id, type, ${tx.actor.kind}, ${tx.actor.id}, occurred_at, ${tx.now}, text, details
    from ${newRows(tx.workspaceId, {
      case_id: ["uuid", rows.map(({ caseId }) => caseId)],
      version: ["integer", rows.map(({ version }) => version)],
      id: ["uuid", rows.map(({ id }) => id)],
      type: ["text", rows.map(({ type }) => type)],
      occurred_at: ["timestamptz", rows.map(({ occurredAt }) => occurredAt)],
      text: ["text", rows.map(({ text }) => text)],
      details: ["jsonb", rows.map(({ details }) => JSON.stringify(details))],
    })}`);
  return rows.map(toListed);
}

type Row = typeof caseActivities.$inferSelect;

/** An activity, with whose it is and its place: the case's version that it made. */
export interface ListedActivity {
  caseId: string;
  version: number;
  activity: Activity;
}

const COLUMNS = sql`case_id as "caseId", version, id, type, actor_kind as "actorKind", actor_id as "actorId",
  occurred_at as "occurredAt", recorded_at as "recordedAt", text, details`;

/** Of each of these cases the latest activities, oldest first. */
export async function listLatestActivities(tx: WorkspaceTx, caseIds: readonly string[]): Promise<ListedActivity[]> {
  if (caseIds.length === 0) return [];
  const rows = await tx.run<Row>(sql`/* cases.listLatestActivities */
    select latest.* from unnest(${sql.param(caseIds)}::uuid[]) as wanted (id)
    cross join lateral (
      select ${COLUMNS} from case_activities
      where workspace_id = ${tx.workspaceId} and case_id = wanted.id
      order by case_activities.version desc, case_activities.id desc limit ${ACTIVITIES_SHOWN_MAX}
    ) as latest order by latest.version, latest.id`);
  return rows.map(toListed);
}

/** Of one case, oldest first, after this place; one row more than `limit` where there are more. */
export async function listActivitiesPage(
  tx: WorkspaceTx,
  caseId: string,
  { limit, after }: { limit: number; after?: { version: number; id: string } | undefined },
): Promise<ListedActivity[]> {
  const beyond = after === undefined ? sql`` : sql`and (version, id) > (${after.version}::integer, ${after.id}::uuid)`;
  const rows = await tx.run<Row>(sql`/* cases.listActivitiesPage */
    select ${COLUMNS} from case_activities where workspace_id = ${tx.workspaceId} and case_id = ${caseId} ${beyond}
    order by case_activities.version, case_activities.id limit ${limit + 1}`);
  return rows.map(toListed);
}

/** Of all cases, or of these, case by case and oldest first, so many at a time. */
export async function* pagesOfActivities(
  tx: WorkspaceTx,
  caseIds: readonly string[] | undefined,
  size: number,
): AsyncGenerator<ListedActivity[]> {
  const ofThese = caseIds === undefined ? sql`` : sql`and case_id = ${anyOf("uuid", caseIds)}`;
  const all = sql`select ${COLUMNS} from case_activities where workspace_id = ${tx.workspaceId} ${ofThese}
    order by case_activities.case_id, case_activities.version, case_activities.id`;
  for await (const page of pagesOf<Row>(tx, all, size)) yield page.map(toListed);
}

function toListed(row: Row): ListedActivity {
  return {
    caseId: row.caseId,
    version: row.version,
    activity: {
      id: row.id,
      type: row.type,
      actor: { kind: row.actorKind, id: row.actorId },
      occurredAt: row.occurredAt.toISOString(),
      recordedAt: row.recordedAt.toISOString(),
      text: row.text,
      details: row.details,
    },
  };
}

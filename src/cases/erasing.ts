import { sql } from "drizzle-orm";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** A person's cases, locked until the transaction ends. */
export async function lockCasesOf(tx: WorkspaceTx, personId: string): Promise<string[]> {
  return listCaseIdsOf(tx, personId, sql`for no key update`);
}

export async function listCaseIdsOf(tx: WorkspaceTx, personId: string, locking = sql``): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* cases.listCaseIdsOf */
    select id from cases where workspace_id = ${tx.workspaceId} and person_id = ${personId} order by id ${locking}`);
  return rows.map(({ id }) => id);
}

/**
 * Takes from these cases everything that somebody wrote, and the tickets; they become the shell's. Status, clocks, times
 * and outcome stay, so no figure moves.
 */
export async function eraseCases(tx: WorkspaceTx, ids: readonly string[], shellId: string) {
  if (ids.length === 0) return { cases: 0, activities: 0, commitments: 0, references: 0 };
  const ofThese = sql`workspace_id = ${tx.workspaceId} and case_id = ${anyOf("uuid", ids)}`;
  await tx.run(sql`/* cases.eraseCases */
    update cases set person_id = ${shellId}, resolution = null, version = version + 1, updated_at = ${tx.now}
    where workspace_id = ${tx.workspaceId} and id = ${anyOf("uuid", ids)}`);
  const activities = await tx.run(sql`/* cases.eraseActivities */
    update case_activities set text = null, details = details - 'externalId' where ${ofThese} returning id`);
  const commitments = await tx.run(sql`/* cases.eraseCommitments */
    update case_commitments set text = '' where ${ofThese} returning id`);
  const references = await tx.run(sql`/* cases.eraseReferences */
    delete from case_references where ${ofThese} returning case_id`);
  return {
    cases: ids.length,
    activities: activities.length,
    commitments: commitments.length,
    references: references.length,
  };
}

/** What was written in cases, for an export of what is held about a person. */
export async function listWritten(tx: WorkspaceTx, ids: readonly string[]) {
  const ofThese = sql`workspace_id = ${tx.workspaceId} and case_id = ${anyOf("uuid", ids)}`;
  const activities = await tx.run<object>(sql`/* cases.listActivitiesOf */
    select case_id as "caseId", id, type, actor_kind as "actorKind", actor_id as "actorId", occurred_at as "occurredAt",
      recorded_at as "recordedAt", text, details
    from case_activities where ${ofThese} order by case_id, version, id`);
  const commitments = await tx.run<object>(sql`/* cases.listCommitmentsOf */
    select case_id as "caseId", id, text, due_on as "dueOn", kept from case_commitments where ${ofThese} order by case_id, id`);
  const references = await tx.run<object>(sql`/* cases.listReferencesOf */
    select case_id as "caseId", system, external_id as "externalId", url from case_references where ${ofThese}
    order by case_id, system`);
  return { activities, commitments, references };
}

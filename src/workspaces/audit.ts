import { newId } from "../platform/ids.ts";
import { newRows } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** One change: what was done to what. `before` and `after` carry no personal data. */
export interface AuditEntry {
  /** `case.opened`, `api_key.created`, … */
  action: string;
  subjectType: string;
  subjectId: string;
  before?: object;
  after?: object;
}

/** Writes who changed what, in the transaction of the change. */
export async function recordAudit(tx: WorkspaceTx, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
  tx.later(statement`/* workspaces.insertAudit */
    insert into audit_log (workspace_id, id, occurred_at, actor_kind, actor_id, action, subject_type, subject_id, before, after, request_id)
    select workspace_id, id, ${tx.now}, ${tx.actor.kind}, ${tx.actor.id}, action, subject_type, subject_id, before, after, ${tx.requestId}
    from ${newRows(tx.workspaceId, {
      id: ["uuid", entries.map(() => newId())],
      action: ["text", entries.map(({ action }) => action)],
      subject_type: ["text", entries.map(({ subjectType }) => subjectType)],
      subject_id: ["text", entries.map(({ subjectId }) => subjectId)],
      before: ["jsonb", entries.map(({ before }) => json(before))],
      after: ["jsonb", entries.map(({ after }) => json(after))],
    })}`);
}

import { and, desc, eq, gte, inArray, lt, sql } from "drizzle-orm";
import type { Cursor } from "../platform/pagination.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type AuditRow, auditLog } from "./table.ts";

/** Each list means any of its values; what is absent or undefined asks for nothing. `from` ≤ its time < `to`. */
export interface AuditFilter {
  subjectType?: string[] | undefined;
  subjectId?: string[] | undefined;
  action?: string[] | undefined;
  actorId?: string[] | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  after?: Cursor | undefined;
  limit: number;
}

/** Newest first; one row more than `limit` where there are more. */
export async function listAudit(tx: WorkspaceTx, filter: AuditFilter): Promise<AuditRow[]> {
  const { subjectType, subjectId, action, actorId, from, to, after, limit } = filter;
  return tx.db
    .select()
    .from(auditLog)
    .where(
      and(
        eq(auditLog.workspaceId, tx.workspaceId),
        subjectType && inArray(auditLog.subjectType, subjectType),
        subjectId && inArray(auditLog.subjectId, subjectId),
        action && inArray(auditLog.action, action),
        actorId && inArray(auditLog.actorId, actorId),
        from && gte(auditLog.occurredAt, from),
        to && lt(auditLog.occurredAt, to),
        after && sql`(${auditLog.occurredAt}, ${auditLog.id}) < (${after.value}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(auditLog.occurredAt), desc(auditLog.id))
    .limit(limit + 1);
}

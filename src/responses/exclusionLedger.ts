import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { newId } from "../platform/ids.ts";
import { anyOf, newRows } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import type { ExclusionRecord } from "./model.ts";
import type { ResponseRow } from "./table.ts";
import { responseExclusions } from "./table.ts";

/** A response whose exclusion is another than before; `before` is null for a new one. */
export interface ExclusionChange {
  before: ResponseRow | null;
  after: ResponseRow;
}

/** Writes what was taken out of the aggregates or put back in, and who did it, where anything was: what begins with the next flush. */
export async function recordExclusions(tx: WorkspaceTx, all: readonly ExclusionChange[]): Promise<void> {
  const changes = all.filter(
    ({ before, after }) => reasonOf(before) !== reasonOf(after) || before?.exclusionNote !== after.exclusionNote,
  );
  const ended = changes.flatMap(({ before }) => (before !== null && before.exclusionReason !== null ? before.id : []));
  const begun = changes.flatMap(({ after }) => (after.exclusionReason === null ? [] : after));
  if (ended.length + begun.length === 0) return;
  if (ended.length > 0) {
    // What was put off may be the beginning of what ends here.
    await tx.flush();
    await tx.db
      .update(responseExclusions)
      .set({ includedAt: tx.now, includedBy: actorOf(tx) })
      .where(
        and(
          eq(responseExclusions.workspaceId, tx.workspaceId),
          sql`${responseExclusions.responseId} = ${anyOf("uuid", ended)}`,
          isNull(responseExclusions.includedAt),
        ),
      );
  }
  tx.later(statement`/* responses.insertExclusions */
    insert into response_exclusions (workspace_id, response_id, id, reason, note, excluded_at, excluded_by)
    select workspace_id, response_id, id, reason, note, ${tx.now}, ${actorOf(tx)}
    from ${newRows(tx.workspaceId, {
      response_id: ["uuid", begun.map(({ id }) => id)],
      id: ["uuid", begun.map(() => newId())],
      reason: ["text", begun.map(({ exclusionReason }) => exclusionReason)],
      note: ["text", begun.map(({ exclusionNote }) => exclusionNote)],
    })}`);
  await recordAudit(
    tx,
    changes.map(({ before, after }) => ({
      action: after.exclusionReason === null ? "response.included" : "response.excluded",
      subjectType: "response",
      subjectId: after.id,
      before: { exclusion: reasonOf(before) },
      after: { exclusion: reasonOf(after) },
    })),
  );
}

function reasonOf(row: ResponseRow | null): string | null {
  return row?.exclusionReason ?? null;
}

function actorOf({ actor }: WorkspaceTx): string {
  return `${actor.kind}:${actor.id}`;
}

/** Of each of these responses everything that was done about it, oldest first. */
export async function listExclusions(
  tx: WorkspaceTx,
  responseIds: readonly string[],
): Promise<Map<string, ExclusionRecord[]>> {
  const rows = await tx.db
    .select()
    .from(responseExclusions)
    .where(
      and(
        eq(responseExclusions.workspaceId, tx.workspaceId),
        sql`${responseExclusions.responseId} = ${anyOf("uuid", responseIds)}`,
      ),
    )
    .orderBy(asc(responseExclusions.id));
  const byResponse = Map.groupBy(rows, ({ responseId }) => responseId);
  return new Map(
    [...byResponse].map(([id, own]) => [
      id,
      own.map(({ reason, note, excludedAt, excludedBy, includedAt, includedBy }) => ({
        reason,
        note,
        excludedAt: excludedAt.toISOString(),
        excludedBy,
        includedAt: includedAt?.toISOString() ?? null,
        includedBy,
      })),
    ]),
  );
}

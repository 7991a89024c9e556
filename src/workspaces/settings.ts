import { invalidRequest } from "../platform/errors.ts";
import { canonicalJson, mergePatch } from "../platform/json.ts";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "./audit.ts";
import type { WorkspacePatch, WorkspaceSettings } from "./model.ts";
import { isKnownTimeZone, lockSettings, updateSettings } from "./queries.ts";
import type { workspaces } from "./table.ts";

type WorkspaceRow = typeof workspaces.$inferSelect;

/**
 * Changes the settings of the workspace. In another time zone the days of every figure begin at another time, of the
 * past too: they are counted anew in the background.
 * @throws {AppError} `invalid_request` for a time zone that is unknown
 */
export async function changeWorkspace(
  tx: WorkspaceTx,
  { name, timeZone, retention }: WorkspacePatch,
): Promise<WorkspaceSettings> {
  const before = await lockSettings(tx);
  const after = {
    ...before,
    name: name?.trim() ?? before.name,
    timeZone: timeZone ?? before.timeZone,
    retention: mergePatch(before.retention, retention),
  };
  if (after.timeZone !== before.timeZone) await requireTimeZone(tx, after.timeZone);
  if (canonicalJson(after) === canonicalJson(before)) return showWorkspace(before);
  await updateSettings(tx, after);
  await recordAudit(tx, [
    {
      action: "workspace.changed",
      subjectType: "workspace",
      subjectId: tx.workspaceId,
      before: factsOf(before),
      after: factsOf(after),
    },
  ]);
  return showWorkspace(after);
}

/** PostgreSQL decides, which counts by them. @throws {AppError} `invalid_request` naming `timeZone` */
export async function requireTimeZone(tx: SystemTx | WorkspaceTx, timeZone: string): Promise<void> {
  if (await isKnownTimeZone(tx, timeZone)) return;
  throw invalidRequest([{ name: "timeZone", reason: "must be an IANA time zone, like Europe/Berlin" }]);
}

/** The workspace as callers see it. */
export function showWorkspace({ id, name, timeZone, retention, createdAt }: WorkspaceRow): WorkspaceSettings {
  const { commentDays = null, identityDays = null, receiptDays = null, deliveryDays = null } = retention;
  return {
    id,
    name,
    timeZone,
    retention: { commentDays, identityDays, receiptDays, deliveryDays },
    createdAt: createdAt.toISOString(),
  };
}

function factsOf({ name, timeZone, retention }: WorkspaceRow) {
  return { name, timeZone, retention };
}

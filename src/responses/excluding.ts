import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordExclusions } from "./exclusionLedger.ts";
import type { ExclusionInput } from "./model.ts";
import { exclusionFor } from "./service.ts";
import { lockResponses, updateResponses } from "./writes.ts";

/**
 * Gives responses that are out of every aggregate the reason for which they were out where they come
 * from, by id. They stay out, so no count changes and nobody is told.
 */
export async function restoreExclusions(
  tx: WorkspaceTx,
  exclusions: ReadonlyMap<string, ExclusionInput>,
): Promise<void> {
  if (exclusions.size === 0) return;
  const changes = (await lockResponses(tx, [...exclusions.keys()])).flatMap((before) => {
    const given = exclusions.get(before.id);
    if (given === undefined || before.exclusionReason === null) return [];
    return { before, after: { ...before, ...exclusionFor(tx, given.reason, given.note ?? null) } };
  });
  await recordExclusions(tx, changes);
  await updateResponses(
    tx,
    changes.map(({ after }) => after),
  );
}

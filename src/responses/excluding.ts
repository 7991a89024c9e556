import { AppError } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { lockResponse, writeChange } from "./changing.ts";
import type { ExclusionInput, Response } from "./model.ts";
import { exclusionFor } from "./service.ts";
import type { RecordingSteps } from "./steps.ts";
import type { ResponseRow } from "./table.ts";

/**
 * Takes a response out of every aggregate, for a reason; the same again changes nothing.
 * @returns undefined where there is no response with this id
 * @throws {AppError} `conflict` where it is out for another reason
 */
export async function excludeResponse(
  tx: WorkspaceTx,
  id: string,
  { reason, note = null }: ExclusionInput,
  steps: RecordingSteps,
): Promise<Response | undefined> {
  return decide(tx, id, steps, (row) => {
    if (row.exclusionReason === null) return { ...row, ...exclusionFor(tx, reason, note) };
    if (row.exclusionReason === reason && row.exclusionNote === note) return row;
    throw new AppError("conflict", `The response is excluded as ${row.exclusionReason}: include it first.`);
  });
}

/** Puts a response back into every aggregate. @returns undefined where there is no response with this id */
export async function includeResponse(
  tx: WorkspaceTx,
  id: string,
  steps: RecordingSteps,
): Promise<Response | undefined> {
  return decide(tx, id, steps, (row) => ({ ...row, ...exclusionFor(tx, null) }));
}

async function decide(
  tx: WorkspaceTx,
  id: string,
  steps: RecordingSteps,
  change: (row: ResponseRow) => ResponseRow,
): Promise<Response | undefined> {
  const found = await lockResponse(tx, id);
  return found && writeChange(tx, { ...found, changed: change(found.row) }, steps);
}

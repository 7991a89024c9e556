import { isOutage, isRetryable } from "../platform/database.ts";
import { AppError } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordResponses } from "./service.ts";
import type { RecordInput, RecordingOptions, RecordingSteps, RecordResult } from "./steps.ts";

/**
 * Records many answers so that no bad one costs a good one: all together, and where that fails by a
 * mistake of ours, in halves until the one that fails stands alone.
 * @throws what running the transaction again may mend, now or when the database is well again: it is for the whole
 */
export async function recordBatch(
  tx: WorkspaceTx,
  inputs: readonly RecordInput[],
  steps: RecordingSteps,
  options: RecordingOptions,
): Promise<RecordResult[]> {
  if (inputs.length === 0) return [];
  try {
    return await tx.attempt(() => recordResponses(tx, inputs, steps, options));
  } catch (error) {
    if (isRetryable(error) || isOutage(error)) throw error;
    if (inputs.length === 1) {
      if (error instanceof AppError) return [{ status: "rejected", error }];
      const detail = "This answer could not be stored, through a fault of ours. The others are not affected.";
      return [{ status: "rejected", error: new AppError("internal", detail, { cause: error }) }];
    }
    const half = Math.ceil(inputs.length / 2);
    const first = await recordBatch(tx, inputs.slice(0, half), steps, options);
    return [...first, ...(await recordBatch(tx, inputs.slice(half), steps, options))];
  }
}

import type { WorkspaceTx } from "../platform/tenancy.ts";

/** Runs something in a transaction of the workspace that is worked on. */
export type InWorkspace = <T>(work: (tx: WorkspaceTx) => Promise<T>) => Promise<T>;

/**
 * Goes through many rows in small transactions, so that nothing waits for it.
 * @param step does something with some of them, after a place or from the beginning; it tells with how many, and after
 *   which place to go on, undefined at the end
 * @returns with how many in all
 */
export async function stepThrough<Place>(
  within: InWorkspace,
  step: (tx: WorkspaceTx, after: Place | undefined) => Promise<{ count: number; last: Place | undefined }>,
): Promise<number> {
  let count = 0;
  let place: Place | undefined;
  do {
    const after = place;
    const done = await within((tx) => step(tx, after));
    count += done.count;
    place = done.last;
  } while (place !== undefined);
  return count;
}

import { isOfAborted } from "./database.ts";

/**
 * What several do at once in one transaction. All of them have ended when it resolves or throws: a transaction
 * that is given up must have nothing under way.
 * @throws the failure that came first; after it PostgreSQL refuses whatever else was asked
 */
export async function together<Work extends readonly Promise<unknown>[]>(
  work: readonly [...Work],
): Promise<{ -readonly [Place in keyof Work]: Awaited<Work[Place]> }> {
  const failures: unknown[] = [];
  const results: unknown[] = await Promise.all(
    work.map(async (one: Promise<unknown>) => one.catch((error: unknown) => failures.push(error))),
  );
  // The others say only that; and where one of them is itself of several, they may be told sooner.
  if (failures.length > 0) throw failures.find((failure) => !isOfAborted(failure)) ?? failures[0];
  return results as { -readonly [Place in keyof Work]: Awaited<Work[Place]> };
}

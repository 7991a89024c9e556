import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { listPreviousScores, type Previous } from "./previousQueries.ts";
import type { ResponseRow } from "./table.ts";

type Row = Pick<ResponseRow, "id" | "personId" | "respondedAt" | "score" | "exclusionReason">;

/** An answer in the order of a person's answers. */
type Placed = Previous & { id: string };

/**
 * The answer before each of these by the same person, as far as it counts, by the id of the later one: stored before,
 * or among these, whose insert may still be put off.
 * @param lastScores the last answer of everybody who was looked for; null of who has given none
 */
export async function findPrevious(
  tx: WorkspaceTx,
  stored: readonly { response: Row; isPersonNew: boolean }[],
  { lastScores }: { lastScores: ReadonlyMap<string, Placed | null> },
): Promise<Map<string, Previous>> {
  const previous = new Map<string, Previous>();
  const early: { id: string; personId: string; respondedAt: Date }[] = [];
  for (const [personId, all] of Map.groupBy(stored, ({ response }) => response.personId)) {
    if (personId === null) continue;
    const last = all[0]?.isPersonNew ? null : lastScores.get(personId);
    let latest: Placed | null = last ?? null;
    for (const response of all.map((one) => one.response).toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
      const { id, respondedAt, score } = response;
      // Before what this person said last, or of somebody who was not looked for: only the table can tell.
      if (last === undefined || (last !== null && !isBefore(last, response))) {
        early.push({ id, personId, respondedAt });
        continue;
      }
      if (latest !== null) previous.set(id, { score: latest.score, respondedAt: latest.respondedAt });
      if (response.exclusionReason === null) latest = { id, score, respondedAt };
    }
  }
  if (early.length === 0) return previous;
  const [, found] = await together([tx.flush(), listPreviousScores(tx, early)]);
  return new Map([...previous, ...found]);
}

function isBefore(a: Omit<Placed, "score">, b: Omit<Placed, "score">): boolean {
  const [earlier, later] = [a.respondedAt.getTime(), b.respondedAt.getTime()];
  return earlier < later || (earlier === later && a.id < b.id);
}

import { LRUCache } from "lru-cache";

/** What was found is used for so long, counted from when its look-up began, so that what has become of it meanwhile counts. */
const AGE_MAX_MS = 25_000;
/**
 * What is used after so long is looked up again, beside whoever uses it: where the database has much to do, a look-up has
 * to wait its turn, and a busy caller's requests would all wait with it.
 */
const RENEW_MS = 10_000;
const REMEMBERED_MAX = 10_000;

/** Finds something by its id that every request asks for, at one statement in 10 s. */
export interface Lookup<Found> {
  /** As it was at most 25 s ago, where it is remembered. */
  known(id: string): Found | undefined;
  /** As it is; those who ask for the same at once share one statement. What is not found is not remembered. */
  find(id: string): Promise<Found | undefined>;
  /** The same as of now, whatever is under way. */
  findAnew(id: string): Promise<Found | undefined>;
}

/** @param clock milliseconds that never go back */
export function createLookup<Found extends object | true>(
  look: (id: string) => Promise<Found | undefined>,
  clock: () => number,
): Lookup<Found> {
  const cache = new LRUCache<string, Found>({
    max: REMEMBERED_MAX,
    ttl: AGE_MAX_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  const finding = new Map<string, Promise<Found | undefined>>();
  const findAnew = async (id: string) => {
    const start = clock();
    const found = await look(id);
    if (found === undefined) cache.delete(id);
    else cache.set(id, found, { start });
    return found;
  };
  const find = async (id: string) => {
    const found = finding.get(id) ?? findAnew(id).finally(() => finding.delete(id));
    finding.set(id, found);
    return found;
  };
  return {
    known: (id) => {
      const found = cache.get(id);
      // One that fails is made again by the next who asks, and in the end by one who waits for it.
      if (found !== undefined && AGE_MAX_MS - cache.getRemainingTTL(id) >= RENEW_MS)
        void find(id).catch(() => undefined);
      return found;
    },
    find,
    findAnew,
  };
}

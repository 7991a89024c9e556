import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "./tenancy.ts";

/** So long it may take to sort what comes first, in milliseconds. */
const FIRST_MS = 60_000;

/**
 * All rows of a select, so many at a time, by one cursor: what has to be sorted is sorted once, where asking for what
 * comes after the last row may sort the rest again for every page. One at a time in a transaction.
 */
export async function* pagesOf<Row extends object>(tx: Tx, select: SQL, size: number): AsyncGenerator<Row[]> {
  await tx.allowTime(FIRST_MS);
  await tx.run(sql`/* pages.open */ declare pages no scroll cursor for ${select}`);
  for (;;) {
    const page = await tx.run<Row>(sql`/* pages.next */ fetch ${sql.raw(String(size))} from pages`);
    if (page.length > 0) yield page;
    if (page.length < size) return;
  }
}

/** The same of a select of ids. */
export async function* pagesOfIds(tx: Tx, select: SQL, size: number): AsyncGenerator<string[]> {
  for await (const page of pagesOf<{ id: string }>(tx, select, size)) yield page.map(({ id }) => id);
}

/** The same pages; while one is used, the next is already asked for. */
export async function* ahead<Page>(pages: AsyncIterator<Page>): AsyncGenerator<Page> {
  let next = pages.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = pages.next();
      // Whoever goes on is told; whoever has gone away need not be.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    // The transaction may not end while something is asked in it: its connection is somebody else's then.
    await next.catch(() => undefined);
  }
}

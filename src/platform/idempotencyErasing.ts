import { sql } from "drizzle-orm";
import { unnest } from "./sql.ts";
import type { WorkspaceTx } from "./tenancy.ts";

const KEYS_PER_PAGE = 10_000;

/** Whose answers are meant: by the person, and by the ids of what is theirs. */
export interface KeptAnswers {
  personId: string;
  ids: readonly string[];
}

/** Looked at one after the other: under row-level security no index serves lists or text. */
const isOf = ({ personId, ids }: KeptAnswers) =>
  sql`(${personId} = any (person_ids) or exists (select from ${unnest({ known: ["text", ids] })} where position(input.known in answer) > 0))`;

/** The place of a kept answer; undefined before the first. */
export interface KeyPlace {
  route: string;
  key: string;
}

/**
 * Deletes those of a part of all kept answers that are about a person.
 * @returns how many, and after which to go on; undefined where there are no more
 */
export async function eraseKeptAnswers(
  tx: WorkspaceTx,
  kept: KeptAnswers,
  after: KeyPlace | undefined,
): Promise<{ count: number; last: KeyPlace | undefined }> {
  const page = await listPage(tx, kept, after);
  const own = page.filter(({ isAbout }) => isAbout);
  for (const { route, key } of own) {
    await tx.run(sql`/* platform.eraseKeptAnswer */
      delete from idempotency_keys where workspace_id = ${tx.workspaceId} and route = ${route} and key = ${key}`);
  }
  return { count: own.length, last: page.length < KEYS_PER_PAGE ? undefined : page.at(-1) };
}

/** The kept answers about a person, for an export of what is held about them. */
export async function listKeptAnswers(tx: WorkspaceTx, kept: KeptAnswers): Promise<object[]> {
  const found: object[] = [];
  let after: KeyPlace | undefined;
  do {
    const page: (KeyPlace & { isAbout: boolean })[] = await listPage(tx, kept, after);
    for (const { route, key } of page.filter(({ isAbout }) => isAbout)) {
      found.push(
        ...(await tx.run(sql`/* platform.listKeptAnswer */
          select route, key, status, answer, created_at as "createdAt" from idempotency_keys
          where workspace_id = ${tx.workspaceId} and route = ${route} and key = ${key}`)),
      );
    }
    after = page.length < KEYS_PER_PAGE ? undefined : page.at(-1);
  } while (after !== undefined);
  return found;
}

/** Before all others. */
const FIRST_KEY: KeyPlace = { route: "", key: "" };

async function listPage(tx: WorkspaceTx, kept: KeptAnswers, after = FIRST_KEY) {
  return tx.run<KeyPlace & { isAbout: boolean }>(sql`/* platform.listKeptAnswers */
    select route, key, ${isOf(kept)} as "isAbout" from idempotency_keys
    where workspace_id = ${tx.workspaceId} and (route, key) > (${after.route}, ${after.key})
    order by route, key limit ${KEYS_PER_PAGE}`);
}

import { randomBytes } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { erasedId } from "./storedAnswers.ts";

const KEY_BYTES = 32;

/** An answer, and by what its sender knows it. */
export interface KnownAnswer {
  id: string;
  source: string;
  externalId: string | null;
}

/** A person's answers, locked until the transaction ends. */
export async function lockAnswersOf(tx: WorkspaceTx, personId: string): Promise<KnownAnswer[]> {
  return listAnswersOf(tx, personId, sql`for no key update`);
}

export async function listAnswersOf(tx: WorkspaceTx, personId: string, locking = sql``): Promise<KnownAnswer[]> {
  return tx.run<KnownAnswer>(sql`/* responses.listAnswersOf */
    select id, source, external_id as "externalId" from responses
    where workspace_id = ${tx.workspaceId} and person_id = ${personId} order by id ${locking}`);
}

/**
 * Takes from these answers what says whose they are and what was written; what is counted stays. The answers become
 * the shell's, and are known again by a keyed hash.
 */
export async function eraseResponses(tx: WorkspaceTx, ids: readonly string[], shellId: string) {
  if (ids.length === 0) return { responses: 0, exclusions: 0 };
  // Of two at once one makes it, and both use it.
  await tx.run(sql`/* responses.insertErasureKey */
    insert into erasure_keys (workspace_id, key) values (${tx.workspaceId}, ${randomBytes(KEY_BYTES)}) on conflict do nothing`);
  // Citus takes no function in a SET whose result may depend on more than what it is given.
  const known = await tx.run<{ id: string; externalId: string | null }>(sql`/* responses.listErasedIds */
    select id, case when erased_at is null then ${erasedId(tx, "source", "external_id")} else external_id end as "externalId"
    from responses where workspace_id = ${tx.workspaceId} and id = ${anyOf("uuid", ids)}`);
  await tx.run(sql`/* responses.eraseResponses */
    update responses set person_id = ${shellId}, comment = null, properties = '{}', body_sha256 = null,
      source_updated_at = null, exclusion_note = null, external_id = input.external_id,
      erased_at = coalesce(erased_at, ${tx.now}), version = version + 1, updated_at = ${tx.now}
    from ${unnest({
      id: ["uuid", known.map(({ id }) => id)],
      external_id: ["text", known.map(({ externalId }) => externalId)],
    })}
    where workspace_id = ${tx.workspaceId} and responses.id = input.id`);
  const notes = await tx.run(sql`/* responses.eraseExclusionNotes */
    update response_exclusions set note = null
    where workspace_id = ${tx.workspaceId} and response_id = ${anyOf("uuid", ids)} returning id`);
  return { responses: ids.length, exclusions: notes.length };
}

/**
 * Takes comment and properties from answers that were given before this time, some at once.
 * @returns how many there were, and after which to go on; undefined where there are no more
 */
export async function removeOldComments(
  tx: WorkspaceTx,
  before: Date,
  { after, limit }: { after: OldAnswer | undefined; limit: number },
): Promise<{ count: number; last: OldAnswer | undefined }> {
  const beyond =
    after === undefined ? sql`` : sql`and (responded_at, id) > (${after.respondedAt}::timestamptz, ${after.id}::uuid)`;
  const page = await tx.run<OldAnswer & { isSaying: boolean }>(sql`/* responses.listOldAnswers */
    select id, responded_at::text as "respondedAt", comment is not null or properties <> '{}' as "isSaying" from responses
    where workspace_id = ${tx.workspaceId} and responded_at < ${before} ${beyond}
    order by responded_at, id limit ${limit}`);
  const saying = page.flatMap(({ id, isSaying }) => (isSaying ? id : []));
  if (saying.length > 0) {
    await tx.run(sql`/* responses.removeOldComments */
      update responses set comment = null, properties = '{}', version = version + 1, updated_at = ${tx.now}
      where workspace_id = ${tx.workspaceId} and id = ${anyOf("uuid", saying)} and responded_at < ${before}`);
  }
  return { count: saying.length, last: page.length < limit ? undefined : page.at(-1) };
}

/** A place among answers, its time with all digits that PostgreSQL has. */
export interface OldAnswer {
  id: string;
  respondedAt: string;
}

/**
 * Some people of whom something is known, in the order of their ids, and whether they have said nothing since: neither
 * an answer nor, without one, anything else that changed what is known.
 */
export async function listSilentPeople(
  tx: WorkspaceTx,
  since: Date,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; isSilent: boolean }[]> {
  return tx.run(sql`/* responses.listSilentPeople */
    select id, ${isSilentSince(tx, since)} as "isSilent"
    from people where workspace_id = ${tx.workspaceId} and id > ${after}
      and (coalesce(external_id, email, phone, name) is not null or properties <> '{}')
    order by id limit ${limit}`);
}

/** Whether the same is true of one of them still. */
export async function isSilent(tx: WorkspaceTx, personId: string, since: Date): Promise<boolean> {
  const found = await tx.run<{ isSilent: boolean }>(sql`/* responses.isSilent */
    select ${isSilentSince(tx, since)} as "isSilent" from people where workspace_id = ${tx.workspaceId} and id = ${personId}`);
  return found[0]?.isSilent === true;
}

function isSilentSince({ workspaceId }: WorkspaceTx, since: Date): SQL {
  return sql`coalesce(
    (select max(responded_at) from responses where responses.workspace_id = ${workspaceId} and person_id = people.id),
    updated_at) < ${since}`;
}

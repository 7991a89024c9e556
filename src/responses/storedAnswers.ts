import { unnest } from "../platform/sql.ts";
import { type Statement, statement, verbatim } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/**
 * The externalId of an erased answer: SHA-256 of the workspace's key and (source, externalId), twice, as HMAC does
 * it; null where nobody has been erased yet. It says nothing of what it is made of, and is the same every time.
 */
export function erasedId(tx: WorkspaceTx, source: string, externalId: string): Statement {
  const key = statement`(select key from erasure_keys where workspace_id = ${tx.workspaceId})`;
  const answer = verbatim(`convert_to(jsonb_build_array(${source}, ${externalId})::text, 'UTF8')`);
  return statement`'erased:' || encode(sha256(${key} || sha256(${key} || ${answer})), 'hex')`;
}

export interface StoredAnswer {
  id: string;
  source: string;
  externalId: string;
  bodySha256: Buffer | null;
  sourceUpdatedAt: string | null;
  /** Nothing of it may be changed any more. */
  isErased: boolean;
}

/** What is stored under these (source, externalId), pair by pair; what was erased is known by the hash that it left. */
export async function listStoredAnswers(
  tx: WorkspaceTx,
  keys: readonly { source: string; externalId: string }[],
): Promise<StoredAnswer[]> {
  if (keys.length === 0) return [];
  // One by one, so that the plan is right too while the table grows faster than its statistics; of `external_id = any`
  // PostgreSQL before 17 may make a filter, and read all that the source has sent.
  return tx.prepared<StoredAnswer>(statement`/* responses.listStoredAnswers */
    select stored.id, stored.source, input.external_id as "externalId", stored.body_sha256 as "bodySha256",
      stored.source_updated_at as "sourceUpdatedAt", stored.erased_at is not null as "isErased"
    from ${unnest({
      source: ["text", keys.map(({ source }) => source)],
      external_id: ["text", keys.map(({ externalId }) => externalId)],
    })}
    cross join lateral (
      select found.* from unnest(array[input.external_id, ${erasedId(tx, "input.source", "input.external_id")}]) as kept (external_id)
      cross join lateral (
        select id, source, body_sha256, source_updated_at, erased_at from responses
        where responses.workspace_id = ${tx.workspaceId}
          and responses.source = input.source and responses.external_id = kept.external_id limit 1
      ) as found limit 1
    ) as stored`);
}

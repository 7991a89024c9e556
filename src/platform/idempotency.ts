import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { AppError } from "./errors.ts";
import { hashJson } from "./json.ts";
import type { WorkspaceTx } from "./tenancy.ts";

const KEPT_HOURS = 72;

/** What a keyed request is answered with, the first time and every time after. */
export interface KeyedAnswer {
  status: number;
  /** The body as it goes out. */
  text: string;
  /** Whose personal data is in it. */
  personIds: string[];
}

export interface KeyedRequest {
  /** Method and pattern: the same key on another route is another key. */
  route: string;
  key: string;
  body: unknown;
}

/**
 * Runs `work` once for a key: the same key and body give its first answer again. The key is held by a
 * lock that ends with the transaction, so a process that dies strands nothing, and its row is written
 * with the effect. What `work` throws is not kept: the caller may mend it and use the key again.
 * @throws {AppError} `idempotency_in_progress` while another request holds the key,
 *   `idempotency_mismatch` for another body
 */
export async function answerOnce(
  tx: WorkspaceTx,
  { route, key, body }: KeyedRequest,
  work: () => Promise<KeyedAnswer>,
): Promise<KeyedAnswer & { isReplay: boolean }> {
  const [lock] = await tx.run<{ obtained: boolean }>(
    sql`/* platform.lockIdempotencyKey */ select pg_try_advisory_xact_lock(${lockOf(tx, route, key)}) as obtained`,
  );
  if (lock?.obtained !== true) {
    throw new AppError("idempotency_in_progress", "Another request with this Idempotency-Key is under way.");
  }
  const bodySha256 = hashJson(body);
  const [first] = await tx.run<KeyedAnswer & { bodySha256: Buffer }>(sql`/* platform.findIdempotencyKey */
    select status, answer as text, person_ids as "personIds", body_sha256 as "bodySha256" from idempotency_keys
    where workspace_id = ${tx.workspaceId} and route = ${route} and key = ${key}
      and created_at > ${tx.now}::timestamptz - make_interval(hours => ${KEPT_HOURS})`);
  if (first !== undefined) {
    if (!first.bodySha256.equals(bodySha256)) {
      throw new AppError(
        "idempotency_mismatch",
        "This Idempotency-Key was used with another body, or for another thing.",
      );
    }
    return { ...first, isReplay: true };
  }
  const answer = await work();
  await tx.run(sql`/* platform.insertIdempotencyKey */
    insert into idempotency_keys (workspace_id, route, key, body_sha256, status, answer, person_ids, created_at)
    values (${tx.workspaceId}, ${route}, ${key}, ${bodySha256}, ${answer.status}, ${answer.text},
      ${sql.param(answer.personIds)}::uuid[], ${tx.now})
    on conflict (workspace_id, route, key) do update
    set body_sha256 = excluded.body_sha256, status = excluded.status, answer = excluded.answer,
      person_ids = excluded.person_ids, created_at = excluded.created_at`);
  return { ...answer, isReplay: false };
}

/** Advisory locks are numbers: 64 bits of a hash. Two keys that share one would only wait their turn. */
function lockOf(tx: WorkspaceTx, route: string, key: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([tx.workspaceId, route, key]))
    .digest();
  return digest.readBigInt64BE().toString();
}

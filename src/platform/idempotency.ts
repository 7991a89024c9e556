import { createHash } from "node:crypto";
import { AppError } from "./errors.ts";
import type { Outcome } from "./gathering.ts";
import { hashJson } from "./json.ts";
import { type Columns, newRows, unnest } from "./sql.ts";
import { statement } from "./statement.ts";
import type { WorkspaceTx } from "./tenancy.ts";
import { together } from "./together.ts";

/** So long a key is honoured. */
export const ANSWERS_KEPT_MS = 72 * 3_600_000;

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

/** An answer, and whether it was given before. */
export type GivenAnswer = KeyedAnswer & { isReplay: boolean };

/**
 * Runs `work` once for a key: the same key and body give its first answer again. The key is held by a
 * lock that ends with the transaction, so a process that dies strands nothing, and its row is written
 * with the effect. What `work` throws is not kept: the caller may mend it and use the key again.
 * @throws {AppError} `idempotency_in_progress` while another request holds the key,
 *   `idempotency_mismatch` for another body
 */
export async function answerOnce(
  tx: WorkspaceTx,
  request: KeyedRequest,
  work: () => Promise<KeyedAnswer>,
): Promise<GivenAnswer> {
  const [outcome] = await answerEachOnce(tx, [request], async () => [{ answer: await work() }]);
  if (outcome === undefined) throw new Error("a keyed request has no answer");
  if ("error" in outcome) throw outcome.error;
  return outcome.answer;
}

/**
 * The same for many requests of one transaction, some of them without a key. `work` is given the places
 * of those that are to be done, and tells one outcome for each, in that order.
 * @returns one outcome per request, in order
 */
export async function answerEachOnce(
  tx: WorkspaceTx,
  requests: readonly (KeyedRequest | undefined)[],
  work: (fresh: readonly number[]) => Promise<Outcome<KeyedAnswer>[]>,
): Promise<Outcome<GivenAnswer>[]> {
  const places = requests.map((_, place) => place);
  const keyed = places.flatMap((place) => {
    const request = requests[place];
    return request === undefined ? [] : { place, ...request, bodySha256: hashJson(request.body) };
  });
  const known = await findOutcomes(tx, keyed);
  const fresh = places.filter((place) => !known.has(place));
  const worked = fresh.length === 0 ? [] : await work(fresh);
  const outcomes = new Map(known);
  for (const [n, place] of fresh.entries()) {
    const outcome = worked[n];
    if (outcome === undefined) throw new Error("a request has no outcome");
    outcomes.set(place, "error" in outcome ? outcome : { answer: { ...outcome.answer, isReplay: false } });
  }
  await keep(
    tx,
    keyed.flatMap(({ place, ...request }) => {
      const outcome = known.has(place) ? undefined : outcomes.get(place);
      return outcome !== undefined && "answer" in outcome ? { ...request, ...outcome.answer } : [];
    }),
  );
  return places.map((place) => outcomes.get(place) ?? { error: new Error("a request has no outcome") });
}

interface Hashed extends KeyedRequest {
  place: number;
  bodySha256: Buffer;
}

/** Holds the keys until the transaction ends, and tells of those that are taken or have their answer. */
async function findOutcomes(tx: WorkspaceTx, keyed: readonly Hashed[]): Promise<Map<number, Outcome<GivenAnswer>>> {
  if (keyed.length === 0) return new Map();
  const columns = {
    place: ["integer", keyed.map(({ place }) => place)],
    route: ["text", keyed.map(({ route }) => route)],
    key: ["text", keyed.map(({ key }) => key)],
  } satisfies Columns;
  const locks = keyed.map(({ route, key }) => lockOf(tx, route, key));
  const [held, stored] = await together([
    tx.run<{ place: number }>(statement`/* platform.lockIdempotencyKeys */
    select place from ${unnest({ place: columns.place, lock: ["bigint", locks] })} where pg_try_advisory_xact_lock(lock)`),
    tx.run<
      KeyedAnswer & { place: number; bodySha256: Buffer; createdAt: Date }
    >(statement`/* platform.findIdempotencyKeys */
    select place, status, answer as text, person_ids as "personIds", body_sha256 as "bodySha256", created_at as "createdAt"
    from ${unnest(columns)} join idempotency_keys on workspace_id = ${tx.workspaceId}
      and idempotency_keys.route = input.route and idempotency_keys.key = input.key`),
  ]);
  const keptSince = tx.now.getTime() - ANSWERS_KEPT_MS;
  const isHeld = new Set(held.map(({ place }) => place));
  const first = new Map(
    stored.flatMap(({ place, createdAt, ...answer }) =>
      createdAt.getTime() > keptSince ? [[place, answer] as const] : [],
    ),
  );
  const seen = new Set<string>();
  return new Map(
    keyed.flatMap(({ place, bodySha256 }, n): [number, Outcome<GivenAnswer>][] => {
      const lock = locks[n] ?? "";
      // A transaction that holds a key obtains it again: of two of one key in one, the second is told to wait.
      if (!isHeld.has(place) || seen.has(lock)) return [[place, { error: inProgress() }]];
      seen.add(lock);
      const answer = first.get(place);
      if (answer === undefined) return [];
      const isSame = answer.bodySha256.equals(bodySha256);
      return [[place, isSame ? { answer: { ...answer, isReplay: true } } : { error: mismatch() }]];
    }),
  );
}

async function keep(tx: WorkspaceTx, answers: readonly (Omit<Hashed, "place"> & KeyedAnswer)[]): Promise<void> {
  if (answers.length === 0) return;
  await tx.run(statement`/* platform.insertIdempotencyKeys */
    insert into idempotency_keys (workspace_id, route, key, body_sha256, status, answer, person_ids, created_at)
    select workspace_id, route, key, body_sha256, status, answer,
      array(select jsonb_array_elements_text(person_ids)::uuid), ${tx.now}
    from ${newRows(tx.workspaceId, {
      route: ["text", answers.map(({ route }) => route)],
      key: ["text", answers.map(({ key }) => key)],
      body_sha256: ["bytea", answers.map(({ bodySha256 }) => bodySha256)],
      status: ["integer", answers.map(({ status }) => status)],
      answer: ["text", answers.map(({ text }) => text)],
      // A list of lists would have to be rectangular, so each travels as JSON.
      person_ids: ["jsonb", answers.map(({ personIds }) => JSON.stringify(personIds))],
    })} order by route, key
    on conflict (workspace_id, route, key) do update
    set body_sha256 = excluded.body_sha256, status = excluded.status, answer = excluded.answer,
      person_ids = excluded.person_ids, created_at = excluded.created_at`);
}

function inProgress(): AppError {
  return new AppError("idempotency_in_progress", "Another request with this Idempotency-Key is under way.");
}

function mismatch(): AppError {
  return new AppError("idempotency_mismatch", "This Idempotency-Key was used with another body, or for another thing.");
}

/** Advisory locks are numbers: 64 bits of a hash. Two keys that share one would only wait their turn. */
function lockOf(tx: WorkspaceTx, route: string, key: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([tx.workspaceId, route, key]))
    .digest();
  return digest.readBigInt64BE().toString();
}

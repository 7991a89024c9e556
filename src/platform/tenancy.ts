import { setTimeout as sleep } from "node:timers/promises";
import type { Span } from "@opentelemetry/api";
import type { SQL } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Pool, PoolClient } from "pg";
import { asAppError, isLockTimeout, isOfAborted, isPlanLost, isReferenceMissing, isRetryable } from "./database.ts";
import { AppError } from "./errors.ts";
import { commitAndLocate, laterOf } from "./position.ts";
import { createReplica } from "./replica.ts";
import { keepNoPlans, queriesOf } from "./statements.ts";
import { type SpanStart, tracedInside } from "./tracing.ts";

export const ACTOR_KINDS = ["key", "user", "job", "source"] as const;

/** Who does something: shown in activities and in the audit log. */
export interface Actor {
  kind: (typeof ACTOR_KINDS)[number];
  id: string;
}

/** In whose name a transaction runs. `requestId` ties audit rows to the log. */
export interface Caller {
  workspaceId: string;
  actor: Actor;
  requestId: string | null;
  /**
   * That it may read from the replica, once that has replayed this position; null where any state of it will do. Without,
   * it reads what is true now.
   */
  readsAfter?: string | null | undefined;
  /** Below which its transactions are traced; without, below what calls them. */
  span?: Span | undefined;
}

declare const inside: unique symbol;

export interface Tx {
  /** Typed queries. Those that do not need one another's results are asked `together`: they travel at once. */
  readonly db: NodePgDatabase;
  /** One statement of raw SQL; timestamps come back as `Date`, dates as text. */
  run<Row extends object>(statement: SQL): Promise<Row[]>;
  /** The same for one whose text never changes and that comes with every answer: a connection plans it once. */
  prepared<Row extends object>(statement: SQL): Promise<Row[]>;
  /**
   * A write that nothing in this transaction reads: it runs with the next `flush`, or before COMMIT, with all
   * others of its kind in one statement.
   */
  later(write: SQL): void;
  /** Runs what was put off; `last`, if given, in the same statement. @returns the rows of `last` */
  flush<Row extends object>(last?: SQL): Promise<Row[]>;
  /** Lets each further statement of `run` take so long, in milliseconds, where that is more than a request may. */
  allowTime(milliseconds: number): Promise<void>;
  /** Runs `work` so that what it did can be undone alone: when it throws, the transaction goes on as before it. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  /** `transaction_timestamp()` to the millisecond: the only time that rules and rows use. */
  readonly now: Date;
}

/** A transaction that sees one workspace. Only `inWorkspace` makes it, and every query asks for it. */
export interface WorkspaceTx extends Tx, Caller {
  readonly [inside]: "workspace";
}

/** A transaction that sees the listed tables of every workspace. Only `acrossWorkspaces` makes it. */
export interface SystemTx extends Tx {
  readonly [inside]: "system";
}

/** Why a statement may look across workspaces. A test pins this list. */
export const SYSTEM_REASONS = [
  "find the workspace of an API key",
  "find the workspace of a user",
  "manage workspaces",
  "check readiness",
  "find what is due",
  "find the workspace of a source",
  "deliver webhooks",
] as const;
export type SystemReason = (typeof SYSTEM_REASONS)[number];

/**
 * How long a transaction waits for a row or key that another one holds. PATIENT: a second, and again, as
 * somebody does who stands alone. HASTY: 200 ms, then it throws what was in its way: it holds up others.
 */
export type Patience = "PATIENT" | "HASTY";

export interface Tenancy {
  /**
   * Runs `work` in one transaction that can see and change the rows of one workspace only, and
   * commits it. When somebody else was quicker (deadlock, lock time-out, unique key) it is rolled
   * back and `work` runs again, up to 12 times: so `work` does nothing but talk to its transaction.
   * @throws {AppError} `unavailable` when the database cannot be reached or stays busy
   * @throws what PostgreSQL says of a foreign key, when what a row refers to is still missing the third time
   */
  inWorkspace<T>(caller: Caller, work: (tx: WorkspaceTx) => Promise<T>, patience?: Patience): Promise<T>;
  /** The same in a read-only transaction with one snapshot for all its statements. */
  readWorkspace<T>(caller: Caller, work: (tx: WorkspaceTx) => Promise<T>): Promise<T>;
  /** Runs `work` as the role that may look across workspaces, for one of the listed reasons. */
  acrossWorkspaces<T>(reason: SystemReason, work: (tx: SystemTx) => Promise<T>): Promise<T>;
  /** At or behind the commit of everything that this tenancy has changed; undefined before the first. */
  position(): string | undefined;
}

const ATTEMPTS_MAX = 12;
/** Whoever looks again sees that something was deleted; only another deletion can come in between. */
const MISSING_ATTEMPTS_MAX = 3;
const BACKOFF_MS = 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Set in each transaction and not on the connection, so that a pooler between us and PostgreSQL may share it. */
const LIMITS =
  "set local lock_timeout = '1s'; set local statement_timeout = '5s'; set local idle_in_transaction_session_timeout = '10s'";

/**
 * A plan is made once a connection, for any values, and kept: it goes by indexes, row by row, because what was made
 * while a table was small must not read the whole of it when it has grown.
 */
const PLANNING = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"];
const PLANS = `; set local plan_cache_mode = force_generic_plan${PLANNING.map((name) => `; set local ${name} = off`).join("")}`;
/** What takes that back, for statements that do read a whole table. */
export const OWN_PLAN = `set local plan_cache_mode = auto${PLANNING.map((name) => `; set local ${name} = on`).join("")}`;

/**
 * Of a connection's first transactions, the 1st, 2nd, 4th, 8th and so on plan anew: of a table that is known to be
 * empty each index looks as good as the right one. By then those that grow fast have grown; later ANALYZE ends their plans.
 */
const PLANNED_ANEW_UNTIL = 64;
const transactionsOf = new WeakMap<PoolClient, number>();

const spanOf = (name: string): SpanStart => ({ name, kind: "CLIENT", attributes: { "db.system.name": "postgresql" } });
const WRITING = spanOf("transaction");
const READING = spanOf("read transaction");

const HASTY_LIMIT = "; set local lock_timeout = '200ms'";

/** @param readPool where those may read who need not see what is true now */
export function createTenancy(pool: Pool, readPool?: Pool): Tenancy {
  const replica = readPool === undefined ? undefined : createReplica(readPool, pool);
  let position: string | undefined;
  const onCommitted = (reached: string) => {
    position = laterOf(position, reached);
  };
  const workspaceTx = (client: PoolClient, caller: Caller, now: Date): WorkspaceTx =>
    ({ ...caller, ...queriesOf(client), now }) as WorkspaceTx;

  const enter = (caller: Caller, mode: string): string => {
    // The id stands in the statement itself: SET takes no parameters.
    if (!UUID.test(caller.workspaceId)) throw new Error("workspace id is not a UUID");
    return `begin ${mode}; set local role afterscore_app; set local app.workspace_id = '${caller.workspaceId}'; ${LIMITS}`;
  };

  return {
    inWorkspace: (caller, work, patience = "PATIENT") =>
      transact(
        pool,
        enter(caller, "") + PLANS + (patience === "HASTY" ? HASTY_LIMIT : ""),
        (client, now) => workspaceTx(client, caller, now),
        work,
        { span: WRITING, parent: caller.span, patience, onCommitted },
      ),
    readWorkspace: (caller, work) => {
      const begin = enter(caller, "isolation level repeatable read read only");
      const read = (from: Pool, attempts?: number) =>
        transact(from, begin, (client, now) => workspaceTx(client, caller, now), work, {
          span: READING,
          parent: caller.span,
          attempts,
        });
      if (replica === undefined || caller.readsAfter === undefined) return read(pool);
      // What fails there is done again on the primary.
      return replica.read(caller.readsAfter, (from) => read(from, from === pool ? undefined : 1));
    },
    acrossWorkspaces: (reason, work) =>
      transact(
        pool,
        `begin; set local role afterscore_system; ${LIMITS}`,
        (client, now) => ({ ...queriesOf(client), now }) as SystemTx,
        work,
        { span: spanOf(`transaction to ${reason}`), onCommitted },
      ),
    position: () => position,
  };
}

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

function planAnew(client: PoolClient): string {
  const count = (transactionsOf.get(client) ?? 0) + 1;
  transactionsOf.set(client, count);
  const isPowerOfTwo = (count & (count - 1)) === 0;
  return isPowerOfTwo && count <= PLANNED_ANEW_UNTIL ? "; discard plans" : "";
}

/** How a transaction begins, and what is given to its work. */
type Enter<Own> = (client: PoolClient, now: Date) => Own;

interface TransactOptions {
  span: SpanStart;
  /** Below which it is traced, where that is told. */
  parent?: Span | undefined;
  patience?: Patience;
  attempts?: number | undefined;
  /** Is told the position behind the commit; of what only reads nobody wants to know. */
  onCommitted?: (position: string) => void;
}

async function transact<T, Own extends Tx>(
  pool: Pool,
  begin: string,
  enter: Enter<Own>,
  work: (tx: Own) => Promise<T>,
  { span, parent, patience = "PATIENT", attempts = ATTEMPTS_MAX, onCommitted }: TransactOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tracedInside(span, parent, () => transactOnce(pool, begin, enter, work, onCommitted));
    } catch (error) {
      if (!isRetryable(error)) throw asAppError(error);
      if (isPlanLost(error)) keepNoPlans();
      if (patience === "HASTY" && isLockTimeout(error)) throw error;
      // Trying again mends no mistake of ours, and neither does whoever is told to.
      if (isReferenceMissing(error) && attempt >= MISSING_ATTEMPTS_MAX) throw error;
      if (attempt >= attempts) {
        throw new AppError("unavailable", "Too much is changing the same thing at once. Try again.", { cause: error });
      }
      await sleep(BACKOFF_MS * attempt * (0.5 + Math.random()));
    }
  }
}

async function transactOnce<T, Own extends Tx>(
  pool: Pool,
  begin: string,
  enter: Enter<Own>,
  work: (tx: Own) => Promise<T>,
  onCommitted?: (position: string) => void,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    // One round trip: several statements in a simple query answer with a list of results.
    const results = (await client.query(
      `${begin}${planAnew(client)}; select transaction_timestamp() as now`,
    )) as unknown as {
      rows: { now: Date }[];
    }[];
    const now = results.at(-1)?.rows[0]?.now;
    if (now === undefined) throw new Error("the database told no time");
    const tx = enter(client, now);
    const result = await work(tx);
    await tx.flush();
    if (onCommitted === undefined) await client.query("commit");
    else onCommitted(await commitAndLocate(client));
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given to anybody else.
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

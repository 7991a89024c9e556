import { setTimeout as sleep } from "node:timers/promises";
import type { Span } from "@opentelemetry/api";
import type { SQL } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Pool, PoolClient } from "pg";
import { keepNoPlans, queriesOf } from "./asking.ts";
import { BEGIN_ACROSS, type Beginning, begin, beginIn, isHasty, type Manner } from "./beginning.ts";
import { asAppError, isLockTimeout, isPlanLost, isReferenceMissing, isRetryable } from "./database.ts";
import { AppError } from "./errors.ts";
import { commitAndLocate, laterOf } from "./position.ts";
import { createReplica } from "./replica.ts";
import type { Statement } from "./statement.ts";
import { together } from "./together.ts";
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
  run<Row extends object>(statement: SQL | Statement): Promise<Row[]>;
  /** The same for one that comes with every answer: a connection plans it once. */
  prepared<Row extends object>(statement: Statement): Promise<Row[]>;
  /**
   * A write that nothing in this transaction reads: it runs with the next `flush`, or before COMMIT, after all
   * that were put off before it; they travel at once.
   */
  later(write: Statement): void;
  /** The same for rows that go together with all others of their kind that are put off, whoever does it. */
  laterWith<Row>(kind: string, rows: readonly Row[], write: (rows: readonly Row[]) => Statement[]): void;
  /** Runs what was put off. */
  flush(): Promise<void>;
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

export interface Tenancy {
  /**
   * Runs `work` in one transaction that can see and change the rows of one workspace only, and
   * commits it. When somebody else was quicker (deadlock, lock time-out, unique key) it is rolled
   * back and `work` runs again, up to 12 times: so `work` does nothing but talk to its transaction.
   * @throws {AppError} `unavailable` when the database cannot be reached or stays busy
   * @throws what PostgreSQL says of a foreign key, when what a row refers to is still missing the third time
   */
  inWorkspace<T>(caller: Caller, work: (tx: WorkspaceTx) => Promise<T>, manner?: Manner): Promise<T>;
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
const spanOf = (name: string): SpanStart => ({ name, kind: "CLIENT", attributes: { "db.system.name": "postgresql" } });
const WRITING = spanOf("transaction");
const READING = spanOf("read transaction");

/** @param readPool where those may read who need not see what is true now */
export function createTenancy(pool: Pool, readPool?: Pool): Tenancy {
  const replica = readPool === undefined ? undefined : createReplica(readPool, pool);
  let position: string | undefined;
  const onCommitted = (reached: string) => {
    position = laterOf(position, reached);
  };
  const workspaceTx = (client: PoolClient, caller: Caller, clock: Clock) =>
    withNow({ ...caller, ...queriesOf(client) }, clock) as WorkspaceTx;

  return {
    inWorkspace: (caller, work, manner = "PATIENT") =>
      transact(pool, beginIn(caller.workspaceId, manner), (client, clock) => workspaceTx(client, caller, clock), work, {
        span: WRITING,
        parent: caller.span,
        manner,
        onCommitted,
      }),
    readWorkspace: (caller, work) => {
      const beginning = beginIn(caller.workspaceId, "READ");
      const read = (from: Pool, attempts?: number) =>
        transact(from, beginning, (client, clock) => workspaceTx(client, caller, clock), work, {
          span: READING,
          parent: caller.span,
          attempts,
        });
      if (replica === undefined || caller.readsAfter === undefined) return read(pool);
      // What fails there is done again on the primary.
      return replica.read(caller.readsAfter, (from) => read(from, from === pool ? undefined : 1));
    },
    acrossWorkspaces: (reason, work) =>
      transact(pool, BEGIN_ACROSS, (client, clock) => withNow(queriesOf(client), clock) as SystemTx, work, {
        span: spanOf(`transaction to ${reason}`),
        onCommitted,
      }),
    position: () => position,
  };
}

/** Tells `now` once the transaction has begun. */
interface Clock {
  now: Date | undefined;
}

function withNow(queries: Omit<Tx, "now">, clock: Clock): Tx {
  return Object.defineProperty(queries, "now", {
    enumerable: true,
    get: () => {
      if (clock.now === undefined) throw new Error("the transaction has not begun: it must be asked something first");
      return clock.now;
    },
  }) as Tx;
}

/** What is given to the work of a transaction. */
type Enter<Own> = (client: PoolClient, clock: Clock) => Own;

interface TransactOptions {
  span: SpanStart;
  /** Below which it is traced, where that is told. */
  parent?: Span | undefined;
  manner?: Manner | undefined;
  attempts?: number | undefined;
  /** Is told the position behind the commit; of what only reads nobody wants to know. */
  onCommitted?: ((position: string) => void) | undefined;
}

async function transact<T, Own extends Tx>(
  pool: Pool,
  beginning: Beginning,
  enter: Enter<Own>,
  work: (tx: Own) => Promise<T>,
  { span, parent, manner, attempts = ATTEMPTS_MAX, onCommitted }: TransactOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tracedInside(span, parent, () =>
        transactOnce(pool, beginning, enter, work, { manner, onCommitted }),
      );
    } catch (error) {
      if (!isRetryable(error)) throw asAppError(error);
      if (isPlanLost(error)) keepNoPlans();
      if (isHasty(manner) && isLockTimeout(error)) throw error;
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
  beginning: Beginning,
  enter: Enter<Own>,
  work: (tx: Own) => Promise<T>,
  { manner, onCommitted }: Pick<TransactOptions, "manner" | "onCommitted">,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const clock: Clock = { now: undefined };
    const begun = begin(client, beginning, (now) => {
      clock.now = now;
    });
    if (manner !== "AHEAD") await begun;
    const tx = enter(client, clock);
    const [result] = await together([work(tx), begun]);
    // What was put off travels with COMMIT, which undoes everything where one of that has failed.
    const written = tx.flush();
    if (onCommitted === undefined) await together([written, client.query("commit")]);
    else onCommitted((await together([written, commitAndLocate(client)]))[1]);
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

import type { Manner } from "./beginning.ts";
import { isRetryable } from "./database.ts";
import { AppError } from "./errors.ts";
import { observeBatch } from "./metrics.ts";
import type { Caller, Tenancy, WorkspaceTx } from "./tenancy.ts";

/** In one transaction: more gain little, and what is made of all their rows in one go holds up every other request. */
const BATCH_MAX = 64;
/** Of one actor: while one waits for the disk, and one for PostgreSQL, the next is prepared. */
const BATCHES_IN_FLIGHT = 3;
/** Where so many wait that the next is a full one, there is too much to do: a third would only take the processor from all else. */
const FULL_BATCHES_IN_FLIGHT = 2;
/**
 * A transaction costs much the same for one as for many. So while some are under way, the next begins once as many wait
 * as they are, so that it is prepared while PostgreSQL works on those; and never for fewer than this.
 */
const COMPANY_MIN = 8;
/** But no later than so long after the last began, in milliseconds: that one may be waiting for somebody. */
const APART_MS = 25;

/** What became of one: what its sender is told, or what it is refused with. */
export type Outcome<Answer> = { answer: Answer } | { error: unknown };

/**
 * Does what is asked for many in one transaction, whose first statement must not need its `now`.
 * @returns one outcome for each, in order. ALONE: nothing was done for it, and it is asked for again in a transaction of its own,
 *   which no other has to wait for
 * @throws what undoes all of them
 */
export type WorkOnMany<Asked, Answer> = (
  tx: WorkspaceTx,
  batch: readonly Asked[],
) => Promise<(Outcome<Answer> | "ALONE")[]>;

/**
 * Does what is asked for one; resolves once it is committed.
 * @throws as for a transaction of its own
 */
export type WorkOnOne<Asked, Answer> = (caller: Caller, asked: Asked) => Promise<Answer>;

/** How what comes in one by one is put into transactions. */
export type Gather = <Asked, Answer>(tenancy: Tenancy, work: WorkOnMany<Asked, Answer>) => WorkOnOne<Asked, Answer>;

interface Waiting<Asked, Answer> {
  asked: Asked;
  caller: Caller;
  settle: (outcome: Outcome<Answer>) => void;
}

/**
 * Joins what arrives for one workspace, by one actor: until the next turn of the event loop, and while some are under way
 * until as many wait, or that has taken long. One that fails or waits for somebody else's lock is undone and taken
 * apart, so that what is in the way stands alone and costs the others no more than that.
 */
export function gatherInBatches<Asked, Answer>(
  tenancy: Tenancy,
  work: WorkOnMany<Asked, Answer>,
  apartMs = APART_MS,
): WorkOnOne<Asked, Answer> {
  type One = Waiting<Asked, Answer>;
  // One an actor; they are small and stay.
  const queues = new Map<string, Queue<One>>();
  return async (caller, asked) =>
    new Promise((resolve, reject) => {
      const name = JSON.stringify([caller.workspaceId, caller.actor.kind, caller.actor.id]);
      const queue = queues.get(name) ?? newQueue<One>();
      queues.set(name, queue);
      queue.waiting.push({
        asked,
        caller,
        settle: (outcome) => ("answer" in outcome ? resolve(outcome.answer) : reject(outcome.error)),
      });
      schedule(queue);
    });

  function schedule(queue: Queue<One>): void {
    if (queue.waiting.length === 0 || queue.isScheduled) return;
    if (isBusy(queue)) return;
    const early = queue.nextAt - performance.now();
    const company = Math.min(BATCH_MAX, Math.max(COMPANY_MIN, queue.underWay));
    if (queue.inFlight > 0 && queue.waiting.length < company && early > 0) {
      queue.timer ??= setTimeout(() => {
        queue.timer = undefined;
        schedule(queue);
      }, early);
      return;
    }
    clearTimeout(queue.timer);
    queue.timer = undefined;
    queue.isScheduled = true;
    setImmediate(() => {
      queue.isScheduled = false;
      // Others may have come in this turn, and made it a full one.
      if (isBusy(queue)) return;
      const batch = queue.waiting.splice(0, BATCH_MAX);
      queue.inFlight += 1;
      queue.underWay += batch.length;
      queue.nextAt = performance.now() + apartMs;
      void settleAll(batch).finally(() => {
        queue.inFlight -= 1;
        queue.underWay -= batch.length;
        schedule(queue);
      });
      // Those that were too many for it.
      schedule(queue);
    });
  }

  /** Resolves when the transaction has ended. What it could not do goes on by itself, and holds up nobody. */
  async function settleAll(batch: readonly One[]): Promise<void> {
    const outcomes = await attempt(batch, "AHEAD").catch((error: unknown) => ({ error }));
    if ("error" in outcomes) return takeApart(batch, outcomes.error);
    for (const [index, one] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === "ALONE" && batch.length > 1) void settleAlone(one);
      else tell(one, outcome);
    }
  }

  function tell(one: One, outcome: Outcome<Answer> | "ALONE" | undefined): void {
    one.settle(typeof outcome === "object" ? outcome : { error: new Error("what was asked for alone has no outcome") });
  }

  function takeApart(batch: readonly One[], error: unknown): void {
    const [first, ...others] = batch;
    if (first === undefined) return;
    if (!isOneToBlame(error)) return batch.forEach(({ settle }) => settle({ error }));
    if (others.length === 0) {
      // Alone it may wait for as long as anybody does.
      if (isRetryable(error)) void settleAlone(first);
      else first.settle({ error });
      return;
    }
    const size = Math.floor(Math.sqrt(batch.length));
    for (let from = 0; from < batch.length; from += size) void settleAll(batch.slice(from, from + size));
  }

  async function settleAlone(one: One): Promise<void> {
    const [outcome] = await attempt([one], "PATIENT").catch((error: unknown) => [{ error }]);
    tell(one, outcome);
  }

  async function attempt(batch: readonly One[], manner: Manner): Promise<(Outcome<Answer> | "ALONE")[]> {
    const [first, ...others] = batch;
    if (first === undefined) return [];
    // What many asked for at once bears the id of none.
    const caller = others.length === 0 ? first.caller : { ...first.caller, requestId: null };
    const asked = batch.map((one) => one.asked);
    return observeBatch(batch.length, () => tenancy.inWorkspace(caller, (tx) => work(tx, asked), manner));
  }
}

interface Queue<One> {
  waiting: One[];
  /** Transactions. */
  inFlight: number;
  /** What they hold. */
  underWay: number;
  /** When the next begins beside those in flight, however few wait, on the clock of `performance.now()`. */
  nextAt: number;
  timer: NodeJS.Timeout | undefined;
  isScheduled: boolean;
}

function newQueue<One>(): Queue<One> {
  return { waiting: [], inFlight: 0, underWay: 0, nextAt: 0, timer: undefined, isScheduled: false };
}

/** Whether the next must wait until one of those in flight has ended. */
function isBusy({ waiting, inFlight }: Queue<unknown>): boolean {
  return inFlight >= (waiting.length < BATCH_MAX ? BATCHES_IN_FLIGHT : FULL_BATCHES_IN_FLIGHT);
}

/** Whether it can be the doing of one among many; a database that is away is not. */
function isOneToBlame(error: unknown): boolean {
  return isRetryable(error) || !(error instanceof AppError && error.code === "unavailable") || isRetryable(error.cause);
}

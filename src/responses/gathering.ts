import type { Manner } from "../platform/beginning.ts";
import { isRetryable } from "../platform/database.ts";
import { AppError } from "../platform/errors.ts";
import {
  answerEachOnce,
  type GivenAnswer,
  type KeyedAnswer,
  type KeyedRequest,
  type Outcome,
} from "../platform/idempotency.ts";
import { observeBatch } from "../platform/metrics.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseInput } from "./model.ts";
import { recordResponses } from "./service.ts";
import { type RecordingSteps, type RecordResult } from "./steps.ts";

/** In one transaction: more gain little, and what is made of all their rows in one go holds up every other request. */
const BATCH_MAX = 64;
/** Of one workspace: while one waits for the disk, and one for PostgreSQL, the next is prepared. */
const BATCHES_IN_FLIGHT = 3;
/**
 * A transaction costs much the same for one answer as for many, so a further one waits until it has as many as
 * those under way have on average; but no longer than this, in milliseconds.
 */
const LINGER_MS = 50;

/** One answer to record, and what its sender is told of the result. */
export interface Recording {
  input: ResponseInput;
  /** Where the sender named the attempt. */
  keyed: KeyedRequest | undefined;
  /** @throws what the sender must mend, and is not kept for the key */
  toAnswer: (result: RecordResult) => KeyedAnswer;
}

/** Records answers that come in one by one, many in one transaction. */
export interface Gatherer {
  /**
   * Records one answer; resolves once it is committed.
   * @throws {AppError} as for a transaction of its own
   */
  record(caller: Caller, recording: Recording): Promise<GivenAnswer>;
}

interface Waiting extends Recording {
  caller: Caller;
  settle: (outcome: Outcome) => void;
}

/**
 * Joins what arrives for one workspace, by one actor, until the next turn of the event loop, or while
 * three transactions are under way. One that fails or waits for somebody else's lock is undone and taken
 * apart, so that what is in the way stands alone and costs the others no more than that.
 */
export function createGatherer(tenancy: Tenancy, steps: RecordingSteps): Gatherer {
  // One a key that is in use; they are small and stay.
  const queues = new Map<string, Queue>();
  return {
    record: (caller, recording) =>
      new Promise((resolve, reject) => {
        const name = JSON.stringify([caller.workspaceId, caller.actor.kind, caller.actor.id]);
        const queue = queues.get(name) ?? newQueue();
        queues.set(name, queue);
        queue.waiting.push({
          ...recording,
          caller,
          settle: (outcome) => ("answer" in outcome ? resolve(outcome.answer) : reject(outcome.error)),
        });
        schedule(queue);
      }),
  };

  function schedule(queue: Queue): void {
    if (queue.waiting.length === 0 || queue.isScheduled || queue.inFlight === BATCHES_IN_FLIGHT) return;
    if (
      queue.inFlight > 0 &&
      queue.waiting.length < queue.rowsInFlight / queue.inFlight &&
      performance.now() < queue.lingersUntil
    ) {
      queue.timer ??= setTimeout(() => {
        queue.timer = undefined;
        schedule(queue);
      }, LINGER_MS);
      return;
    }
    queue.isScheduled = true;
    setImmediate(() => {
      queue.isScheduled = false;
      const batch = queue.waiting.splice(0, BATCH_MAX);
      queue.inFlight += 1;
      queue.rowsInFlight += batch.length;
      queue.lingersUntil = performance.now() + LINGER_MS;
      void settleAll(batch).finally(() => {
        queue.inFlight -= 1;
        queue.rowsInFlight -= batch.length;
        schedule(queue);
      });
    });
  }

  /** Resolves when the transaction has ended. What it could not do goes on by itself, and holds up nobody. */
  async function settleAll(batch: readonly Waiting[]): Promise<void> {
    const outcomes = await attempt(batch, "HASTY").catch((error: unknown) => ({ error }));
    if ("error" in outcomes) return takeApart(batch, outcomes.error);
    for (const [index, outcome] of outcomes.entries()) batch[index]?.settle(outcome);
  }

  function takeApart(batch: readonly Waiting[], error: unknown): void {
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

  async function settleAlone(one: Waiting): Promise<void> {
    const outcomes = await attempt([one], "PATIENT").catch((error: unknown) => [{ error }]);
    for (const outcome of outcomes) one.settle(outcome);
  }

  async function attempt(batch: readonly Waiting[], manner: Manner): Promise<Outcome[]> {
    const [first, ...others] = batch;
    if (first === undefined) return [];
    // What many asked for at once bears the id of none.
    const caller = others.length === 0 ? first.caller : { ...first.caller, requestId: null };
    return observeBatch(batch.length, () => tenancy.inWorkspace(caller, (tx) => recordEach(tx, batch, steps), manner));
  }
}

interface Queue {
  waiting: Waiting[];
  inFlight: number;
  rowsInFlight: number;
  /** On the clock of `performance.now()`. */
  lingersUntil: number;
  timer: NodeJS.Timeout | undefined;
  isScheduled: boolean;
}

function newQueue(): Queue {
  return { waiting: [], inFlight: 0, rowsInFlight: 0, lingersUntil: 0, timer: undefined, isScheduled: false };
}

/** Whether it can be the doing of one answer among many; a database that is away is not. */
function isOneToBlame(error: unknown): boolean {
  return isRetryable(error) || !(error instanceof AppError && error.code === "unavailable") || isRetryable(error.cause);
}

async function recordEach(tx: WorkspaceTx, batch: readonly Waiting[], steps: RecordingSteps): Promise<Outcome[]> {
  return answerEachOnce(
    tx,
    batch.map(({ keyed }) => keyed),
    async (fresh) => {
      const asked = fresh.flatMap((index) => batch[index] ?? []);
      const results = await recordResponses(
        tx,
        asked.map(({ input }) => input),
        steps,
      );
      return results.map((result, n) => {
        const toAnswer = asked[n]?.toAnswer;
        if (toAnswer === undefined) throw new Error("a result has no request");
        try {
          return { answer: toAnswer(result) };
        } catch (error) {
          return { error };
        }
      });
    },
  );
}

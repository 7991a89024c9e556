import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../platform/logger.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import { type Outcome, recordOutcomes } from "./outcomes.ts";

const AFTER_FAILURE_MS = 1_000;

/** Writes down what came of attempts: of each workspace one transaction at a time, with all that came in meanwhile. */
export class OutcomeWriter {
  readonly #options: { tenancy: Tenancy; logger: Logger };
  readonly #givingUp: AbortSignal;
  /** What is not written yet, by workspace, with who waits for it. */
  readonly #waiting = new Map<string, { outcome: Outcome; written: () => void }[]>();

  /** @param givingUp after it nothing is tried a second time */
  constructor(options: { tenancy: Tenancy; logger: Logger }, givingUp: AbortSignal) {
    this.#options = options;
    this.#givingUp = givingUp;
  }

  /** Resolves when it is written, with all that came in meanwhile. */
  async write(caller: Caller, outcome: Outcome): Promise<void> {
    const { workspaceId } = caller;
    const waiting = this.#waiting.get(workspaceId);
    const written = Promise.withResolvers<void>();
    if (waiting !== undefined) {
      waiting.push({ outcome, written: written.resolve });
      return written.promise;
    }
    let batch = [{ outcome, written: written.resolve }];
    while (batch.length > 0) {
      this.#waiting.set(workspaceId, []);
      const outcomes = batch.map((each) => each.outcome);
      await this.#persist(caller, outcomes);
      for (const each of batch) each.written();
      batch = this.#waiting.get(workspaceId) ?? [];
    }
    this.#waiting.delete(workspaceId);
  }

  /** Tries until it is written: what has been sent should not be sent again because the database was away. */
  async #persist(caller: Caller, outcomes: readonly Outcome[]): Promise<void> {
    const { tenancy, logger } = this.#options;
    for (;;) {
      try {
        return await tenancy.inWorkspace(caller, (tx) => recordOutcomes(tx, outcomes));
      } catch (error) {
        logger.error({ err: error, loop: "deliver" }, "loop failed");
        if (this.#givingUp.aborted) return;
        await sleep(AFTER_FAILURE_MS, undefined, { signal: this.#givingUp }).catch(() => undefined);
      }
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../platform/logger.ts";
import { observeDelivery } from "../platform/metrics.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { Breaker } from "./breaker.ts";
import {
  type Claimed,
  claimDeliveries,
  listActiveEndpoints,
  listToSend,
  releaseDeliveries,
  type ToSend,
} from "./deliveryQueries.ts";
import { traceAttempt } from "./deliveryTracing.ts";
import { OutcomeWriter } from "./outcomeWriter.ts";
import { type Sending, send } from "./sending.ts";
import type { EndpointRow } from "./table.ts";

/** Under way at once to one endpoint: what a slow one may hold, and the most that a crash can send twice. */
const IN_FLIGHT_OF_ENDPOINT_MAX = 32;
const IN_FLIGHT_MAX = 1_000;
/** Longer than an attempt (15 s) and its bookkeeping take: what a worker that died had claimed is then due again. */
const LEASE_MS = 20_000;
/** What is due is found so soon at the latest. */
const IDLE_MS = 100;
/** Between two looks while there is work: each is worth it only for several deliveries. */
const BUSY_MS = 10;
const AFTER_FAILURE_MS = 1_000;
/** What is under way when the worker stops may end until then; after it, it is given up and sent again by another. */
const GRACE_MS = 6_000;

export interface DeliveringOptions extends Sending {
  tenancy: Tenancy;
  logger: Logger;
}

/** Sends what is due, as long as the worker runs. */
export interface Delivering {
  /** Says that something may be due now. */
  wake(): void;
  /** Ends after what is under way, within 6 seconds. */
  stop(): Promise<void>;
}

/** Begins to send what is due, and goes on until it is stopped. */
export function startDelivering(options: DeliveringOptions): Delivering {
  const stopping = new AbortController();
  let waking = new AbortController();
  const wake = () => waking.abort();
  const deliverer = new Deliverer(options, wake);
  const pause = (ms: number, ...signals: AbortSignal[]) =>
    sleep(ms, undefined, { signal: AbortSignal.any([stopping.signal, ...signals]) }).catch(() => undefined);
  const loop = async () => {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      const { signal } = waking;
      try {
        const { count } = await deliverer.deliver();
        await pause(BUSY_MS);
        if (count === 0) await pause(IDLE_MS - BUSY_MS, signal);
      } catch (error) {
        options.logger.error({ err: error, loop: "deliver" }, "loop failed");
        await pause(AFTER_FAILURE_MS);
      }
    }
  };
  const running = loop();
  return {
    wake,
    stop: async () => {
      stopping.abort();
      await running;
      await deliverer.drain(GRACE_MS);
    },
  };
}

/** Claims deliveries, sends them and keeps what came of them, so many at once and no more. */
export class Deliverer {
  readonly #options: DeliveringOptions;
  readonly #breaker = new Breaker();
  readonly #inFlight = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #givingUp = new AbortController();
  readonly #outcomes: OutcomeWriter;
  readonly #onFree: () => void;
  #total = 0;

  /** @param onFree is told that there is room for more */
  constructor(options: DeliveringOptions, onFree: () => void = () => undefined) {
    this.#options = options;
    this.#onFree = onFree;
    this.#outcomes = new OutcomeWriter(options, this.#givingUp.signal);
  }

  /**
   * Takes what is due and there is room for, and begins to send it.
   * @returns how many, and when all of that is sent and written down
   */
  async deliver(): Promise<{ count: number; done: Promise<unknown> }> {
    const { tenancy } = this.#options;
    if (this.#total >= IN_FLIGHT_MAX) return { count: 0, done: Promise.resolve() };
    const { claimed, at } = await tenancy.acrossWorkspaces("deliver webhooks", async (tx) => ({
      at: tx.now,
      claimed: await claimDeliveries(tx, {
        limit: IN_FLIGHT_MAX - this.#total,
        limitOfEndpoint: IN_FLIGHT_OF_ENDPOINT_MAX,
        limits: this.#limits(),
        leaseMs: LEASE_MS,
      }),
    }));
    for (const { endpointId } of claimed) this.#count(endpointId, 1);
    const groups = Map.groupBy(claimed, ({ workspaceId }) => workspaceId);
    const done = [...groups].map(([workspaceId, own]) => this.#track(this.#deliverIn(workspaceId, own, at)));
    return { count: claimed.length, done: Promise.all(done) };
  }

  /** Waits for what is under way, and gives up what has not ended by then. @param graceMs milliseconds */
  async drain(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#givingUp.abort(), graceMs);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    clearTimeout(timer);
  }

  #limits(): Map<string, number> {
    const now = performance.now();
    const busy = new Set([...this.#inFlight.keys(), ...this.#breaker.endpointIds]);
    return new Map(
      [...busy].map((id) => {
        const inFlight = this.#inFlight.get(id) ?? 0;
        return [id, this.#breaker.allow(id, IN_FLIGHT_OF_ENDPOINT_MAX - inFlight, inFlight, now)];
      }),
    );
  }

  #count(endpointId: string, change: 1 | -1): void {
    const count = (this.#inFlight.get(endpointId) ?? 0) + change;
    if (count === 0) this.#inFlight.delete(endpointId);
    else this.#inFlight.set(endpointId, count);
    this.#total += change;
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work
      // What a failure leaves behind is due again when its lease ends.
      .catch((error: unknown) => this.#options.logger.error({ err: error, loop: "deliver" }, "loop failed"))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  async #deliverIn(workspaceId: string, claimed: readonly Claimed[], at: Date): Promise<void> {
    const left = new Map(claimed.map(({ deliveryId, endpointId }) => [deliveryId, endpointId]));
    const free = (deliveryId: string) => {
      const endpointId = left.get(deliveryId);
      if (endpointId === undefined || !left.delete(deliveryId)) return;
      this.#count(endpointId, -1);
      this.#onFree();
    };
    try {
      const { tenancy } = this.#options;
      const [deliveries, endpoints] = await tenancy.inWorkspace(callerIn(workspaceId), (tx) =>
        together([listToSend(tx, [...left.keys()]), listActiveEndpoints(tx, [...new Set(left.values())])]),
      );
      const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
      const sending = deliveries.flatMap((delivery) => {
        const endpoint = byId.get(delivery.endpointId);
        if (endpoint === undefined) return [];
        return this.#attempt(workspaceId, delivery, endpoint, at).then(
          (isOver) => isOver && free(delivery.id),
          (error: unknown) => {
            // Not given back: it is due again when its lease ends, and not at once.
            free(delivery.id);
            throw error;
          },
        );
      });
      const results = await Promise.allSettled(sending);
      const back = [...left.keys()];
      if (back.length > 0) await tenancy.inWorkspace(callerIn(workspaceId), (tx) => releaseDeliveries(tx, back));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    } finally {
      for (const deliveryId of left.keys()) free(deliveryId);
    }
  }

  /** @returns false where it was given up, so that somebody else may make it at once */
  async #attempt(workspaceId: string, delivery: ToSend, endpoint: EndpointRow, at: Date): Promise<boolean> {
    const sent = await traceAttempt(workspaceId, delivery, endpoint, () =>
      send(this.#options, delivery, endpoint, { at, signal: this.#givingUp.signal }),
    );
    if (sent === undefined) return false;
    observeDelivery(sent.outcome, sent.durationMs);
    if (sent.outcome === "DELIVERED") this.#breaker.succeeded(endpoint.id);
    else this.#breaker.failed(endpoint.id, performance.now());
    await this.#outcomes.write(callerIn(workspaceId), { sent, endpoint });
    return true;
  }
}

function callerIn(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "deliver" }, requestId: null };
}

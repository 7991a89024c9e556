import type { WorkspaceTx } from "../platform/tenancy.ts";
import { insertAttempts, setFailingSince } from "./deliveryQueries.ts";
import { disableEndpoint } from "./disabling.ts";
import { lockEndpoint } from "./queries.ts";
import type { Sent } from "./sending.ts";
import type { EndpointRow } from "./table.ts";

const DAY_MS = 24 * 3_600_000;
/** An endpoint that has done nothing but fail for so long is disabled. */
const FAILING_DAYS_MAX = 5;

/** An attempt, with the endpoint as it was when it was made. */
export interface Outcome {
  sent: Sent;
  endpoint: EndpointRow;
}

/**
 * Keeps what came of attempts, and what they say of their endpoints: one that works again is no longer failing, and
 * one that wants nothing more, or fails for five days on end, is disabled.
 */
export async function recordOutcomes(tx: WorkspaceTx, outcomes: readonly Outcome[]): Promise<void> {
  await insertAttempts(
    tx,
    outcomes.map(({ sent }) => sent),
  );
  for (const own of Map.groupBy(outcomes, ({ endpoint }) => endpoint.id).values()) await judge(tx, own);
}

async function judge(tx: WorkspaceTx, all: readonly Outcome[]): Promise<void> {
  const [first] = all;
  if (first === undefined) return;
  const { id } = first.endpoint;
  let outcomes = all;
  if (all.some(({ sent }) => sent.isGone)) {
    const current = await lockEndpoint(tx, id, "update");
    // What another URL has answered, in whose place this has come meanwhile, says nothing of it.
    outcomes = all.filter(({ endpoint }) => endpoint.url === current?.url);
    if (outcomes.some(({ sent }) => sent.isGone)) return void (await disableEndpoint(tx, id, "It answered 410 Gone."));
  }
  const { failingSince } = outcomes[0]?.endpoint ?? first.endpoint;
  const sent = outcomes.map((outcome) => outcome.sent).filter(({ status, error }) => status !== null || error !== null);
  if (sent.length === 0) return;
  if (sent.some(({ outcome }) => outcome === "DELIVERED")) {
    if (failingSince !== null) await setFailingSince(tx, id, null);
    return;
  }
  const since = failingSince ?? new Date(Math.min(...sent.map(({ attemptedAt }) => attemptedAt.getTime())));
  if (tx.now.getTime() - since.getTime() >= FAILING_DAYS_MAX * DAY_MS)
    await disableEndpoint(tx, id, `It has failed for ${FAILING_DAYS_MAX} days.`);
  else if (failingSince === null) await setFailingSince(tx, id, since);
}

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

async function judge(tx: WorkspaceTx, outcomes: readonly Outcome[]): Promise<void> {
  const [first] = outcomes;
  if (first === undefined) return;
  const { id, failingSince } = first.endpoint;
  const sent = outcomes.map((outcome) => outcome.sent).filter(({ status, error }) => status !== null || error !== null);
  const goneFrom = outcomes.find((outcome) => outcome.sent.isGone)?.endpoint.url;
  if (goneFrom !== undefined) {
    // It says nothing of a URL that has taken its place meanwhile.
    const isCurrent = (await lockEndpoint(tx, id, "update"))?.url === goneFrom;
    if (isCurrent) await disableEndpoint(tx, id, "It answered 410 Gone.");
    return;
  }
  if (sent.some(({ outcome }) => outcome === "DELIVERED")) {
    if (failingSince !== null) await setFailingSince(tx, id, null);
    return;
  }
  const since = failingSince ?? new Date(Math.min(...sent.map(({ attemptedAt }) => attemptedAt.getTime())));
  if (tx.now.getTime() - since.getTime() >= FAILING_DAYS_MAX * DAY_MS)
    await disableEndpoint(tx, id, `It has failed for ${FAILING_DAYS_MAX} days.`);
  else if (failingSince === null) await setFailingSince(tx, id, since);
}

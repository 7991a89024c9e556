import { invalidRequest } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import {
  acknowledgeResponses,
  listResponsesById,
  lockResponses,
  markReached,
  type RecordedResponse,
} from "../responses/index.ts";
import { changeCase, type Target } from "./changing.ts";
import type { Contact } from "./commands.ts";
import { type Clock, joinClock, meetClock, START_TOLERANCE_MS } from "./firstContact.ts";
import { targetOf } from "./lifecycle.ts";
import type { Case } from "./model.ts";
import { reasonOf } from "./placing.ts";
import type { Policy } from "./policy.ts";
import { loadPolicies } from "./policyStore.ts";
import { caseSummaryOf, listResponseIdsOf } from "./queries.ts";
import { reasonsToCall } from "./reasons.ts";
import { requeue } from "./settling.ts";
import { type CaseRow, idsOf, latestClock } from "./writes.ts";

const REACHING: ReadonlySet<Contact["outcome"]> = new Set(["REACHED", "LEFT_MESSAGE", "SENT"]);

/**
 * Records that somebody reached out, or tried to, or that the customer did. The first time we reached out
 * stops the clock, also where it is entered later than another.
 * @throws {AppError} `invalid_request` for a time in the future or before the clock
 */
export async function recordContact(tx: WorkspaceTx, target: Target, input: Contact): Promise<Case> {
  // Answers are locked before cases, here as where an answer is changed: the other order would be a deadlock.
  const links = await listResponseIdsOf(tx, [target.id]);
  await lockResponses(
    tx,
    links.map(({ id }) => id),
  );
  return changeCase(tx, target, async (row) => {
    const { channel, direction, outcome, note = null } = input;
    const occurredAt = input.occurredAt === undefined ? tx.now : new Date(input.occurredAt);
    requireTime(occurredAt, row, tx.now);
    const topics = [...new Set(input.topics)];
    const activity = {
      type: "CONTACT" as const,
      occurredAt,
      text: note,
      details: { channel, direction, outcome, topics },
    };
    const responses = await listResponseIdsOf(tx, [row.id]);
    const ids = responses.map(({ id }) => id);
    if (topics.includes("THANKED") && REACHING.has(outcome)) {
      await acknowledgeResponses(tx, ids, occurredAt, { caseSummaryOf }, START_TOLERANCE_MS);
    }
    if (direction === "INBOUND" || !REACHING.has(outcome)) return { activities: [activity] };
    await markReached(tx, ids, occurredAt, START_TOLERANCE_MS);
    const clocks = row.clocks.map((clock) => meetClock(clock, occurredAt));
    const since = row.status === "OPEN" && latestClock(row).metAt === null ? await listSince(tx, ids, occurredAt) : [];
    const reached =
      since.length === 0
        ? { clocks, status: targetOf(row.status, "contact") ?? row.status }
        : { clocks: startSince(clocks, since, (await loadPolicies(tx, idsOf([row.id]))).of(row.policyVersion)) };
    return { row: requeue({ ...row, ...reached }), activities: [activity], events: ["case.contacted"] };
  });
}

/** The answers that are a reason to call, and came after a contact that is entered only now, as they came. */
async function listSince(tx: WorkspaceTx, ids: readonly string[], occurredAt: Date): Promise<RecordedResponse[]> {
  const had = new Date(occurredAt.getTime() + START_TOLERANCE_MS).toISOString();
  return (await listResponsesById(tx, ids))
    .filter((answer) => answer.receivedAt > had && reasonsToCall(answer).length > 0)
    .toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
}

/** The clock that they would have started, had the contact been entered before they came. */
function startSince(clocks: readonly Clock[], since: readonly RecordedResponse[], policy: Policy): Clock[] {
  let all = [...clocks];
  for (const answer of since) {
    const latest = all.at(-1);
    if (latest === undefined) return all;
    const clock = joinClock(latest, "NEW_RESPONSE", new Date(answer.receivedAt), reasonOf(answer), policy);
    all = clock.n > latest.n ? [...all, clock] : [...all.slice(0, -1), clock];
  }
  return all;
}

function requireTime(occurredAt: Date, row: CaseRow, now: Date): void {
  if (occurredAt > now) throw invalidRequest([{ name: "occurredAt", reason: "must not be in the future" }]);
  const { startedAt } = latestClock(row);
  if (occurredAt.getTime() < startedAt.getTime() - START_TOLERANCE_MS) {
    const reason = `must not be before the clock started, at ${startedAt.toISOString()}; a note can tell of it`;
    throw invalidRequest([{ name: "occurredAt", reason }]);
  }
}

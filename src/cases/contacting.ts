import { invalidRequest } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { acknowledgeResponses, lockResponses, markReached } from "../responses/index.ts";
import { changeCase, type Target } from "./changing.ts";
import type { Contact } from "./commands.ts";
import { meetClock, START_TOLERANCE_MS } from "./firstContact.ts";
import { targetOf } from "./lifecycle.ts";
import type { Case } from "./model.ts";
import { caseSummaryOf, listResponseIdsOf } from "./queries.ts";
import { type CaseRow, latestClock } from "./writes.ts";

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
      await acknowledgeResponses(tx, ids, occurredAt, { caseSummaryOf });
    }
    if (direction === "INBOUND" || !REACHING.has(outcome)) return { activities: [activity] };
    await markReached(tx, ids, occurredAt, START_TOLERANCE_MS);
    const clocks = row.clocks.map((clock) => meetClock(clock, occurredAt));
    const status = targetOf(row.status, "contact") ?? row.status;
    return { row: { ...row, clocks, status }, activities: [activity], events: ["case.contacted"] };
  });
}

function requireTime(occurredAt: Date, row: CaseRow, now: Date): void {
  if (occurredAt > now) throw invalidRequest([{ name: "occurredAt", reason: "must not be in the future" }]);
  const { startedAt } = latestClock(row);
  if (occurredAt.getTime() < startedAt.getTime() - START_TOLERANCE_MS) {
    const reason = `must not be before the clock started, at ${startedAt.toISOString()}; a note can tell of it`;
    throw invalidRequest([{ name: "occurredAt", reason }]);
  }
}

import { listSourceIds, removeOldReceipts } from "../intake/index.ts";
import { NO_ID } from "../platform/pagination.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { listSilentPeople, type OldAnswer, removeOldComments } from "../responses/index.ts";
import { forgetDeliveries } from "../webhooks/index.ts";
import { getAllWorkspaces } from "../workspaces/index.ts";
import { erasePerson } from "./erasing.ts";
import type { Counts } from "./model.ts";
import { addCounts, getRetention } from "./queries.ts";

const DAY_MS = 24 * 3_600_000;
/** One transaction: small, so that nothing waits for it. */
const ROWS_PER_STEP = 1_000;

/**
 * Lets go, in each workspace, of what it keeps no longer: comments and properties, people, receipts and deliveries.
 * What a worker that died has left is found by the next, and any number may do it at once.
 * @returns how much of each
 */
export async function keepRetention(tenancy: Tenancy): Promise<Counts> {
  let counts: Counts = { comments: 0, people: 0, receipts: 0, deliveries: 0 };
  for (const { id: workspaceId } of await getAllWorkspaces(tenancy)) {
    const caller: Caller = { workspaceId, actor: { kind: "job", id: "retention" }, requestId: null };
    counts = addCounts(counts, await keepRetentionOf(tenancy, caller));
  }
  return counts;
}

async function keepRetentionOf(tenancy: Tenancy, caller: Caller): Promise<Counts> {
  const within = <T>(work: (tx: WorkspaceTx) => Promise<T>) => tenancy.inWorkspace(caller, work);
  const { commentDays, identityDays, receiptDays, deliveryDays } = await within(getRetention);
  const counts = { comments: 0, people: 0, receipts: 0, deliveries: 0 };
  const before = (days: number) => (now: Date) => new Date(now.getTime() - days * DAY_MS);

  if (commentDays != null) {
    let answer: OldAnswer | undefined;
    do {
      const after: OldAnswer | undefined = answer;
      const page = await within((tx) =>
        removeOldComments(tx, before(commentDays)(tx.now), { after, limit: ROWS_PER_STEP }),
      );
      counts.comments += page.count;
      answer = page.last;
    } while (answer !== undefined);
  }
  if (identityDays != null) counts.people = await eraseSilent(within, before(identityDays));
  if (receiptDays != null) {
    for (const sourceId of await within(listSourceIds)) {
      for (;;) {
        const gone = await within((tx) => removeOldReceipts(tx, sourceId, before(receiptDays)(tx.now), ROWS_PER_STEP));
        counts.receipts += gone;
        if (gone === 0) break;
      }
    }
  }
  if (deliveryDays != null) counts.deliveries = await forgetDeliveries(tenancy, caller, before(deliveryDays));
  return counts;
}

async function eraseSilent(
  within: <T>(work: (tx: WorkspaceTx) => Promise<T>) => Promise<T>,
  before: (now: Date) => Date,
): Promise<number> {
  let count = 0;
  let after = NO_ID;
  for (;;) {
    const from = after;
    const page = await within((tx) => listSilentPeople(tx, before(tx.now), { after: from, limit: ROWS_PER_STEP }));
    for (const { id } of page.filter(({ isSilent }) => isSilent)) {
      if ((await within((tx) => erasePerson(tx, id))) !== undefined) count += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < ROWS_PER_STEP) return count;
    after = last.id;
  }
}

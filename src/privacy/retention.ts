import { listSourceIds, removeOldReceipts } from "../intake/index.ts";
import { lockPerson } from "../people/index.ts";
import { Failures } from "../platform/failures.ts";
import { NO_ID } from "../platform/pagination.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { isSilent, listSilentPeople, type OldAnswer, removeOldComments } from "../responses/index.ts";
import { forgetDeliveries } from "../webhooks/index.ts";
import { getAllWorkspaces } from "../workspaces/index.ts";
import { erasePerson } from "./erasing.ts";
import type { Counts } from "./model.ts";
import { addCounts, getRetention } from "./queries.ts";
import { type InWorkspace, stepThrough } from "./stepping.ts";

const DAY_MS = 24 * 3_600_000;
/** One transaction: small, so that nothing waits for it. */
const ROWS_PER_STEP = 1_000;

/**
 * Lets go, in each workspace, of what it keeps no longer: comments and properties, people, receipts and deliveries.
 * What a worker that died has left is found by the next, and any number may do it at once.
 * What stands in the way in one workspace holds up no other.
 * @returns how much of each
 * @throws the first failure, once everything else is done
 */
export async function keepRetention(tenancy: Tenancy): Promise<Counts> {
  let counts: Counts = {};
  const failures = new Failures();
  for (const { id: workspaceId } of await getAllWorkspaces(tenancy)) {
    const caller: Caller = { workspaceId, actor: { kind: "job", id: "retention" }, requestId: null };
    const own = await failures.keep(workspaceId, () => keepRetentionOf(tenancy, caller));
    counts = addCounts(counts, own ?? {});
  }
  failures.end();
  return counts;
}

async function keepRetentionOf(tenancy: Tenancy, caller: Caller): Promise<Counts> {
  const within: InWorkspace = (work) => tenancy.inWorkspace(caller, work);
  const { commentDays, identityDays, receiptDays, deliveryDays } = await within(getRetention);
  const counts = { comments: 0, people: 0, receipts: 0, deliveries: 0 };
  const before = (days: number) => (now: Date) => new Date(now.getTime() - days * DAY_MS);

  if (commentDays != null) {
    const oldest = before(commentDays);
    counts.comments = await stepThrough<OldAnswer>(within, (tx, after) =>
      removeOldComments(tx, oldest(tx.now), { after, limit: ROWS_PER_STEP }),
    );
  }
  if (identityDays != null) counts.people = await eraseSilent(within, before(identityDays));
  if (receiptDays != null) counts.receipts = await removeReceipts(within, before(receiptDays));
  if (deliveryDays != null) counts.deliveries = await forgetDeliveries(tenancy, caller, before(deliveryDays));
  return counts;
}

/** Each person in a transaction of their own. */
async function eraseSilent(within: InWorkspace, before: (now: Date) => Date): Promise<number> {
  let count = 0;
  let after = NO_ID;
  for (;;) {
    const from = after;
    const page = await within((tx) => listSilentPeople(tx, before(tx.now), { after: from, limit: ROWS_PER_STEP }));
    for (const { id } of page.filter((person) => person.isSilent)) {
      if (await within((tx) => eraseWhoIsSilent(tx, id, before(tx.now)))) count += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < ROWS_PER_STEP) return count;
    after = last.id;
  }
}

/** Who has answered since they were looked for stays: once locked, nobody adds an answer of theirs. */
async function eraseWhoIsSilent(tx: WorkspaceTx, id: string, since: Date): Promise<boolean> {
  if ((await lockPerson(tx, id)) === undefined || !(await isSilent(tx, id, since))) return false;
  return (await erasePerson(tx, id)) !== undefined;
}

async function removeReceipts(within: InWorkspace, before: (now: Date) => Date): Promise<number> {
  let count = 0;
  for (const sourceId of await within(listSourceIds)) {
    let removed: number;
    do {
      removed = await within((tx) => removeOldReceipts(tx, sourceId, before(tx.now), ROWS_PER_STEP));
      count += removed;
    } while (removed > 0);
  }
  return count;
}

import { setTimeout as sleep } from "node:timers/promises";
import { eraseRejections, eraseRows, listChunks } from "../imports/index.ts";
import { eraseReceipts, eraseStrayReceipts, type ReceiptPlace } from "../intake/index.ts";
import { eraseKeptAnswers, FIRST_KEY, type KeyPlace } from "../platform/idempotencyErasing.ts";
import { NO_ID } from "../platform/pagination.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { eraseEventsPage } from "../webhooks/index.ts";
import type { Counts } from "./model.ts";
import { findTarget, finishErasure, listRunningErasures, type Target } from "./queries.ts";

const ERASURES_PER_LOOK = 100;
/** Requests end within seconds; what takes longer, as a rebuild of counts does, writes nothing about a person. */
const WAIT_MS = 10_000;
const LOOK_MS = 100;

/** An erasure as a job knows it. */
export interface ErasureJob {
  workspaceId: string;
  id: string;
}

/** Erasures whose copies are still to be looked for. */
export async function findRunningErasures(tenancy: Tenancy): Promise<ErasureJob[]> {
  return tenancy.acrossWorkspaces("find what is due", (tx) => listRunningErasures(tx, ERASURES_PER_LOOK));
}

/**
 * Looks for what no index leads to: kept answers of requests, deliveries of survey tools that led to nothing, rows of
 * files, events of when nobody knew yet whose answer it was. Each part is a transaction of its own, and the whole may be
 * done any number of times, also by several at once.
 */
export async function eraseCopies(tenancy: Tenancy, { workspaceId, id }: ErasureJob): Promise<void> {
  const caller: Caller = { workspaceId, actor: { kind: "job", id: "erase" }, requestId: null };
  const within = <T>(work: (tx: WorkspaceTx) => Promise<T>) => tenancy.inWorkspace(caller, work);
  const until = performance.now() + WAIT_MS;
  let found = await within((tx) => findTarget(tx, id));
  // A request that began before may still write what it had read of the person.
  while (found !== undefined && !found.isSettled && performance.now() < until) {
    await sleep(LOOK_MS);
    found = await within((tx) => findTarget(tx, id));
  }
  if (found === undefined) return;
  const counts = await eraseAll(within, found.target);
  await within((tx) => finishErasure(tx, id, counts));
}

async function eraseAll(
  within: <T>(work: (tx: WorkspaceTx) => Promise<T>) => Promise<T>,
  target: Target,
): Promise<Counts> {
  const { personId, shellId, externalId, email, phone, answers, caseIds } = target;
  const responseIds = answers.map((answer) => answer.id);
  const counts = { idempotencyKeys: 0, receipts: 0, importRows: 0, importRejections: 0, events: 0 };

  const kept = { personId, ids: [...responseIds, ...caseIds] };
  let key: KeyPlace | undefined = FIRST_KEY;
  while (key !== undefined) {
    const after: KeyPlace = key;
    const page = await within((tx) => eraseKeptAnswers(tx, kept, after));
    counts.idempotencyKeys += page.count;
    key = page.last;
  }

  counts.receipts += await within((tx) => eraseReceipts(tx, responseIds));
  const needles = needlesOf(target);
  let receipt: ReceiptPlace | undefined;
  do {
    const after: ReceiptPlace | undefined = receipt;
    const page = await within((tx) => eraseStrayReceipts(tx, needles, after));
    counts.receipts += page.count;
    receipt = page.last;
  } while (receipt !== undefined);

  const person = { externalId, email, phone, answers };
  for (const chunk of await within(listChunks)) {
    counts.importRows += await within((tx) => eraseRows(tx, chunk, person));
  }
  counts.importRejections += await within((tx) => eraseRejections(tx, person));

  let event: string | undefined = NO_ID;
  while (event !== undefined) {
    const after: string = event;
    const page = await within((tx) => eraseEventsPage(tx, { personId, shellId, responseIds, caseIds }, after));
    counts.events += page.events;
    event = page.last;
  }
  return counts;
}

/** The texts by which a body that nobody could read is known to be about somebody. */
export function needlesOf({
  externalId,
  email,
  phone,
  answers,
}: Pick<Target, "externalId" | "email" | "phone" | "answers">): string[] {
  const ids = answers.map((answer) => answer.externalId);
  return [externalId, email, phone, ...ids].filter((text) => text !== null);
}

import { setTimeout as sleep } from "node:timers/promises";
import { eraseRejections, eraseRows, listChunks, type RejectionPlace } from "../imports/index.ts";
import { eraseReceipts, eraseStrayReceipts, type ReceiptPlace } from "../intake/index.ts";
import { eraseKeptAnswers, type KeyPlace } from "../platform/idempotencyErasing.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import { eraseEventsPage } from "../webhooks/index.ts";
import type { Counts } from "./model.ts";
import { findTarget, finishErasure, listRunningErasures, type Target } from "./queries.ts";
import { type InWorkspace, stepThrough } from "./stepping.ts";

/** Far more than fail for good: those are always among the oldest. */
const ERASURES_PER_LOOK = 1_000;
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
  const within: InWorkspace = (work) => tenancy.inWorkspace(caller, work);
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

async function eraseAll(within: InWorkspace, target: Target): Promise<Counts> {
  const { personId, shellId, externalId, email, phone, answers, caseIds } = target;
  const responseIds = answers.map((answer) => answer.id);
  const kept = { personId, ids: [...responseIds, ...caseIds] };
  const needles = needlesOf(target);
  const person = { externalId, email, phone, answers };
  const events = { personId, shellId, responseIds, caseIds };

  const idempotencyKeys = await stepThrough<KeyPlace>(within, (tx, after) => eraseKeptAnswers(tx, kept, after));
  const ownReceipts = await within((tx) => eraseReceipts(tx, responseIds));
  const strayReceipts = await stepThrough<ReceiptPlace>(within, (tx, after) => eraseStrayReceipts(tx, needles, after));
  let importRows = 0;
  for (const chunk of await within(listChunks)) importRows += await within((tx) => eraseRows(tx, chunk, person));
  return {
    idempotencyKeys,
    receipts: ownReceipts + strayReceipts,
    importRows,
    importRejections: await stepThrough<RejectionPlace>(within, (tx, after) => eraseRejections(tx, person, after)),
    events: await stepThrough<string>(within, (tx, after) => eraseEventsPage(tx, events, after)),
  };
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

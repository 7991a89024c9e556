import { and, asc, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm";
import { distinct, unnest } from "../platform/sql.ts";
import { type Statement, statement } from "../platform/statement.ts";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import type { RECEIPT_OUTCOMES } from "./model.ts";
import { type ReceiptRow, type SourceRow, sourceReceipts, sources } from "./table.ts";

const ownSource = (tx: WorkspaceTx, condition: SQL) => and(eq(sources.workspaceId, tx.workspaceId), condition);
const selectSource = (tx: WorkspaceTx, condition: SQL) => tx.db.select().from(sources).where(ownSource(tx, condition));

/** Of any workspace: a delivery names nothing but its source. */
export async function findSourceAnywhere(tx: SystemTx, id: string): Promise<SourceRow | undefined> {
  const [found] = await tx.db.select().from(sources).where(eq(sources.id, id));
  return found;
}

export async function findSource(tx: WorkspaceTx, id: string): Promise<SourceRow | undefined> {
  const [found] = await selectSource(tx, eq(sources.id, id));
  return found;
}

/** Locked: against changes, or only against being deleted while something refers to it. */
export async function lockSource(
  tx: WorkspaceTx,
  id: string,
  strength: "update" | "key share",
): Promise<SourceRow | undefined> {
  const [found] = await selectSource(tx, eq(sources.id, id)).for(strength);
  return found;
}

export async function findSourceByKey(tx: WorkspaceTx, key: string): Promise<SourceRow | undefined> {
  const [found] = await selectSource(tx, eq(sources.key, key));
  return found;
}

/** Newest first; one row more than `limit` where there are more. */
export async function listSources(tx: WorkspaceTx, limit: number, after: string | undefined): Promise<SourceRow[]> {
  return tx.db
    .select()
    .from(sources)
    .where(and(eq(sources.workspaceId, tx.workspaceId), after === undefined ? undefined : lt(sources.id, after)))
    .orderBy(desc(sources.id))
    .limit(limit + 1);
}

export async function insertSource(tx: WorkspaceTx, row: SourceRow): Promise<void> {
  await tx.db.insert(sources).values(row);
}

export async function updateSource(
  tx: WorkspaceTx,
  { workspaceId: _workspaceId, id, ...row }: SourceRow,
): Promise<void> {
  await tx.db
    .update(sources)
    .set(row)
    .where(ownSource(tx, eq(sources.id, id)));
}

/** With what it received. */
export async function removeSource(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db
    .delete(sourceReceipts)
    .where(and(eq(sourceReceipts.workspaceId, tx.workspaceId), eq(sourceReceipts.sourceId, id)));
  await tx.db.delete(sources).where(ownSource(tx, eq(sources.id, id)));
}

export interface ReceiptPage {
  outcomes?: (typeof RECEIPT_OUTCOMES)[number][] | undefined;
  after?: string | undefined;
  /** One more is fetched where there are more. */
  limit: number;
}

const ofSource = (tx: WorkspaceTx, sourceId: string, outcomes: ReceiptPage["outcomes"], condition: SQL | undefined) =>
  and(
    eq(sourceReceipts.workspaceId, tx.workspaceId),
    eq(sourceReceipts.sourceId, sourceId),
    outcomes === undefined ? undefined : inArray(sourceReceipts.outcome, outcomes),
    condition,
  );

/** Of one source, newest first; ids are in the order of arrival. */
export async function listReceipts(
  tx: WorkspaceTx,
  sourceId: string,
  { outcomes, after, limit }: ReceiptPage,
): Promise<ReceiptRow[]> {
  return tx.db
    .select()
    .from(sourceReceipts)
    .where(ofSource(tx, sourceId, outcomes, after === undefined ? undefined : lt(sourceReceipts.id, after)))
    .orderBy(desc(sourceReceipts.id))
    .limit(limit + 1);
}

/** The ids of receipts that are to be read again, oldest first, one more than `limit` where there are more: their bodies may be large. */
export async function listReceiptIds(
  tx: WorkspaceTx,
  sourceId: string,
  { outcomes, after, limit }: ReceiptPage,
): Promise<string[]> {
  const rows = await tx.db
    .select({ id: sourceReceipts.id })
    .from(sourceReceipts)
    .where(ofSource(tx, sourceId, outcomes, after === undefined ? undefined : gt(sourceReceipts.id, after)))
    .orderBy(asc(sourceReceipts.id))
    .limit(limit + 1);
  return rows.map(({ id }) => id);
}

export async function findReceipt(tx: WorkspaceTx, sourceId: string, id: string): Promise<ReceiptRow | undefined> {
  const [found] = await tx.db
    .select()
    .from(sourceReceipts)
    .where(ofSource(tx, sourceId, undefined, eq(sourceReceipts.id, id)));
  return found;
}

/** Locked, so that none that is deleted meanwhile comes back; undefined where it is gone. */
export async function lockReceipt(tx: WorkspaceTx, sourceId: string, id: string): Promise<ReceiptRow | undefined> {
  const [found] = await tx.db
    .select()
    .from(sourceReceipts)
    .where(ofSource(tx, sourceId, undefined, eq(sourceReceipts.id, id)))
    .for("update");
  return found;
}

/** The parts of an answer that came before its score, in the order of arrival. */
export async function listWaitingReceipts(
  tx: WorkspaceTx,
  sourceId: string,
  externalId: string,
): Promise<ReceiptRow[]> {
  return tx.db
    .select()
    .from(sourceReceipts)
    .where(
      and(
        eq(sourceReceipts.workspaceId, tx.workspaceId),
        eq(sourceReceipts.sourceId, sourceId),
        eq(sourceReceipts.externalId, externalId),
        // As a parameter its plan would be one for either value, which has no use for the index of those that wait.
        sourceReceipts.isWaiting,
      ),
    )
    .orderBy(asc(sourceReceipts.id));
}

/** Which of these answers have parts that came before their score. */
export async function listWaitingIds(
  tx: WorkspaceTx,
  sourceId: string,
  externalIds: readonly string[],
): Promise<string[]> {
  const rows = await tx.prepared<{ externalId: string }>(statement`/* intake.listWaitingIds */
    select external_id as "externalId" from ${unnest({ external_id: ["text", externalIds] })}
    where exists (select from source_receipts where workspace_id = ${tx.workspaceId} and source_id = ${sourceId}
      and source_receipts.external_id = input.external_id and is_waiting)`);
  return rows.map(({ externalId }) => externalId);
}

/** Whether something that came later has become part of a response. */
export async function isTakenSince(
  tx: WorkspaceTx,
  sourceId: string,
  responseId: string,
  receivedAt: Date,
): Promise<boolean> {
  const found = await tx.run(sql`/* intake.isTakenSince */
    select 1 from source_receipts
    where workspace_id = ${tx.workspaceId} and source_id = ${sourceId} and response_id = ${responseId}
      and outcome in ('RECORDED', 'UPDATED') and received_at > ${receivedAt} limit 1`);
  return found.length > 0;
}

/** Whether what a response was last made of by its source are these very bytes. */
export async function isLastTaken(
  tx: WorkspaceTx,
  sourceId: string,
  responseId: string,
  body: Buffer,
): Promise<boolean> {
  const [last] = await tx.prepared<{ isSame: boolean }>(statement`/* intake.isLastTaken */
    select body = ${body} as "isSame" from source_receipts
    where workspace_id = ${tx.workspaceId} and source_id = ${sourceId} and response_id = ${responseId}
      and outcome in ('RECORDED', 'UPDATED')
    order by processed_at desc, id desc limit 1`);
  return last?.isSame ?? false;
}

/** Stores a receipt, or what became of it now. */
export async function saveReceipt(tx: WorkspaceTx, row: ReceiptRow): Promise<void> {
  await tx.prepared(writeOf(row));
}

/** The same for one that this transaction does not read. */
export function saveReceiptLater(tx: WorkspaceTx, row: ReceiptRow): void {
  tx.later(writeOf(row));
}

// One by one: a list would hold all bodies once more, and as text of twice their size.
function writeOf(row: ReceiptRow): Statement {
  const { workspaceId, sourceId, id, receivedAt, headers, body, outcome, reason } = row;
  const { externalId, isWaiting, responseId, processedAt } = row;
  return statement`/* intake.saveReceipt */
    insert into source_receipts (workspace_id, source_id, id, received_at, headers, body, outcome, reason,
      external_id, is_waiting, response_id, processed_at)
    values (${workspaceId}, ${sourceId}, ${id}, ${receivedAt}, ${JSON.stringify(headers)}::jsonb, ${body},
      ${outcome}, ${reason}, ${externalId}, ${isWaiting}, ${responseId}, ${processedAt})
    on conflict (workspace_id, source_id, id) do update
    set headers = excluded.headers, body = excluded.body, outcome = excluded.outcome, reason = excluded.reason,
      external_id = excluded.external_id, is_waiting = excluded.is_waiting, response_id = excluded.response_id,
      processed_at = excluded.processed_at`;
}

/** Events of one answer go one after the other, so that each sees what the one before it did. */
export async function lockAnswers(tx: WorkspaceTx, sourceId: string, externalIds: readonly string[]): Promise<void> {
  const names = distinct(externalIds).map((externalId) => JSON.stringify([tx.workspaceId, sourceId, externalId]));
  await tx.run(statement`/* intake.lockAnswers */
    select pg_advisory_xact_lock(hashtextextended(name, 0)) from ${unnest({ name: ["text", names] })}`);
}

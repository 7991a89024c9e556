import { sql } from "drizzle-orm";
import { isMentioned } from "../people/index.ts";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { parseDelivery } from "./deliveries.ts";
import type { ReceiptRow } from "./table.ts";

const RECEIPTS_PER_PAGE = 200;

/** Deletes what was received about these responses. @returns how many */
export async function eraseReceipts(tx: WorkspaceTx, responseIds: readonly string[]): Promise<number> {
  const gone = await tx.run(sql`/* intake.eraseReceipts */
    delete from source_receipts where workspace_id = ${tx.workspaceId} and response_id = ${anyOf("uuid", responseIds)}
    returning id`);
  return gone.length;
}

/** A place among receipts; undefined before the first. */
export type ReceiptPlace = Pick<ReceiptRow, "sourceId" | "id">;

/**
 * Deletes those of a part of the receipts that led to no response in which one of these texts stands: a person's
 * e-mail, telephone number and ids, and the ids of their answers.
 * @returns how many, and after which to go on; undefined where there are no more
 */
export async function eraseStrayReceipts(
  tx: WorkspaceTx,
  needles: readonly string[],
  after: ReceiptPlace | undefined,
): Promise<{ count: number; last: ReceiptPlace | undefined }> {
  const page = await listStrayReceipts(tx, after);
  const own = await select(page, needles);
  await tx.run(sql`/* intake.eraseStrayReceipts */
    delete from source_receipts where workspace_id = ${tx.workspaceId} and response_id is null
      and id = ${anyOf(
        "uuid",
        own.map(({ id }) => id),
      )}`);
  return { count: own.length, last: page.length < RECEIPTS_PER_PAGE ? undefined : page.at(-1) };
}

/** What was received about a person, for an export of what is held about them. */
export async function listReceiptsOf(
  tx: WorkspaceTx,
  responseIds: readonly string[],
  needles: readonly string[],
): Promise<object[]> {
  const found = await tx.run<Kept>(sql`/* intake.listReceiptsOf */
    select ${COLUMNS} from source_receipts
    where workspace_id = ${tx.workspaceId} and response_id = ${anyOf("uuid", responseIds)} order by id`);
  let after: ReceiptPlace | undefined;
  do {
    const page: Kept[] = await listStrayReceipts(tx, after);
    found.push(...(await select(page, needles)));
    after = page.length < RECEIPTS_PER_PAGE ? undefined : page.at(-1);
  } while (after !== undefined);
  return found.map(({ externalId: _externalId, body, ...receipt }) => ({ ...receipt, body: body.toString("utf8") }));
}

/** Deletes what a source has sent before this time, the oldest first. @returns how many */
export async function removeOldReceipts(tx: WorkspaceTx, sourceId: string, before: Date, limit: number) {
  // Ids are in the order of arrival.
  const gone = await tx.run(sql`/* intake.removeOldReceipts */
    delete from source_receipts where workspace_id = ${tx.workspaceId} and source_id = ${sourceId} and received_at < ${before}
      and id = any (array(select id from source_receipts where workspace_id = ${tx.workspaceId} and source_id = ${sourceId}
        order by id limit ${limit})) returning id`);
  return gone.length;
}

/** Every source of the workspace. */
export async function listSourceIds(tx: WorkspaceTx): Promise<string[]> {
  const rows = await tx.run<{ id: string }>(sql`/* intake.listSourceIds */
    select id from sources where workspace_id = ${tx.workspaceId} order by id`);
  return rows.map(({ id }) => id);
}

type Kept = Pick<ReceiptRow, "sourceId" | "id" | "receivedAt" | "headers" | "body" | "externalId">;
const COLUMNS = sql`source_id as "sourceId", id, received_at as "receivedAt", headers, body, external_id as "externalId"`;

async function listStrayReceipts(tx: WorkspaceTx, after: ReceiptPlace | undefined): Promise<Kept[]> {
  const beyond = after === undefined ? sql`` : sql`and (source_id, id) > (${after.sourceId}::uuid, ${after.id}::uuid)`;
  return tx.run(sql`/* intake.listStrayReceipts */
    select ${COLUMNS} from source_receipts where workspace_id = ${tx.workspaceId} and response_id is null ${beyond}
    order by source_id, id limit ${RECEIPTS_PER_PAGE}`);
}

async function select(receipts: readonly Kept[], needles: readonly string[]): Promise<Kept[]> {
  const found: Kept[] = [];
  for (const receipt of receipts) {
    const { body } = await parseDelivery(receipt.body, receipt.headers, receipt.receivedAt, "JSON");
    const read = "payload" in body ? JSON.stringify(body.payload) : "";
    const text = `${receipt.body.toString("utf8")} ${read} ${JSON.stringify(receipt.headers)}`;
    if (needles.includes(receipt.externalId ?? "") || isMentioned(text, needles)) found.push(receipt);
  }
  return found;
}

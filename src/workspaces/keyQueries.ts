import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { type ApiKeyRow, apiKeys } from "./table.ts";

const ownKey = (tx: WorkspaceTx, condition?: SQL) => and(eq(apiKeys.workspaceId, tx.workspaceId), condition);

/** Of any workspace: a key's text holds its id and nothing of its workspace. */
export async function findApiKey(tx: SystemTx, id: string): Promise<ApiKeyRow | undefined> {
  const [found] = await tx.db.select().from(apiKeys).where(eq(apiKeys.id, id));
  return found;
}

/** Locked against other changes until the transaction ends. */
export async function lockApiKey(tx: WorkspaceTx, id: string): Promise<ApiKeyRow | undefined> {
  const own = ownKey(tx, eq(apiKeys.id, id));
  const [found] = await tx.db.select().from(apiKeys).where(own).for("update");
  return found;
}

/** Newest first; one row more than `limit` where there are more. */
export async function listApiKeys(tx: WorkspaceTx, limit: number, after: string | undefined): Promise<ApiKeyRow[]> {
  return tx.db
    .select()
    .from(apiKeys)
    .where(ownKey(tx, after === undefined ? undefined : lt(apiKeys.id, after)))
    .orderBy(desc(apiKeys.id))
    .limit(limit + 1);
}

export async function insertApiKey(tx: WorkspaceTx, row: ApiKeyRow): Promise<void> {
  await tx.db.insert(apiKeys).values(row);
}

export async function updateApiKey(tx: WorkspaceTx, id: string, changed: Partial<ApiKeyRow>): Promise<void> {
  await tx.db
    .update(apiKeys)
    .set(changed)
    .where(ownKey(tx, eq(apiKeys.id, id)));
}

/** Remembers that the key is used now, unless another process has just done so: in the last `everyMs` milliseconds. */
export async function markApiKeyUsed(tx: WorkspaceTx, id: string, everyMs: number): Promise<void> {
  const isOld = sql`(${apiKeys.lastUsedAt} is null or ${apiKeys.lastUsedAt} <= ${new Date(tx.now.getTime() - everyMs)})`;
  await tx.db
    .update(apiKeys)
    .set({ lastUsedAt: tx.now })
    .where(ownKey(tx, and(eq(apiKeys.id, id), isOld)));
}

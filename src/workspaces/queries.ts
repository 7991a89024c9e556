import { and, asc, eq, sql } from "drizzle-orm";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import type { Scope, Workspace } from "./model.ts";
import { apiKeys, workspaces } from "./table.ts";

const workspace = { id: workspaces.id, name: workspaces.name, timeZone: workspaces.timeZone };

export async function insertWorkspace(tx: SystemTx, created: Workspace): Promise<void> {
  await tx.db.insert(workspaces).values({ ...created, createdAt: tx.now });
}

export async function listWorkspaces(tx: SystemTx): Promise<Workspace[]> {
  return tx.db.select(workspace).from(workspaces).orderBy(asc(workspaces.createdAt), asc(workspaces.id));
}

export async function isKnownTimeZone(tx: SystemTx, name: string): Promise<boolean> {
  const rows = await tx.run(sql`/* workspaces.isKnownTimeZone */ select 1 from pg_timezone_names where name = ${name}`);
  return rows.length === 1;
}

/** The workspace the transaction is in. */
export async function getWorkspace(tx: WorkspaceTx): Promise<Workspace> {
  const [found] = await tx.db.select(workspace).from(workspaces).where(eq(workspaces.id, tx.workspaceId));
  if (found === undefined) throw new Error("the workspace of this transaction does not exist");
  return found;
}

export interface NewApiKey {
  id: string;
  name: string;
  secretSha256: Buffer;
  scopes: Scope[];
}

export async function insertApiKey(tx: WorkspaceTx, key: NewApiKey): Promise<void> {
  await tx.db.insert(apiKeys).values({ ...key, workspaceId: tx.workspaceId, createdAt: tx.now });
}

export interface StoredApiKey {
  workspaceId: string;
  secretSha256: Buffer;
  scopes: string[];
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export async function findApiKey(tx: SystemTx, id: string): Promise<StoredApiKey | undefined> {
  const { workspaceId, secretSha256, scopes, expiresAt, revokedAt } = apiKeys;
  const found = await tx.db
    .select({ workspaceId, secretSha256, scopes, expiresAt, revokedAt })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id)));
  return found[0];
}

import { asc, eq, sql } from "drizzle-orm";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import type { Workspace } from "./model.ts";
import { workspaces } from "./table.ts";

const workspace = { id: workspaces.id, name: workspaces.name, timeZone: workspaces.timeZone };
const settings = { ...workspace, retention: workspaces.retention, createdAt: workspaces.createdAt };
type Settings = typeof workspaces.$inferSelect;

export async function insertWorkspace(tx: SystemTx, created: Workspace): Promise<void> {
  await tx.db.insert(workspaces).values({ ...created, createdAt: tx.now });
}

/** The oldest first. */
export async function listWorkspaces(tx: SystemTx): Promise<Workspace[]> {
  return tx.db.select(workspace).from(workspaces).orderBy(asc(workspaces.createdAt), asc(workspaces.id));
}

/** Whether PostgreSQL knows a time zone of this name. */
export async function isKnownTimeZone(tx: SystemTx | WorkspaceTx, name: string): Promise<boolean> {
  const rows = await tx.run(sql`/* workspaces.isKnownTimeZone */ select 1 from pg_timezone_names where name = ${name}`);
  return rows.length === 1;
}

/** The workspace the transaction is in. */
export async function getWorkspace(tx: WorkspaceTx): Promise<Workspace> {
  return required(await tx.db.select(workspace).from(workspaces).where(eq(workspaces.id, tx.workspaceId)));
}

/** The workspace the transaction is in, with its settings, locked against other changes of them. */
export async function lockSettings(tx: WorkspaceTx): Promise<Settings> {
  return required(
    await tx.db.select(settings).from(workspaces).where(eq(workspaces.id, tx.workspaceId)).for("no key update"),
  );
}

/** The workspace the transaction is in, with its settings. */
export async function getSettings(tx: WorkspaceTx): Promise<Settings> {
  return required(await tx.db.select(settings).from(workspaces).where(eq(workspaces.id, tx.workspaceId)));
}

export async function updateSettings(tx: WorkspaceTx, { id: _id, createdAt: _createdAt, ...changed }: Settings) {
  await tx.db.update(workspaces).set(changed).where(eq(workspaces.id, tx.workspaceId));
}

/** Whether there is a workspace with this id. */
export async function isWorkspace(tx: SystemTx, id: string): Promise<boolean> {
  return (await tx.db.select({ id: workspaces.id }).from(workspaces).where(eq(workspaces.id, id))).length === 1;
}

function required<Row>([found]: Row[]): Row {
  if (found === undefined) throw new Error("the workspace of this transaction does not exist");
  return found;
}

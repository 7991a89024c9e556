import { and, eq } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { PersonFacts } from "./model.ts";
import { people } from "./table.ts";

const one = (tx: WorkspaceTx, id: string) => and(eq(people.workspaceId, tx.workspaceId), eq(people.id, id));

/**
 * The person, locked against every change and against being referred to: an answer that is being recorded for them is
 * there when this returns, or finds them gone afterwards and is recorded anew.
 */
export async function lockPerson(tx: WorkspaceTx, id: string): Promise<PersonFacts | undefined> {
  const { externalId, email, phone, name, properties, accountId } = people;
  const columns = { id: people.id, externalId, email, phone, name, properties, accountId };
  return (await tx.db.select(columns).from(people).where(one(tx, id)).for("update"))[0];
}

/** Somebody of whom nothing is known but their account, for whoever is counted by person. */
export async function insertShell(tx: WorkspaceTx, id: string, accountId: string | null): Promise<void> {
  const times = { createdAt: tx.now, updatedAt: tx.now };
  await tx.db.insert(people).values({ workspaceId: tx.workspaceId, id, properties: {}, accountId, ...times });
}

/** After everything that refers to them is gone or the shell's. */
export async function deletePerson(tx: WorkspaceTx, id: string): Promise<void> {
  await tx.db.delete(people).where(one(tx, id));
}

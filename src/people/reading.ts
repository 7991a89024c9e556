import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Person } from "./model.ts";
import { listAccounts, listPeople, type StoredPerson } from "./queries.ts";

/** One person as callers see them; undefined where there is none with this id. */
export async function readPerson(tx: WorkspaceTx, id: string): Promise<Person | undefined> {
  return (await toPeople(tx, await listPeople(tx, [id])))[0];
}

/** The people with the accounts they belong to. */
export async function toPeople(tx: WorkspaceTx, stored: readonly StoredPerson[]): Promise<Person[]> {
  const ids = [...new Set(stored.flatMap(({ accountId }) => accountId ?? []))];
  const accounts = new Map((await listAccounts(tx, ids)).map((account) => [account.id, account]));
  return stored.map(({ accountId, ...person }) => ({ ...person, account: accounts.get(accountId ?? "") ?? null }));
}

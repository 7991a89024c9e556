import { and, eq, inArray } from "drizzle-orm";
import { type Columns, newRows, unnest } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { AccountFacts, PersonFacts } from "./model.ts";
import { people } from "./table.ts";

function accountColumns(rows: readonly AccountFacts[]): Columns {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    external_id: ["text", rows.map(({ externalId }) => externalId)],
    name: ["text", rows.map(({ name }) => name)],
    segment: ["text", rows.map(({ segment }) => segment)],
    annual_value: ["double precision", rows.map(({ annualValue }) => annualValue)],
    currency: ["text", rows.map(({ currency }) => currency)],
    renews_on: ["date", rows.map(({ renewsOn }) => renewsOn)],
    owner: ["text", rows.map(({ owner }) => owner)],
    churned_on: ["date", rows.map(({ churnedOn }) => churnedOn)],
  };
}

/**
 * Puts the insert off until the next flush. Somebody else who was quicker is a unique violation: the transaction
 * runs again and finds what they made.
 */
export function insertAccounts(tx: WorkspaceTx, rows: readonly AccountFacts[]): void {
  if (rows.length === 0) return;
  tx.later(statement`/* people.insertAccounts */
    insert into accounts (workspace_id, id, external_id, name, segment, annual_value, currency, renews_on, owner, churned_on, created_at, updated_at)
    select workspace_id, id, external_id, name, segment, annual_value, currency, renews_on, owner, churned_on, ${tx.now}, ${tx.now}
    from ${newRows(tx.workspaceId, accountColumns(rows))} order by external_id`);
}

export async function updateAccounts(tx: WorkspaceTx, rows: readonly AccountFacts[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(statement`/* people.updateAccounts */
    update accounts set name = input.name, segment = input.segment, annual_value = input.annual_value,
      currency = input.currency, renews_on = input.renews_on, owner = input.owner, churned_on = input.churned_on,
      updated_at = ${tx.now}
    from ${unnest(accountColumns(rows))}
    where accounts.workspace_id = ${tx.workspaceId} and accounts.id = input.id`);
}

function personColumns(rows: readonly PersonFacts[]): Columns {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    external_id: ["text", rows.map(({ externalId }) => externalId)],
    email: ["text", rows.map(({ email }) => email)],
    phone: ["text", rows.map(({ phone }) => phone)],
    name: ["text", rows.map(({ name }) => name)],
    properties: ["jsonb", rows.map(({ properties }) => JSON.stringify(properties))],
    account_id: ["uuid", rows.map(({ accountId }) => accountId)],
  };
}

/** The same for people. */
export function insertPeople(tx: WorkspaceTx, rows: readonly PersonFacts[]): void {
  if (rows.length === 0) return;
  tx.later(statement`/* people.insertPeople */
    insert into people (workspace_id, id, external_id, email, phone, name, properties, account_id, created_at, updated_at)
    select workspace_id, id, external_id, email, phone, name, properties, account_id, ${tx.now}, ${tx.now}
    from ${newRows(tx.workspaceId, personColumns(rows))} order by external_id, email, phone`);
}

/** Lets go of the identities of people who lose one, so that the update after it can give it to another. */
export async function releaseIdentities(tx: WorkspaceTx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.db
    .update(people)
    .set({ externalId: null, email: null, phone: null })
    .where(and(eq(people.workspaceId, tx.workspaceId), inArray(people.id, [...ids])));
}

export async function updatePeople(tx: WorkspaceTx, rows: readonly PersonFacts[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(statement`/* people.updatePeople */
    update people set external_id = input.external_id, email = input.email, phone = input.phone, name = input.name,
      properties = input.properties, account_id = input.account_id, updated_at = ${tx.now}
    from ${unnest(personColumns(rows))}
    where people.workspace_id = ${tx.workspaceId} and people.id = input.id`);
}

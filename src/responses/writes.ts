import { and, asc, eq, sql } from "drizzle-orm";
import { anyOf, type Columns, namesOf, newRows, unnest } from "../platform/sql.ts";
import { statement, verbatim } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseRow, responses } from "./table.ts";

/** The rows of these ids, locked until the transaction ends. */
export async function lockResponses(tx: WorkspaceTx, ids: readonly string[]): Promise<ResponseRow[]> {
  return tx.db
    .select()
    .from(responses)
    .where(and(eq(responses.workspaceId, tx.workspaceId), sql`${responses.id} = ${anyOf("uuid", ids)}`))
    .orderBy(asc(responses.id))
    .for("no key update");
}

function columnsOf(rows: readonly ResponseRow[]) {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    survey_key: ["text", rows.map(({ surveyKey }) => surveyKey)],
    person_id: ["uuid", rows.map(({ personId }) => personId)],
    account_id: ["uuid", rows.map(({ accountId }) => accountId)],
    segment: ["text", rows.map(({ segment }) => segment)],
    score: ["smallint", rows.map(({ score }) => score)],
    comment: ["text", rows.map(({ comment }) => comment)],
    follow_up_requested: ["boolean", rows.map(({ followUpRequested }) => followUpRequested)],
    channel: ["text", rows.map(({ channel }) => channel)],
    touchpoint: ["text", rows.map(({ touchpoint }) => touchpoint)],
    language: ["text", rows.map(({ language }) => language)],
    incentivised: ["boolean", rows.map(({ incentivised }) => incentivised)],
    properties: ["jsonb", rows.map(({ properties }) => JSON.stringify(properties))],
    responded_at: ["timestamptz", rows.map(({ respondedAt }) => respondedAt)],
    received_at: ["timestamptz", rows.map(({ receivedAt }) => receivedAt)],
    updated_at: ["timestamptz", rows.map(({ updatedAt }) => updatedAt)],
    acknowledged_at: ["timestamptz", rows.map(({ acknowledgedAt }) => acknowledgedAt)],
    reached_at: ["timestamptz", rows.map(({ reachedAt }) => reachedAt)],
    source: ["text", rows.map(({ source }) => source)],
    external_id: ["text", rows.map(({ externalId }) => externalId)],
    body_sha256: ["bytea", rows.map(({ bodySha256 }) => bodySha256)],
    source_updated_at: ["text", rows.map(({ sourceUpdatedAt }) => sourceUpdatedAt)],
    follow_up: ["text", rows.map(({ followUp }) => followUp)],
    version: ["integer", rows.map(({ version }) => version)],
    exclusion_reason: ["text", rows.map(({ exclusionReason }) => exclusionReason)],
    exclusion_note: ["text", rows.map(({ exclusionNote }) => exclusionNote)],
    excluded_at: ["timestamptz", rows.map(({ excludedAt }) => excludedAt)],
    excluded_by: ["text", rows.map(({ excludedBy }) => excludedBy)],
  } satisfies Columns;
}

/**
 * Puts the insert off until the next flush. What somebody else has stored meanwhile is a unique violation: the
 * transaction runs again and finds it.
 */
export function insertResponses(tx: WorkspaceTx, rows: readonly ResponseRow[]): void {
  // What no new answer has, or all have alike, does not travel with each.
  const { received_at: _received, updated_at: _updated, acknowledged_at: _acknowledged, ...most } = columnsOf(rows);
  const { reached_at: _reached, version: _version, ...all } = most;
  const { external_id, body_sha256, source_updated_at, ...others } = all;
  const { exclusion_reason, exclusion_note, excluded_at, excluded_by, ...always } = others;
  const isNamed = rows.some(({ externalId, sourceUpdatedAt }) => (externalId ?? sourceUpdatedAt) !== null);
  const isExcluded = rows.some(({ exclusionReason }) => exclusionReason !== null);
  const columns = {
    ...always,
    ...(isNamed ? { external_id, body_sha256, source_updated_at } : {}),
    ...(isExcluded ? { exclusion_reason, exclusion_note, excluded_at, excluded_by } : {}),
  };
  const names = verbatim(namesOf(Object.keys(columns)));
  tx.later(statement`/* responses.insertResponses */
    insert into responses (workspace_id, received_at, updated_at, ${names})
    select workspace_id, ${tx.now}, ${tx.now}, ${names}
    from ${newRows(tx.workspaceId, columns)} ${verbatim(isNamed ? "order by source, external_id" : "")}`);
}

/** Writes the rows as they are now; what identifies them and when they came in stays. */
export async function updateResponses(tx: WorkspaceTx, rows: readonly ResponseRow[]): Promise<void> {
  const { source: _source, external_id: _id, received_at: _at, body_sha256: _hash, ...columns } = columnsOf(rows);
  const set = Object.keys(columns)
    .filter((name) => name !== "id")
    .map((name) => sql`${sql.identifier(name)} = input.${sql.identifier(name)}`);
  await tx.run(sql`/* responses.updateResponses */
    update responses set ${sql.join(set, sql`, `)} from ${unnest(columns)}
    where responses.workspace_id = ${tx.workspaceId} and responses.id = input.id`);
}

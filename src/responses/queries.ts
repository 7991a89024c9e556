import { and, asc, desc, getTableColumns, sql } from "drizzle-orm";
import type { Account, Person } from "../people/index.ts";
import type { Cursor } from "../platform/pagination.ts";
import { distinct, listOf, rowOf, rowsOf, selected, unnest } from "../platform/sql.ts";
import { type Statement, statement, verbatim } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { categoryOf, isDangerZone } from "../scoring/index.ts";
import type { SurveyKind } from "../surveys/index.ts";
import { type ResponseFilter, whereResponses } from "./filter.ts";
import type { RecordedResponse } from "./model.ts";
import type { Previous } from "./previousQueries.ts";
import { type ResponseRow, responses } from "./table.ts";

/** NEWEST and OLDEST by when it was answered, UPDATED by when it last changed, the oldest change first. */
export const RESPONSE_ORDERS = ["NEWEST", "OLDEST", "UPDATED"] as const;
export type ResponseOrder = (typeof RESPONSE_ORDERS)[number];

export interface ResponsePage {
  filter: ResponseFilter;
  order: ResponseOrder;
  limit: number;
  after?: Cursor | undefined;
}

const RESPONSE = selected(getTableColumns(responses));

/**
 * One row more than `limit` where there are more. The page is found first, and what belongs to it afterwards: else that is looked
 * up for all that the filter lets through, where they have to be sorted.
 */
export async function listResponses(tx: WorkspaceTx, page: ResponsePage): Promise<RecordedResponse[]> {
  const column = page.order === "UPDATED" ? responses.updatedAt : responses.respondedAt;
  const [direction, comparison] = page.order === "NEWEST" ? [desc, sql.raw("<")] : [asc, sql.raw(">")];
  const after =
    page.after &&
    sql`(${column}, ${responses.id}) ${comparison} (${page.after.value}::timestamptz, ${page.after.id}::uuid)`;
  const order = sql`order by ${direction(column)}, ${direction(responses.id)}`;
  const rows = await tx.run<Row>(sql`/* responses.listResponses */
    with page as (
      select * from responses where ${and(whereResponses(tx.workspaceId, page.filter), after)} ${order} limit ${page.limit + 1}
    )
    ${select(tx, verbatim("page as responses"))} ${order}`);
  return rows.map(toRecorded);
}

/** Those of the ids that exist here, in no order. */
export async function listResponsesById(tx: WorkspaceTx, ids: readonly string[]): Promise<RecordedResponse[]> {
  if (ids.length === 0) return [];
  return listResponsesOf(tx, listOf("uuid", distinct(ids)));
}

/** The same of a list of ids that a statement makes. */
export async function listResponsesOf(tx: WorkspaceTx, ids: Statement): Promise<RecordedResponse[]> {
  const rows = await tx.prepared<Row>(
    statement`/* responses.listResponsesOf */ ${select(tx, rowsOf("responses", tx.workspaceId, ids))}`,
  );
  return rows.map(toRecorded);
}

export async function countResponses(tx: WorkspaceTx, filter: ResponseFilter): Promise<number> {
  return tx.db.$count(responses, whereResponses(tx.workspaceId, filter));
}

/** Of each of these people, their responses, newest first, at most `limit` of each; excluded ones too. */
export async function listResponsesOfPeople(
  tx: WorkspaceTx,
  personIds: readonly string[],
  limit: number,
): Promise<RecordedResponse[]> {
  const rows = await tx.run<Row>(sql`/* responses.listResponsesOfPeople */
    ${selectAll(tx)} where ${responses.workspaceId} = ${tx.workspaceId} and ${responses.id} in (
      select newest.id from ${unnest({ person_id: ["uuid", personIds] })}
      cross join lateral (
        select id from responses
        where workspace_id = ${tx.workspaceId} and responses.person_id = input.person_id
        order by responded_at desc, id desc limit ${limit}
      ) as newest)
    order by ${responses.respondedAt} desc, ${responses.id} desc`);
  return rows.map(toRecorded);
}

/**
 * A response with those it is about, and the score of the same person's answer before it, as far as that counts. Each table
 * is told the workspace: Citus does not conclude it for one from another.
 */
function select({ workspaceId }: WorkspaceTx, from: Statement): Statement {
  return statement`select ${RESPONSE}, surveys.kind as "surveyKind",
    people.external_id as "personExternalId", people.email as "personEmail", people.name as "personName",
    accounts.external_id as "accountExternalId", accounts.name as "accountName",
    previous.score as "previousScore", previous.responded_at as "previousRespondedAt"
  from ${from}
  join surveys on surveys.workspace_id = ${workspaceId} and surveys.key = responses.survey_key
  left join lateral ${rowOf("people", workspaceId, "responses.person_id")} on true
  left join lateral ${rowOf("accounts", workspaceId, "responses.account_id")} on true
  left join lateral (
    select earlier.score, earlier.responded_at from responses as earlier
    where earlier.workspace_id = ${workspaceId} and earlier.person_id = responses.person_id
      and earlier.exclusion_reason is null
      and (earlier.responded_at, earlier.id) < (responses.responded_at, responses.id)
    order by earlier.responded_at desc, earlier.id desc limit 1
  ) as previous on true`;
}

const selectAll = (tx: WorkspaceTx) => select(tx, verbatim("responses"));

interface Row extends ResponseRow {
  surveyKind: SurveyKind;
  personExternalId: string | null;
  personEmail: string | null;
  personName: string | null;
  accountExternalId: string | null;
  accountName: string | null;
  previousScore: number | null;
  previousRespondedAt: Date | null;
}

function toRecorded(row: Row): RecordedResponse {
  const { personId, personExternalId, personEmail, personName, accountId, accountExternalId, accountName } = row;
  const { surveyKind, previousScore: score, previousRespondedAt } = row;
  return toResponse({
    response: row,
    surveyKind,
    person:
      personId === null ? null : { id: personId, externalId: personExternalId, email: personEmail, name: personName },
    account:
      accountId === null || accountExternalId === null
        ? null
        : { id: accountId, externalId: accountExternalId, name: accountName },
    previous: score === null || previousRespondedAt === null ? null : { score, respondedAt: previousRespondedAt },
  });
}

/** What a response is shown from. */
export interface ResponseParts {
  response: ResponseRow;
  surveyKind: SurveyKind;
  person: Pick<Person, "id" | "externalId" | "email" | "name"> | null;
  account: Pick<Account, "id" | "externalId" | "name"> | null;
  previous: Previous | null;
}

/** A response as it is read, of what is stored of it. */
export function toResponse({ response: row, surveyKind, person, account, previous }: ResponseParts): RecordedResponse {
  return {
    id: row.id,
    score: row.score,
    category: categoryOf(row.score),
    dangerZone: isDangerZone(row.score),
    comment: row.comment,
    followUpRequested: row.followUpRequested,
    channel: row.channel,
    touchpoint: row.touchpoint,
    language: row.language,
    incentivised: row.incentivised,
    properties: row.properties,
    respondedAt: row.respondedAt.toISOString(),
    receivedAt: row.receivedAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    source: row.source,
    externalId: row.externalId,
    survey: { key: row.surveyKey, kind: surveyKind },
    person: person && { id: person.id, externalId: person.externalId, email: person.email, name: person.name },
    account: account && {
      id: account.id,
      externalId: account.externalId,
      name: account.name,
      segment: row.segment,
    },
    followUp: row.followUp,
    exclusion: toExclusion(row),
    acknowledgedAt: row.acknowledgedAt?.toISOString() ?? null,
    previous: toPrevious(previous),
  };
}

/** The answer before, as far as there is one. */
function toPrevious(previous: Previous | null | undefined): RecordedResponse["previous"] {
  if (previous === null || previous === undefined) return null;
  const { score, respondedAt } = previous;
  return { score, category: categoryOf(score), respondedAt: respondedAt.toISOString() };
}

function toExclusion(row: ResponseRow): RecordedResponse["exclusion"] {
  const { exclusionReason: reason, exclusionNote: note, excludedAt, excludedBy } = row;
  if (reason === null || excludedAt === null || excludedBy === null) return null;
  return { reason, note, excludedAt: excludedAt.toISOString(), excludedBy };
}

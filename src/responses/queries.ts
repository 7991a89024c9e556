import { and, asc, desc, eq, isNull, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { accounts, people } from "../people/index.ts";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { categoryOf, isDangerZone } from "../scoring/index.ts";
import { surveys } from "../surveys/index.ts";
import { type ResponseFilter, whereResponses } from "./filter.ts";
import type { RecordedResponse } from "./model.ts";
import { responses } from "./table.ts";

/** NEWEST and OLDEST by when it was answered, UPDATED by when it last changed, the oldest change first. */
export const RESPONSE_ORDERS = ["NEWEST", "OLDEST", "UPDATED"] as const;
export type ResponseOrder = (typeof RESPONSE_ORDERS)[number];

export interface ResponsePage {
  filter: ResponseFilter;
  order: ResponseOrder;
  limit: number;
  after?: Cursor | undefined;
}

/** One row more than `limit` where there are more. */
export async function listResponses(tx: WorkspaceTx, page: ResponsePage): Promise<RecordedResponse[]> {
  const column = page.order === "UPDATED" ? responses.updatedAt : responses.respondedAt;
  const [direction, comparison] = page.order === "NEWEST" ? [desc, sql.raw("<")] : [asc, sql.raw(">")];
  const after =
    page.after &&
    sql`(${column}, ${responses.id}) ${comparison} (${page.after.value}::timestamptz, ${page.after.id}::uuid)`;
  return selectResponses(tx, and(whereResponses(tx.workspaceId, page.filter), after), (query) =>
    query.orderBy(direction(column), direction(responses.id)).limit(page.limit + 1),
  );
}

/** Those of the ids that exist here, in no order. */
export async function listResponsesById(tx: WorkspaceTx, ids: readonly string[]): Promise<RecordedResponse[]> {
  if (ids.length === 0) return [];
  return selectResponses(
    tx,
    and(eq(responses.workspaceId, tx.workspaceId), sql`${responses.id} = ${anyOf("uuid", ids)}`),
    (query) => query,
  );
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
  const ids = await tx.run<{ id: string }>(sql`/* responses.listResponsesOfPeople */
    select newest.id from ${unnest({ person_id: ["uuid", personIds] })}
    cross join lateral (
      select id from responses
      where workspace_id = ${tx.workspaceId} and responses.person_id = input.person_id
      order by responded_at desc, id desc limit ${limit}
    ) as newest`);
  return selectResponses(
    tx,
    and(
      eq(responses.workspaceId, tx.workspaceId),
      sql`${responses.id} = ${anyOf(
        "uuid",
        ids.map(({ id }) => id),
      )}`,
    ),
    (query) => query.orderBy(desc(responses.respondedAt), desc(responses.id)),
  );
}

async function selectResponses(
  tx: WorkspaceTx,
  where: SQL | undefined,
  finish: (query: ReturnType<typeof selectRows>) => PromiseLike<Awaited<ReturnType<typeof selectRows>>>,
): Promise<RecordedResponse[]> {
  return (await finish(selectRows(tx, where))).map(toResponse);
}

const earlier = alias(responses, "earlier");

function selectRows(tx: WorkspaceTx, where: SQL | undefined) {
  const previous = tx.db
    .select({ score: earlier.score, respondedAt: earlier.respondedAt })
    .from(earlier)
    .where(
      and(
        eq(earlier.workspaceId, responses.workspaceId),
        eq(earlier.personId, responses.personId),
        isNull(earlier.exclusionReason),
        sql`(${earlier.respondedAt}, ${earlier.id}) < (${responses.respondedAt}, ${responses.id})`,
      ),
    )
    .orderBy(desc(earlier.respondedAt), desc(earlier.id))
    .limit(1)
    .as("previous");
  const { id, externalId, name } = people;
  return tx.db
    .select({
      response: responses,
      surveyKind: surveys.kind,
      person: { id, externalId, email: people.email, name },
      account: { id: accounts.id, externalId: accounts.externalId, name: accounts.name },
      previous: { score: previous.score, respondedAt: previous.respondedAt },
    })
    .from(responses)
    .innerJoin(surveys, and(eq(surveys.workspaceId, responses.workspaceId), eq(surveys.key, responses.surveyKey)))
    .leftJoin(people, and(eq(people.workspaceId, responses.workspaceId), eq(people.id, responses.personId)))
    .leftJoin(accounts, and(eq(accounts.workspaceId, responses.workspaceId), eq(accounts.id, responses.accountId)))
    .leftJoinLateral(previous, sql`true`)
    .where(where)
    .$dynamic();
}

/** The score of each of these answers' person before it, as far as it counts; of who answered before only. */
export async function listPreviousScores(
  tx: WorkspaceTx,
  answers: readonly { id: string; personId: string; respondedAt: Date }[],
): Promise<Map<string, NonNullable<Row["previous"]>>> {
  if (answers.length === 0) return new Map();
  const rows = await tx.prepared<{
    id: string;
    score: number;
    respondedAt: Date;
  }>(sql`/* responses.listPreviousScores */
    select input.id, previous.score, previous.responded_at as "respondedAt"
    from ${unnest({
      id: ["uuid", answers.map(({ id }) => id)],
      person_id: ["uuid", answers.map(({ personId }) => personId)],
      responded_at: ["timestamptz", answers.map(({ respondedAt }) => respondedAt)],
    })}
    cross join lateral (
      select score, responded_at from responses
      where workspace_id = ${tx.workspaceId} and responses.person_id = input.person_id and exclusion_reason is null
        and (responses.responded_at, responses.id) < (input.responded_at, input.id)
      order by responses.responded_at desc, responses.id desc limit 1
    ) as previous`);
  return new Map(rows.map(({ id, ...previous }) => [id, previous]));
}

type Row = Awaited<ReturnType<typeof selectRows>>[number];

/** A response as it is read, of what is stored of it. */
export function toResponse({ response: row, surveyKind, person, account, previous }: Row): RecordedResponse {
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
export function toPrevious(previous: Row["previous"] | undefined): RecordedResponse["previous"] {
  if (previous?.score === undefined || previous.score === null || previous.respondedAt === null) return null;
  const { score, respondedAt } = previous;
  return { score, category: categoryOf(score), respondedAt: respondedAt.toISOString() };
}

function toExclusion(row: Row["response"]): RecordedResponse["exclusion"] {
  const { exclusionReason: reason, exclusionNote: note, excludedAt, excludedBy } = row;
  if (reason === null || excludedAt === null || excludedBy === null) return null;
  return { reason, note, excludedAt: excludedAt.toISOString(), excludedBy };
}

export interface StoredAnswer {
  id: string;
  source: string;
  externalId: string;
  bodySha256: Buffer | null;
  sourceUpdatedAt: string | null;
}

/** What is stored under these (source, externalId), pair by pair. */
export async function listStoredAnswers(
  tx: WorkspaceTx,
  keys: readonly { source: string; externalId: string }[],
): Promise<StoredAnswer[]> {
  if (keys.length === 0) return [];
  return tx.run<StoredAnswer>(sql`/* responses.listStoredAnswers */
    select responses.id, responses.source, responses.external_id as "externalId", responses.body_sha256 as "bodySha256",
      responses.source_updated_at as "sourceUpdatedAt"
    from ${unnest({
      source: ["text", keys.map(({ source }) => source)],
      external_id: ["text", keys.map(({ externalId }) => externalId)],
    })}
    join responses on responses.workspace_id = ${tx.workspaceId}
      and responses.source = input.source and responses.external_id = input.external_id`);
}

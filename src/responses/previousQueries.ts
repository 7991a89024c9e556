import { unnest } from "../platform/sql.ts";
import { type Statement, statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";

/** The answer before, as it is stored. */
export interface Previous {
  score: number;
  respondedAt: Date;
}

/** The score of each of these answers' person before it, as far as it counts; of who answered before only. */
export async function listPreviousScores(
  tx: WorkspaceTx,
  answers: readonly { id: string; personId: string; respondedAt: Date }[],
): Promise<Map<string, Previous>> {
  if (answers.length === 0) return new Map();
  const rows = await tx.prepared<{
    id: string;
    score: number;
    respondedAt: Date;
  }>(statement`/* responses.listPreviousScores */
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

/** Of each of the people whom the statement finds the last answer that counts, by person; null of who has given none. */
export async function listLastScores(
  tx: WorkspaceTx,
  people: Statement | undefined,
): Promise<Map<string, (Previous & { id: string }) | null>> {
  if (people === undefined) return new Map();
  const rows = await tx.prepared<{
    personId: string;
    id: string | null;
    score: number;
    respondedAt: Date;
  }>(statement`/* responses.listLastScores */
    select person.id as "personId", last.id, last.score, last.responded_at as "respondedAt"
    from (${people}) as person left join lateral (
      select id, score, responded_at from responses
      where workspace_id = ${tx.workspaceId} and responses.person_id = person.id and exclusion_reason is null
      order by responded_at desc, id desc limit 1
    ) as last on true`);
  return new Map(rows.map(({ personId, id, ...last }) => [personId, id === null ? null : { id, ...last }]));
}

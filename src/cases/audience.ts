import { sql } from "drizzle-orm";
import { keysBelow } from "../causes/index.ts";
import { listPeople } from "../people/index.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { AudienceMember } from "./model.ts";

/**
 * Everybody to be told of an improvement, and who was: the people whose cases were parked on it, or have
 * one of its root causes or a kind of one as stated or actual cause; and whoever else was told. In the
 * order of their ids, one more than `limit` where there are more. Whoever was erased, or let go of, is nobody that can
 * be told; that they were told is kept.
 * @param told only those who were told, or were not
 */
export async function listAudience(
  tx: WorkspaceTx,
  improvementId: string,
  { limit, after, told }: { limit: number; after?: string | undefined; told?: boolean | undefined },
): Promise<AudienceMember[]> {
  const causes = keysBelow(
    tx,
    sql`select root_cause_key from improvement_causes
      where workspace_id = ${tx.workspaceId} and improvement_id = ${improvementId}`,
  );
  const rows = await tx.run<{ personId: string; caseIds: string[]; toldAt: Date | null }>(sql`/* cases.listAudience */
    with concerned as (
      select person_id, id from cases where workspace_id = ${tx.workspaceId} and improvement_id = ${improvementId}
      union select person_id, id from cases where workspace_id = ${tx.workspaceId} and stated_cause in ${causes}
      union select person_id, id from cases where workspace_id = ${tx.workspaceId} and actual_cause in ${causes}
    ), told as (
      select person_id, told_at from improvement_told
      where workspace_id = ${tx.workspaceId} and improvement_id = ${improvementId}
    ), raised as (
      select person_id, array_agg(id order by id) as case_ids from concerned where person_id is not null group by person_id
    )
    select person_id as "personId", coalesce(case_ids, '{}') as "caseIds", told_at as "toldAt"
    from raised full join told using (person_id)
    where (${after ?? null}::uuid is null or person_id > ${after ?? null}::uuid)
      and (${told ?? null}::boolean is null or (told_at is not null) = ${told ?? null}::boolean)
      and (told_at is not null or exists (select from people where people.workspace_id = ${tx.workspaceId} and people.id = person_id
        and (external_id is not null or email is not null or phone is not null)))
    order by person_id limit ${limit + 1}`);
  const people = new Map(
    (
      await listPeople(
        tx,
        rows.map(({ personId }) => personId),
      )
    ).map((person) => [person.id, person]),
  );
  return rows.flatMap(({ personId, caseIds, toldAt }) => {
    const found = people.get(personId);
    if (found === undefined) return [];
    const { id, externalId, email, phone, name } = found;
    return [{ person: { id, externalId, email, phone, name }, caseIds, toldAt: toldAt?.toISOString() ?? null }];
  });
}

import { and, eq, sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Reference } from "./model.ts";
import { caseReferences } from "./table.ts";

export async function findReference(tx: WorkspaceTx, caseId: string, system: string): Promise<Reference | undefined> {
  const { externalId, url } = caseReferences;
  const rows = await tx.db
    .select({ system: caseReferences.system, externalId, url })
    .from(caseReferences)
    .where(
      and(
        eq(caseReferences.workspaceId, tx.workspaceId),
        eq(caseReferences.caseId, caseId),
        eq(caseReferences.system, system),
      ),
    );
  return rows[0];
}

export async function upsertReference(
  tx: WorkspaceTx,
  caseId: string,
  { system, externalId, url }: Reference,
): Promise<void> {
  await tx.run(sql`/* cases.upsertReference */
    insert into case_references (workspace_id, case_id, system, external_id, url)
    values (${tx.workspaceId}, ${caseId}, ${system}, ${externalId}, ${url})
    on conflict (workspace_id, case_id, system) do update set external_id = excluded.external_id, url = excluded.url`);
}

import { desc, eq } from "drizzle-orm";
import { ContendedError } from "../platform/database.ts";
import { canonicalJson } from "../platform/json.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { DEFAULT_POLICY, type Policy, type PolicyInput, toPolicy } from "./policy.ts";
import { firstContactPolicies } from "./table.ts";
import { each, idsOf } from "./writes.ts";

/** A policy by its number in the workspace; null is the built-in one. */
interface SavedPolicy {
  version: number | null;
  policy: Policy;
}

/** The policies that cases were opened under, and the one that holds today. */
export interface Policies {
  today: SavedPolicy;
  of(version: number | null): Policy;
}

/** @param wanted finds the ids of the cases whose policies will be asked for, where it is any */
export async function loadPolicies(tx: WorkspaceTx, wanted = idsOf([])): Promise<Policies> {
  const saved = await tx.prepared<{ version: number; policy: Policy }>(statement`/* cases.loadPolicies */
    select version, policy from first_contact_policies
    where workspace_id = ${tx.workspaceId} and (version in (
        select policy_version from ${each(tx, wanted)})
      or version = (select max(version) from first_contact_policies where workspace_id = ${tx.workspaceId}))
    order by version desc`);
  const byVersion = new Map(saved.map(({ version, policy }) => [version, policy]));
  return {
    today: saved[0] ?? { version: null, policy: DEFAULT_POLICY },
    of: (version) => {
      if (version === null) return DEFAULT_POLICY;
      const policy = byVersion.get(version);
      // They were looked for by a statement of their own, which may have found other cases.
      if (policy === undefined) throw new ContendedError("a case's policy was not loaded");
      return policy;
    },
  };
}

/**
 * Saves the policy for cases that are opened from now on; those that are open keep theirs. The same
 * policy again saves nothing.
 * @throws {AppError} `invalid_request`
 */
export async function putPolicy(tx: WorkspaceTx, input: PolicyInput): Promise<Policy> {
  const policy = toPolicy(input, tx.now);
  const [latest] = await tx.db
    .select({ version: firstContactPolicies.version, policy: firstContactPolicies.policy })
    .from(firstContactPolicies)
    .where(eq(firstContactPolicies.workspaceId, tx.workspaceId))
    .orderBy(desc(firstContactPolicies.version))
    .limit(1);
  const before = latest?.policy ?? DEFAULT_POLICY;
  if (canonicalJson(before) === canonicalJson(policy)) return policy;
  // Two at once: the second is a unique violation, and runs again.
  const version = (latest?.version ?? 0) + 1;
  await tx.db.insert(firstContactPolicies).values({ workspaceId: tx.workspaceId, version, policy, savedAt: tx.now });
  await recordAudit(tx, [
    { action: "policy.saved", subjectType: "policy", subjectId: `first-contact/${version}`, before, after: policy },
  ]);
  return policy;
}

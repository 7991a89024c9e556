import { requireRootCauses } from "../causes/index.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { changeCase, type Target } from "./changing.ts";
import type { AssessmentInput, CausesInput, ReferenceInput } from "./commands.ts";
import type { Case } from "./model.ts";
import { assess } from "./priority.ts";
import { findReference, upsertReference } from "./referenceStore.ts";
import { requeue } from "./settling.ts";
import type { CaseRow } from "./writes.ts";

/** Makes somebody accountable, or nobody. */
export async function assignCase(
  tx: WorkspaceTx,
  target: Target,
  { assignee }: { assignee: string | null },
): Promise<Case> {
  return changeCase(tx, target, (row) => {
    if (row.assignee === assignee) return {};
    const details = { from: row.assignee, to: assignee };
    return { row: { ...row, assignee }, activities: [{ type: "ASSIGNED", details }], events: ["case.assigned"] };
  });
}

export async function addCaseNote(tx: WorkspaceTx, target: Target, { text }: { text: string }): Promise<Case> {
  return changeCase(tx, target, () => ({ activities: [{ type: "NOTE", text }] }));
}

/** Sets what the customer blames, and what it was. @throws {AppError} `invalid_request` for an unknown root cause */
export async function setCaseCauses(tx: WorkspaceTx, target: Target, input: CausesInput): Promise<Case> {
  return changeCase(tx, target, async (row) => {
    await requireKnown(tx, input);
    const { statedCause = row.statedCause, actualCause = row.actualCause } = input;
    if (statedCause === row.statedCause && actualCause === row.actualCause) return {};
    const details = { stated: statedCause, actual: actualCause };
    return { row: { ...row, statedCause, actualCause }, activities: [{ type: "CAUSES_SET", details }] };
  });
}

/** @param named keys of root causes by the field that names each */
export async function requireKnown(tx: WorkspaceTx, named: CausesInput): Promise<void> {
  const { statedCause, actualCause } = named;
  const given = Object.entries({ statedCause, actualCause }).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  if (given.length > 0) await requireRootCauses(tx, new Map(given));
}

/** Says how well it can be mended, how well that fits, and whether they may say it in public: the queue follows. */
export async function assessCase(tx: WorkspaceTx, target: Target, input: AssessmentInput): Promise<Case> {
  return changeCase(tx, target, (row) => {
    const { feasibility, alignment, publicRisk } = { ...row, ...input };
    const assessed: CaseRow = { ...row, feasibility, alignment, publicRisk };
    if (feasibility === row.feasibility && alignment === row.alignment && publicRisk === row.publicRisk) return {};
    return {
      row: requeue({ ...assessed, priorityTerms: assess(row.priorityTerms, assessed) }),
      activities: [{ type: "ASSESSED", details: { feasibility, alignment, publicRisk } }],
    };
  });
}

/** Names the ticket of another system; each system has one. */
export async function putCaseReference(
  tx: WorkspaceTx,
  target: Target,
  system: string,
  { externalId, url = null }: ReferenceInput,
): Promise<Case> {
  return changeCase(tx, target, async ({ id }) => {
    const before = await findReference(tx, id, system);
    if (before?.externalId === externalId && before.url === url) return {};
    await upsertReference(tx, id, { system, externalId, url });
    return { activities: [{ type: "REFERENCE_PUT", details: { system, externalId } }] };
  });
}

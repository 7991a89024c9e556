import { recordEvents } from "../platform/events.ts";
import { canonicalJson } from "../platform/json.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import { caseClosed, caseOpened } from "./events.ts";
import { listCasesById } from "./queries.ts";
import { type CaseRow, insertCases, putCaseResponses, updateCases, upsertClocks } from "./writes.ts";

/** A case as it is to be, and as it was; `joining` are the ids of the answers that are new to it. */
export interface Draft {
  row: CaseRow;
  before: CaseRow | null;
  responses: RecordedResponse[];
  joining: string[];
}

/** Writes the cases that are new or changed, with their events and audit rows. */
export async function writeDrafts(tx: WorkspaceTx, all: readonly Draft[]): Promise<void> {
  const drafts = all.filter(({ row, before, joining }) => joining.length > 0 || !isSame(row, before));
  if (drafts.length === 0) return;
  const created = drafts.filter(({ before }) => before === null).map(({ row }) => row);
  const changed = drafts.filter(({ before }) => before !== null).map(({ row }) => row);
  // First what was: of two cases of one person, the one that is closed makes room for the other.
  await updateCases(tx, changed);
  await insertCases(tx, created);
  await upsertClocks(
    tx,
    drafts.map(({ row }) => row),
  );
  await putCaseResponses(
    tx,
    drafts.flatMap(({ row, joining }) => joining.map((responseId) => ({ caseId: row.id, responseId }))),
  );
  const closed = drafts.filter(({ row }) => row.status === "CLOSED");
  const told = new Map(
    (
      await listCasesById(
        tx,
        [...created, ...closed.map(({ row }) => row)].map(({ id }) => id),
      )
    ).map((found) => [found.id, found]),
  );
  await recordEvents(tx, [
    ...created.flatMap(({ id }) => told.get(id) ?? []).map(caseOpened),
    ...closed.flatMap(({ row, before }) => {
      const found = told.get(row.id);
      return found === undefined || before === null ? [] : caseClosed(found, before.status);
    }),
  ]);
  await recordAudit(
    tx,
    drafts.map(({ row, before }) => ({
      action: before === null ? "case.opened" : row.status === "CLOSED" ? "case.closed" : "case.updated",
      subjectType: "case",
      subjectId: row.id,
      ...(before === null ? {} : { before: describe(before) }),
      after: describe(row),
    })),
  );
}

/** What the audit log shows of a case: no personal data. */
function describe({ status, priority, reasons, clock, outcome }: CaseRow) {
  return { status, priority, reasons, firstContactDueAt: clock.dueAt, outcome };
}

function isSame(a: CaseRow, b: CaseRow | null): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

import { type Improvement, isSettled } from "../causes/index.ts";
import { listAccounts } from "../people/index.ts";
import { distinct } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { lockWithAnswers } from "./followUp.ts";
import { isLive, statusAfter } from "./lifecycle.ts";
import { rank } from "./settling.ts";
import { draftOf, writeDrafts } from "./writeDrafts.ts";
import { isLiveOf, lockCases } from "./writes.ts";

/** Brings the cases back that were parked on an improvement which ships, or never will. */
export async function returnParkedCases(tx: WorkspaceTx, { id, status }: Improvement): Promise<void> {
  if (!isSettled(status)) return;
  const found = await lockCases(
    tx,
    statement`select id from cases where workspace_id = ${tx.workspaceId} and status = 'PARKED' and improvement_id = ${id}`,
  );
  const parked = found.filter((row) => row.status === "PARKED" && row.improvementId === id);
  await writeDrafts(
    tx,
    parked.map((before) =>
      draftOf(before, {
        row: { ...before, status: statusAfter(before.status, "unparking") },
        activities: [{ type: "UNPARKED", details: { improvementId: id, status } }],
      }),
    ),
  );
}

/** Gives the cases that are worked for these accounts their new place in the queue. */
export async function rankCasesOfAccounts(tx: WorkspaceTx, accountIds: readonly string[]): Promise<void> {
  if (accountIds.length === 0) return;
  const drafts = await lockWithAnswers(
    tx,
    statement`select id from cases where workspace_id = ${tx.workspaceId} and ${isLiveOf("account_id", accountIds)}`,
    ({ accountId, status }) => accountId !== null && accountIds.includes(accountId) && isLive(status),
  );
  if (drafts.length === 0) return;
  const all = drafts.flatMap(({ responses }) => responses.map(({ account }) => account?.id));
  const accounts = new Map((await listAccounts(tx, distinct(all))).map((account) => [account.id, account]));
  await writeDrafts(
    tx,
    drafts.map((draft) => ({ ...draft, row: rank(draft.row, draft.responses, accounts) })),
  );
}

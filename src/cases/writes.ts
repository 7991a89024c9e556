import { and, desc, eq, inArray, or, sql } from "drizzle-orm";
import { anyOf, unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { CasePriority, CaseStatus } from "../responses/index.ts";
import type { Clock } from "./firstContact.ts";
import type { CaseOutcome, CaseReason } from "./model.ts";
import type { PriorityTerm } from "./priority.ts";
import { caseClocks, cases } from "./table.ts";

/** The statuses of a case that is being worked: a further answer joins it. */
export const LIVE_STATUSES = ["OPEN", "CONTACTED", "PARKED"] as const satisfies readonly CaseStatus[];

/** A case as rules see and change it, with its latest clock. */
export interface CaseRow {
  id: string;
  status: CaseStatus;
  reasons: CaseReason[];
  personId: string | null;
  accountId: string | null;
  assignee: string | null;
  previousCaseId: string | null;
  priority: CasePriority;
  priorityTerms: PriorityTerm[];
  queueRank: number;
  outcome: CaseOutcome | null;
  resolution: string | null;
  clock: Clock;
}

/** The cases of these people, and of these ids, that are being worked, locked until the transaction ends. */
export async function listLiveCases(
  tx: WorkspaceTx,
  personIds: readonly string[],
  caseIds: readonly string[],
): Promise<CaseRow[]> {
  if (personIds.length + caseIds.length === 0) return [];
  const found = await tx.db
    .select()
    .from(cases)
    .where(
      and(
        eq(cases.workspaceId, tx.workspaceId),
        or(sql`${cases.personId} = ${anyOf("uuid", personIds)}`, sql`${cases.id} = ${anyOf("uuid", caseIds)}`),
        inArray(cases.status, [...LIVE_STATUSES]),
      ),
    )
    .orderBy(cases.id)
    .for("update");
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const clocks = await tx.db
    .selectDistinctOn([caseClocks.caseId])
    .from(caseClocks)
    .where(and(eq(caseClocks.workspaceId, tx.workspaceId), sql`${caseClocks.caseId} = ${anyOf("uuid", ids)}`))
    .orderBy(caseClocks.caseId, desc(caseClocks.n));
  const latest = new Map(clocks.map((clock) => [clock.caseId, clock]));
  return found.map((row) => {
    const clock = latest.get(row.id);
    if (clock === undefined) throw new Error("a case has no clock");
    return { ...row, clock };
  });
}

/** The latest case of each of these people that has one, by person. */
export async function listLatestCaseIds(tx: WorkspaceTx, personIds: readonly string[]): Promise<Map<string, string>> {
  if (personIds.length === 0) return new Map();
  const found = await tx.db
    .selectDistinctOn([cases.personId], { personId: cases.personId, id: cases.id })
    .from(cases)
    .where(and(eq(cases.workspaceId, tx.workspaceId), sql`${cases.personId} = ${anyOf("uuid", personIds)}`))
    .orderBy(cases.personId, desc(cases.openedAt), desc(cases.id));
  return new Map(found.flatMap(({ personId, id }) => (personId === null ? [] : [[personId, id] as const])));
}

function caseColumns(rows: readonly CaseRow[]): Parameters<typeof unnest>[0] {
  return {
    id: ["uuid", rows.map(({ id }) => id)],
    status: ["text", rows.map(({ status }) => status)],
    // A list of lists would have to be rectangular, so each travels as JSON.
    reasons: ["jsonb", rows.map(({ reasons }) => JSON.stringify(reasons))],
    person_id: ["uuid", rows.map(({ personId }) => personId)],
    account_id: ["uuid", rows.map(({ accountId }) => accountId)],
    assignee: ["text", rows.map(({ assignee }) => assignee)],
    priority: ["text", rows.map(({ priority }) => priority)],
    priority_terms: ["jsonb", rows.map(({ priorityTerms }) => JSON.stringify(priorityTerms))],
    queue_rank: ["double precision", rows.map(({ queueRank }) => queueRank)],
    outcome: ["text", rows.map(({ outcome }) => outcome)],
    resolution: ["text", rows.map(({ resolution }) => resolution)],
    previous_case_id: ["uuid", rows.map(({ previousCaseId }) => previousCaseId)],
    started_at: ["timestamptz", rows.map(({ clock }) => clock.startedAt)],
    due_at: ["timestamptz", rows.map(({ clock }) => clock.dueAt)],
    met_at: ["timestamptz", rows.map(({ clock }) => clock.metAt)],
  };
}

const REASONS = sql`(select array_agg(reason) from jsonb_array_elements_text(input.reasons) as reason)`;

/**
 * Where another transaction has just opened a case for the same person, this is a unique violation:
 * the transaction runs again and finds it.
 */
export async function insertCases(tx: WorkspaceTx, rows: readonly CaseRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* cases.insertCases */
    insert into cases (workspace_id, id, status, reasons, person_id, account_id, assignee, priority, priority_terms, queue_rank,
      previous_case_id, first_contact_started_at, first_contact_due_at, first_contact_met_at, opened_at, updated_at)
    select ${tx.workspaceId}, id, status, ${REASONS}, person_id, account_id, assignee, priority, priority_terms, queue_rank,
      previous_case_id, started_at, due_at, met_at, ${tx.now}, ${tx.now}
    from ${unnest(caseColumns(rows))} order by person_id`);
}

/** Writes what answers have changed of cases that are being worked. */
export async function updateCases(tx: WorkspaceTx, rows: readonly CaseRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(sql`/* cases.updateCases */
    update cases set version = version + 1, status = input.status, reasons = ${REASONS}, person_id = input.person_id,
      account_id = input.account_id, assignee = input.assignee, outcome = input.outcome, resolution = input.resolution,
      priority = input.priority, priority_terms = input.priority_terms, queue_rank = input.queue_rank,
      first_contact_started_at = input.started_at, first_contact_due_at = input.due_at,
      first_contact_met_at = input.met_at, updated_at = ${tx.now}
    from ${unnest(caseColumns(rows))}
    where cases.workspace_id = ${tx.workspaceId} and cases.id = input.id`);
}

/** Writes the latest clock of each case: a new one, or the running one with its new due time. */
export async function upsertClocks(tx: WorkspaceTx, rows: readonly CaseRow[]): Promise<void> {
  await tx.run(sql`/* cases.upsertClocks */
    insert into case_clocks (workspace_id, case_id, n, cause, hours_allowed, started_at, due_at, met_at)
    select ${tx.workspaceId}, case_id, n, cause, hours_allowed, started_at, due_at, met_at
    from ${unnest({
      case_id: ["uuid", rows.map(({ id }) => id)],
      n: ["integer", rows.map(({ clock }) => clock.n)],
      cause: ["text", rows.map(({ clock }) => clock.cause)],
      hours_allowed: ["double precision", rows.map(({ clock }) => clock.hoursAllowed)],
      started_at: ["timestamptz", rows.map(({ clock }) => clock.startedAt)],
      due_at: ["timestamptz", rows.map(({ clock }) => clock.dueAt)],
      met_at: ["timestamptz", rows.map(({ clock }) => clock.metAt)],
    })} order by case_id
    on conflict (workspace_id, case_id, n) do update
    set due_at = excluded.due_at, hours_allowed = excluded.hours_allowed, met_at = excluded.met_at`);
}

/** Links each answer to its case, away from the one it had. */
export async function putCaseResponses(
  tx: WorkspaceTx,
  links: readonly { caseId: string; responseId: string }[],
): Promise<void> {
  if (links.length === 0) return;
  await tx.run(sql`/* cases.putCaseResponses */
    insert into case_responses (workspace_id, response_id, case_id, joined_at)
    select ${tx.workspaceId}, response_id, case_id, ${tx.now}
    from ${unnest({
      response_id: ["uuid", links.map(({ responseId }) => responseId)],
      case_id: ["uuid", links.map(({ caseId }) => caseId)],
    })} order by response_id
    on conflict (workspace_id, response_id) do update set case_id = excluded.case_id, joined_at = excluded.joined_at`);
}

import { and, eq, getTableColumns, sql } from "drizzle-orm";
import { anyOf, type Columns, namesOf, newRows, rowOf, selected, unnest } from "../platform/sql.ts";
import { type Statement, statement, verbatim } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Clock } from "./firstContact.ts";
import { LIVE_STATUSES } from "./lifecycle.ts";
import { caseClocks, caseResponses, cases } from "./table.ts";

type Stored = Omit<
  typeof cases.$inferSelect,
  "workspaceId" | "firstContactStartedAt" | "firstContactDueAt" | "firstContactMetAt" | "openedAt" | "updatedAt"
>;

const {
  workspaceId: _workspaceId,
  firstContactStartedAt: _startedAt,
  firstContactDueAt: _dueAt,
  firstContactMetAt: _metAt,
  openedAt: _openedAt,
  updatedAt: _updatedAt,
  ...stored
} = getTableColumns(cases);
const STORED = selected(stored);
const { workspaceId: _ofWorkspace, ...clock } = getTableColumns(caseClocks);
const CLOCK = selected(clock);
/** In the text, so that a plan can use the index of what is being worked. */
const LIVE = verbatim(LIVE_STATUSES.map((status) => `'${status}'`).join(", "));

/** A case as rules see and change it, with all its clocks, oldest first. */
export interface CaseRow extends Stored {
  clocks: Clock[];
}

/** The clock that counts. */
export function latestClock({ clocks }: Pick<CaseRow, "clocks">): Clock {
  const latest = clocks.at(-1);
  if (latest === undefined) throw new Error("a case has no clock");
  return latest;
}

/** The cases of these ids, locked until the transaction ends, in their order. Whoever had them may have changed them. */
export async function lockCases(tx: WorkspaceTx, ids: Statement, options?: Locking): Promise<CaseRow[]> {
  const found = await lockRows(tx, ids, options);
  if (found.length === 0) return [];
  return withClocks(found, await listClocks(tx, idsOf(found.map(({ id }) => id))));
}

interface Locking {
  skipLocked?: boolean;
}

/** A case as it is stored, without its clocks: they are read by a statement after the lock, and so as they are then. */
export type LockedRow = Stored;

/** The same without their clocks. */
export async function lockRows(
  tx: WorkspaceTx,
  ids: Statement,
  { skipLocked = false }: Locking = {},
): Promise<LockedRow[]> {
  // Rows that refer to a case may be written meanwhile; nothing changes its key.
  const locking = verbatim(`for no key update ${skipLocked ? "skip locked" : ""}`);
  return tx.prepared(statement`/* cases.lockCases */ select ${STORED} from ${each(tx, ids, locking)}`);
}

/** The cases of these ids for `from`. */
export function each(tx: WorkspaceTx, ids: Statement, locking = verbatim("")): Statement {
  return statement`(select distinct id from (${ids}) as found order by id) as wanted
    cross join lateral ${rowOf("cases", tx.workspaceId, "wanted.id", locking)}`;
}

/** A clock with its case, and the ids of the answers of that. */
export interface ListedClock extends Clock {
  caseId: string;
  responseIds: string[];
}

/** The clocks of the cases of these ids, the oldest first. */
export async function listClocks(tx: WorkspaceTx, ids: Statement): Promise<ListedClock[]> {
  return tx.prepared(statement`/* cases.listClocksOfCases */
    select ${CLOCK}, answers.ids as "responseIds" from (select distinct id from (${ids}) as found) as wanted cross join lateral (
      select * from case_clocks where workspace_id = ${tx.workspaceId} and case_clocks.case_id = wanted.id offset 0
    ) as case_clocks cross join lateral (
      select array(select response_id from case_responses where workspace_id = ${tx.workspaceId} and case_responses.case_id = wanted.id) as ids
    ) as answers order by n`);
}

export function withClocks(rows: readonly LockedRow[], clocks: readonly ListedClock[]): CaseRow[] {
  const byCase = Map.groupBy(clocks, ({ caseId }) => caseId);
  return rows.map((row) => ({
    ...row,
    clocks: (byCase.get(row.id) ?? []).map(({ caseId: _caseId, responseIds: _ids, ...own }) => own),
  }));
}

/** These ids, as a statement that finds cases or people. */
export function idsOf(ids: readonly string[]): Statement {
  return statement`select id from ${unnest({ id: ["uuid", ids] })}`;
}

/** Of each of the people whom such a statement finds, the case that is being worked, in the same way. */
export function idsOfLive(tx: WorkspaceTx, people: Statement): Statement {
  return statement`select live.id from (${people}) as person cross join lateral (
    select id from cases where workspace_id = ${tx.workspaceId} and person_id = person.id and status in (${LIVE}) limit 1
  ) as live`;
}

export function isLiveOf(column: "person_id" | "account_id", ids: readonly string[]): Statement {
  return statement`(${verbatim(column)} = ${anyOf("uuid", ids)} and status = ${anyOf("text", LIVE_STATUSES)})`;
}

/** The latest case of each of the people whom the statement finds, by person; null of who has none. */
export async function listLatestCaseIds(tx: WorkspaceTx, people: Statement): Promise<Map<string, string | null>> {
  const found = await tx.prepared<{ personId: string; id: string | null }>(statement`/* cases.listLatestCaseIds */
    select person.id as "personId", latest.id from (${people}) as person left join lateral (
      select id from cases where workspace_id = ${tx.workspaceId} and cases.person_id = person.id
      order by opened_at desc, id desc limit 1
    ) as latest on true`);
  return new Map(found.map(({ personId, id }) => [personId, id]));
}

function columnsOf(rows: readonly CaseRow[]) {
  const clocks = rows.map(latestClock);
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
    policy_version: ["integer", rows.map(({ policyVersion }) => policyVersion)],
    stated_cause: ["text", rows.map(({ statedCause }) => statedCause)],
    actual_cause: ["text", rows.map(({ actualCause }) => actualCause)],
    improvement_id: ["uuid", rows.map(({ improvementId }) => improvementId)],
    feasibility: ["smallint", rows.map(({ feasibility }) => feasibility)],
    alignment: ["smallint", rows.map(({ alignment }) => alignment)],
    public_risk: ["boolean", rows.map(({ publicRisk }) => publicRisk)],
    first_contact_started_at: ["timestamptz", clocks.map(({ startedAt }) => startedAt)],
    first_contact_due_at: ["timestamptz", clocks.map(({ dueAt }) => dueAt)],
    first_contact_met_at: ["timestamptz", clocks.map(({ metAt }) => metAt)],
  } satisfies Columns;
}

const REASONS = "coalesce((select array_agg(reason) from jsonb_array_elements_text(input.reasons) as reason), '{}')";

/** The value of each column, which all travel as they are stored, but for the reasons. */
function valueOf(name: string): string {
  return name === "reasons" ? REASONS : `input.${name}`;
}

/**
 * Where another transaction has just opened a case for the same person, this is a unique violation:
 * the transaction runs again and finds it. Inserts with the next flush, as do the two below.
 */
export function insertCases(tx: WorkspaceTx, rows: readonly CaseRow[]): void {
  if (rows.length === 0) return;
  // What no new case has does not travel with each.
  const {
    outcome: _outcome,
    resolution: _resolution,
    stated_cause: _stated,
    actual_cause: _actual,
    ...some
  } = columnsOf(rows);
  const {
    improvement_id: _id,
    feasibility: _feasibility,
    alignment: _alignment,
    public_risk: _risk,
    ...columns
  } = some;
  const names = Object.keys(columns);
  tx.later(statement`/* cases.insertCases */
    insert into cases (workspace_id, ${verbatim(namesOf(names))}, opened_at, updated_at)
    select workspace_id, ${verbatim(names.map(valueOf).join(", "))}, ${tx.now}, ${tx.now}
    from ${newRows(tx.workspaceId, columns)} order by person_id`);
}

/** Writes the cases as they are now, with the next flush; each counts one change more. */
export function updateCases(tx: WorkspaceTx, rows: readonly CaseRow[]): void {
  if (rows.length === 0) return;
  const { id, ...columns } = columnsOf(rows);
  const set = Object.keys(columns).map((name) => `${name} = ${valueOf(name)}`);
  tx.later(statement`/* cases.updateCases */
    update cases set version = version + 1, ${verbatim(set.join(", "))}, updated_at = ${tx.now}
    from ${unnest({ id, ...columns })}
    where cases.workspace_id = ${tx.workspaceId} and cases.id = input.id`);
}

/** Writes clocks: new ones, and those that moved, were met or were announced. */
export function upsertClocks(tx: WorkspaceTx, clocks: readonly (Clock & { caseId: string })[]): void {
  if (clocks.length === 0) return;
  tx.later(statement`/* cases.upsertClocks */
    insert into case_clocks (workspace_id, case_id, n, cause, hours_allowed, started_at, counted_from, due_at, met_at,
      arrived_late, next_step, next_step_at)
    select workspace_id, case_id, n, cause, hours_allowed, started_at, counted_from, due_at, met_at,
      arrived_late, next_step, next_step_at
    from ${newRows(tx.workspaceId, {
      case_id: ["uuid", clocks.map(({ caseId }) => caseId)],
      n: ["integer", clocks.map(({ n }) => n)],
      cause: ["text", clocks.map(({ cause }) => cause)],
      hours_allowed: ["double precision", clocks.map(({ hoursAllowed }) => hoursAllowed)],
      started_at: ["timestamptz", clocks.map(({ startedAt }) => startedAt)],
      counted_from: ["timestamptz", clocks.map(({ countedFrom }) => countedFrom)],
      due_at: ["timestamptz", clocks.map(({ dueAt }) => dueAt)],
      met_at: ["timestamptz", clocks.map(({ metAt }) => metAt)],
      arrived_late: ["boolean", clocks.map(({ arrivedLate }) => arrivedLate)],
      next_step: ["integer", clocks.map(({ nextStep }) => nextStep)],
      next_step_at: ["timestamptz", clocks.map(({ nextStepAt }) => nextStepAt)],
    })} order by case_id, n
    on conflict (workspace_id, case_id, n) do update
    set due_at = excluded.due_at, hours_allowed = excluded.hours_allowed, counted_from = excluded.counted_from,
      met_at = excluded.met_at, next_step = excluded.next_step, next_step_at = excluded.next_step_at`);
}

/** Links each answer to its case, away from the one it had. */
export function putCaseResponses(tx: WorkspaceTx, links: readonly { caseId: string; responseId: string }[]): void {
  if (links.length === 0) return;
  tx.later(statement`/* cases.putCaseResponses */
    insert into case_responses (workspace_id, response_id, case_id, joined_at)
    select workspace_id, response_id, case_id, ${tx.now}
    from ${newRows(tx.workspaceId, {
      response_id: ["uuid", links.map(({ responseId }) => responseId)],
      case_id: ["uuid", links.map(({ caseId }) => caseId)],
    })} order by response_id
    on conflict (workspace_id, response_id) do update set case_id = excluded.case_id, joined_at = excluded.joined_at`);
}

export async function deleteCaseResponses(tx: WorkspaceTx, responseIds: readonly string[]): Promise<void> {
  if (responseIds.length === 0) return;
  await tx.db
    .delete(caseResponses)
    .where(
      and(
        eq(caseResponses.workspaceId, tx.workspaceId),
        sql`${caseResponses.responseId} = ${anyOf("uuid", responseIds)}`,
      ),
    );
}

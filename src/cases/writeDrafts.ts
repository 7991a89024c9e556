import { type AccountFacts, listPeople, type PersonFacts } from "../people/index.ts";
import { recordEvents } from "../platform/events.ts";
import { canonicalJson } from "../platform/json.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import type { NewActivity } from "./activity.ts";
import { insertActivities, type ListedActivity } from "./activityStore.ts";
import { type CaseEvent, caseEvent } from "./events.ts";
import { isLive } from "./lifecycle.ts";
import type { Case } from "./model.ts";
import { listCasesById, showCase } from "./reading.ts";
import {
  type CaseRow,
  deleteCaseResponses,
  insertCases,
  latestClock,
  putCaseResponses,
  updateCases,
  upsertClocks,
} from "./writes.ts";

/** A case as it is to be, and as it was: null when it is new. */
export interface Draft {
  before: CaseRow | null;
  row: CaseRow;
  /** What is remembered of the change. */
  activities: NewActivity[];
  /** What others are told, in order. */
  events: CaseEvent[];
  /** The ids of the answers that are new to it. */
  joining: string[];
  /** The ids of the answers that are another case's from now on, or nobody's. */
  leaving: string[];
  /** Of a new case, its answers and its account: it is told of without being read back. */
  responses?: RecordedResponse[];
  account?: AccountFacts | null;
}

/** People and accounts as they are now, by id: what is not in it is read. */
export interface Known {
  people: ReadonlyMap<string, PersonFacts>;
  accounts: ReadonlyMap<string, AccountFacts>;
}

export const NOTHING_KNOWN: Known = { people: new Map(), accounts: new Map() };

/** What somebody makes of a case; with neither another row nor an activity, nothing. */
export type Change = Partial<Pick<Draft, "row" | "activities" | "events">>;

export function draftOf(before: CaseRow, { row = before, activities = [], events = [] }: Change): Draft {
  return { before, row, activities, events, joining: [], leaving: [] };
}

/**
 * Writes the cases that are new or changed, with their clocks, activities, events and audit rows: every
 * change of a case, whoever makes it, comes by here. Each counts one version more.
 * @returns those that others were told about, by id
 */
export async function writeDrafts(tx: WorkspaceTx, all: readonly Draft[]): Promise<Map<string, Case>> {
  const told = await putDrafts(tx, all, NOTHING_KNOWN);
  await tx.flush();
  return told;
}

/** The same with the next flush. */
export async function putDrafts(tx: WorkspaceTx, all: readonly Draft[], known: Known): Promise<Map<string, Case>> {
  const drafts = all.filter(isChanged);
  if (drafts.length === 0) return new Map();
  updateCases(
    tx,
    drafts.filter(({ before }) => before !== null).map(({ row }) => row),
  );
  // Of two cases of one person, the one that is closed makes room for the other.
  if (drafts.some(makesRoom)) await tx.flush();
  insertCases(
    tx,
    drafts.filter(({ before }) => before === null).map(({ row }) => row),
  );
  upsertClocks(tx, drafts.flatMap(changedClocks));
  await deleteCaseResponses(
    tx,
    drafts.flatMap(({ leaving }) => leaving),
  );
  putCaseResponses(
    tx,
    drafts.flatMap(({ row, joining }) => joining.map((responseId) => ({ caseId: row.id, responseId }))),
  );
  const activities = insertActivities(
    tx,
    drafts.flatMap(({ row, before, activities: own }) =>
      own.map((activity) => ({ ...activity, caseId: row.id, version: versionAfter(before) })),
    ),
  );
  await recordAudit(
    tx,
    drafts.map(({ row, before, activities: own }) => ({
      action: `case.${own[0]?.type.toLowerCase() ?? "updated"}`,
      subjectType: "case",
      subjectId: row.id,
      ...(before === null ? {} : { before: describe(before) }),
      after: describe(row),
    })),
  );
  return tell(tx, drafts, activities, known);
}

async function tell(
  tx: WorkspaceTx,
  drafts: readonly Draft[],
  activities: readonly ListedActivity[],
  known: Known,
): Promise<Map<string, Case>> {
  const telling = drafts.filter(({ events }) => events.length > 0);
  const opened = telling.filter(({ before }) => before === null);
  const others = telling.filter(({ before }) => before !== null);
  if (others.length > 0) await tx.flush();
  const found = await listCasesById(
    tx,
    others.map(({ row }) => row.id),
  );
  const told = new Map([...found, ...(await showOpened(tx, opened, activities, known))].map((one) => [one.id, one]));
  await recordEvents(
    tx,
    telling.flatMap(({ row, before, events }) => {
      const one = told.get(row.id);
      if (one === undefined) throw new Error("a case that was written was not found again");
      return events.map((type) => caseEvent(type, one, row, before));
    }),
  );
  return told;
}

/** New cases as they would be read back: but for how to reach the person, all of it is known. */
async function showOpened(
  tx: WorkspaceTx,
  opened: readonly Draft[],
  activities: readonly ListedActivity[],
  known: Known,
): Promise<Case[]> {
  const missing = distinct(opened.map(({ row }) => row.personId)).filter((id) => !known.people.has(id));
  const listed = await listPeople(tx, missing);
  const people = new Map([...known.people, ...listed.map((person) => [person.id, person] as const)]);
  const ofCases = Map.groupBy(activities, ({ caseId }) => caseId);
  return opened.map(({ row, responses = [], account = null }) => {
    const person = people.get(row.personId ?? "") ?? null;
    return showCase(tx, {
      case: { ...row, openedAt: tx.now, updatedAt: tx.now, firstContactStartedAt: latestClock(row).startedAt },
      person: person && pick(person, ["id", "externalId", "email", "phone", "name"]),
      account: account && pick(account, ["id", "externalId", "name", "segment"]),
      clocks: row.clocks,
      responses: responses.toSorted(byTime).map((response) => ({ ...response, surveyKey: response.survey.key })),
      commitments: [],
      references: [],
      activities: (ofCases.get(row.id) ?? []).map(({ activity }) => activity),
    });
  });
}

function pick<Thing, Name extends keyof Thing>(thing: Thing, names: readonly Name[]): Pick<Thing, Name> {
  return Object.fromEntries(names.map((name) => [name, thing[name]])) as Pick<Thing, Name>;
}

function byTime(a: RecordedResponse, b: RecordedResponse): number {
  const [before, after] = [a.respondedAt + a.id, b.respondedAt + b.id];
  return before < after ? -1 : Number(before > after);
}

function isChanged({ row, before, activities, joining }: Draft): boolean {
  return activities.length > 0 || joining.length > 0 || canonicalJson(row) !== canonicalJson(before);
}

function makesRoom({ row, before }: Draft): boolean {
  return before !== null && isLive(before.status) && (!isLive(row.status) || row.personId !== before.personId);
}

function versionAfter(before: CaseRow | null): number {
  return before === null ? 1 : before.version + 1;
}

function changedClocks({ row, before }: Draft) {
  const known = new Map(before?.clocks.map((clock) => [clock.n, canonicalJson(clock)]));
  return row.clocks
    .filter((clock) => known.get(clock.n) !== canonicalJson(clock))
    .map((clock) => ({ ...clock, caseId: row.id }));
}

/** What the audit log shows of a case: no personal data. */
function describe(row: CaseRow) {
  const { status, priority, reasons, assignee, outcome, improvementId, statedCause, actualCause } = row;
  const { feasibility, alignment, publicRisk } = row;
  const { dueAt, metAt } = latestClock(row);
  return {
    status,
    priority,
    reasons,
    assignee,
    outcome,
    improvementId,
    statedCause,
    actualCause,
    feasibility,
    alignment,
    publicRisk,
    firstContact: { dueAt, metAt },
  };
}

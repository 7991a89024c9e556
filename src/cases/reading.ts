import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import { accounts, people } from "../people/index.ts";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { responses } from "../responses/index.ts";
import { categoryOf, isDangerZone } from "../scoring/index.ts";
import type { Activity } from "./activity.ts";
import { listLatestActivities } from "./activityStore.ts";
import { type Clock, stateOf } from "./firstContact.ts";
import type { Case, Commitment, Reference, ShownClock } from "./model.ts";
import { sumOf, termsAt } from "./priority.ts";
import { caseClocks, caseCommitments, caseReferences, caseResponses, cases } from "./table.ts";

/** Those of the ids that exist here, in no order. Any number of cases is the same few statements. */
export async function listCasesById(tx: WorkspaceTx, ids: readonly string[]): Promise<Case[]> {
  if (ids.length === 0) return [];
  const [rows, clocks, answers, commitments, references, latest] = await together([
    selectRows(tx, ids),
    listClocks(tx, ids),
    listAnswers(tx, ids),
    listCommitments(tx, ids),
    listReferences(tx, ids),
    listLatestActivities(tx, ids),
  ]);
  const activities = group(latest, ({ activity }): Activity => activity);
  return rows.map((row) =>
    showCase(tx, {
      ...row,
      clocks: clocks.get(row.case.id) ?? [],
      responses: answers.get(row.case.id) ?? [],
      commitments: commitments.get(row.case.id) ?? [],
      references: references.get(row.case.id) ?? [],
      activities: activities.get(row.case.id) ?? [],
    }),
  );
}

/** What a case is shown from. */
export interface CaseParts extends Pick<Case, "person" | "account" | "commitments" | "references" | "activities"> {
  case: Omit<
    typeof cases.$inferSelect,
    "workspaceId" | "policyVersion" | "queueRank" | "firstContactDueAt" | "firstContactMetAt" | "personId" | "accountId"
  >;
  clocks: readonly Clock[];
  responses: Case["responses"];
}

export function showCase(tx: WorkspaceTx, { case: row, person, account, ...parts }: CaseParts): Case {
  const terms = termsAt(row.priorityTerms, row.firstContactStartedAt, tx.now);
  const clocks = parts.clocks.map((clock) => showClock(clock, tx.now));
  const firstContact = clocks.at(-1);
  if (firstContact === undefined) throw new Error("a case has no clock");
  return {
    id: row.id,
    version: row.version,
    status: row.status,
    priority: row.priority,
    priorityScore: sumOf(terms),
    priorityTerms: terms,
    reasons: row.reasons,
    person,
    account,
    responses: parts.responses.map(({ id, score, category, dangerZone, surveyKey, respondedAt }) => {
      return { id, score, category, dangerZone, surveyKey, respondedAt };
    }),
    assignee: row.assignee,
    openedAt: row.openedAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    firstContact,
    clocks,
    commitments: parts.commitments,
    causes: { stated: row.statedCause, actual: row.actualCause },
    assessment: { feasibility: row.feasibility, alignment: row.alignment, publicRisk: row.publicRisk },
    outcome: row.outcome,
    resolution: row.resolution,
    improvementId: row.improvementId,
    references: parts.references,
    previousCaseId: row.previousCaseId,
    activities: parts.activities,
  };
}

function showClock(clock: Clock, now: Date): ShownClock {
  return {
    startedAt: clock.startedAt.toISOString(),
    dueAt: clock.dueAt.toISOString(),
    metAt: clock.metAt?.toISOString() ?? null,
    state: stateOf(clock, now),
    cause: clock.cause,
    arrivedLate: clock.arrivedLate,
  };
}

/** What belongs to each case, by its id, in the order of the rows. */
function group<Row extends { caseId: string }, Shown>(rows: readonly Row[], show: (row: Row) => Shown) {
  const grouped = Map.groupBy(rows, ({ caseId }) => caseId);
  return new Map([...grouped].map(([caseId, own]) => [caseId, own.map(show)]));
}

async function selectRows(tx: WorkspaceTx, ids: readonly string[]) {
  const { email, phone } = people;
  return tx.db
    .select({
      case: cases,
      person: { id: people.id, externalId: people.externalId, email, phone, name: people.name },
      account: {
        id: accounts.id,
        externalId: accounts.externalId,
        name: accounts.name,
        segment: accounts.segment,
      },
    })
    .from(cases)
    .leftJoin(people, and(eq(people.workspaceId, tx.workspaceId), eq(people.id, cases.personId)))
    .leftJoin(accounts, and(eq(accounts.workspaceId, tx.workspaceId), eq(accounts.id, cases.accountId)))
    .where(and(eq(cases.workspaceId, tx.workspaceId), sql`${cases.id} = ${anyOf("uuid", ids)}`));
}

type OfCase = typeof caseClocks | typeof caseResponses | typeof caseCommitments | typeof caseReferences;

function ofCases(tx: WorkspaceTx, table: OfCase, ids: readonly string[]): SQL | undefined {
  return and(eq(table.workspaceId, tx.workspaceId), sql`${table.caseId} = ${anyOf("uuid", ids)}`);
}

async function listClocks(tx: WorkspaceTx, ids: readonly string[]) {
  const rows = await tx.db
    .select()
    .from(caseClocks)
    .where(ofCases(tx, caseClocks, ids))
    .orderBy(asc(caseClocks.n));
  return group(rows, (clock): Clock => clock);
}

async function listAnswers(tx: WorkspaceTx, ids: readonly string[]) {
  const { id, score, surveyKey, respondedAt } = responses;
  const rows = await tx.db
    .select({ caseId: caseResponses.caseId, id, score, surveyKey, respondedAt })
    .from(caseResponses)
    .innerJoin(responses, and(eq(responses.workspaceId, tx.workspaceId), eq(responses.id, caseResponses.responseId)))
    .where(ofCases(tx, caseResponses, ids))
    .orderBy(asc(respondedAt), asc(id));
  return group(rows, (row): Case["responses"][number] => ({
    id: row.id,
    score: row.score,
    category: categoryOf(row.score),
    dangerZone: isDangerZone(row.score),
    surveyKey: row.surveyKey,
    respondedAt: row.respondedAt.toISOString(),
  }));
}

async function listCommitments(tx: WorkspaceTx, ids: readonly string[]) {
  const rows = await tx.db
    .select()
    .from(caseCommitments)
    .where(ofCases(tx, caseCommitments, ids))
    .orderBy(asc(caseCommitments.id));
  return group(rows, ({ id, text, dueOn, kept }): Commitment => ({ id, text, dueOn, kept }));
}

async function listReferences(tx: WorkspaceTx, ids: readonly string[]) {
  const rows = await tx.db
    .select()
    .from(caseReferences)
    .where(ofCases(tx, caseReferences, ids))
    .orderBy(asc(caseReferences.system));
  return group(rows, ({ system, externalId, url }): Reference => ({ system, externalId, url }));
}

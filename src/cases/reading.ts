import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import { accounts, people } from "../people/index.ts";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { responses } from "../responses/index.ts";
import { categoryOf } from "../scoring/index.ts";
import type { Activity } from "./activity.ts";
import { listLatestActivities } from "./activityStore.ts";
import { stateOf } from "./firstContact.ts";
import type { Case, Commitment, Reference, ShownClock } from "./model.ts";
import { sumOf, termsAt } from "./priority.ts";
import { caseClocks, caseCommitments, caseReferences, caseResponses, cases } from "./table.ts";

/** Those of the ids that exist here, in no order. Any number of cases is the same few statements. */
export async function listCasesById(tx: WorkspaceTx, ids: readonly string[]): Promise<Case[]> {
  if (ids.length === 0) return [];
  const rows = await selectRows(tx, ids);
  const clocks = await listClocks(tx, ids);
  const answers = await listAnswers(tx, ids);
  const commitments = await listCommitments(tx, ids);
  const references = await listReferences(tx, ids);
  const activities = group(await listLatestActivities(tx, ids), ({ activity }): Activity => activity);
  return rows.map(({ case: row, person, account }) => {
    const terms = termsAt(row.priorityTerms, row.firstContactStartedAt, tx.now);
    const own = clocks.get(row.id) ?? [];
    const firstContact = own.at(-1);
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
      responses: answers.get(row.id) ?? [],
      assignee: row.assignee,
      openedAt: row.openedAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
      firstContact,
      clocks: own,
      commitments: commitments.get(row.id) ?? [],
      causes: { stated: row.statedCause, actual: row.actualCause },
      assessment: { feasibility: row.feasibility, alignment: row.alignment, publicRisk: row.publicRisk },
      outcome: row.outcome,
      resolution: row.resolution,
      improvementId: row.improvementId,
      references: references.get(row.id) ?? [],
      previousCaseId: row.previousCaseId,
      activities: activities.get(row.id) ?? [],
    };
  });
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
    .leftJoin(people, and(eq(people.workspaceId, cases.workspaceId), eq(people.id, cases.personId)))
    .leftJoin(accounts, and(eq(accounts.workspaceId, cases.workspaceId), eq(accounts.id, cases.accountId)))
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
  return group(
    rows,
    (clock): ShownClock => ({
      startedAt: clock.startedAt.toISOString(),
      dueAt: clock.dueAt.toISOString(),
      metAt: clock.metAt?.toISOString() ?? null,
      state: stateOf(clock, tx.now),
      cause: clock.cause,
      arrivedLate: clock.arrivedLate,
    }),
  );
}

async function listAnswers(tx: WorkspaceTx, ids: readonly string[]) {
  const { id, score, respondedAt } = responses;
  const rows = await tx.db
    .select({ caseId: caseResponses.caseId, id, score, respondedAt })
    .from(caseResponses)
    .innerJoin(
      responses,
      and(eq(responses.workspaceId, caseResponses.workspaceId), eq(responses.id, caseResponses.responseId)),
    )
    .where(ofCases(tx, caseResponses, ids))
    .orderBy(asc(respondedAt), asc(id));
  return group(rows, (row): Case["responses"][number] => ({
    id: row.id,
    score: row.score,
    category: categoryOf(row.score),
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

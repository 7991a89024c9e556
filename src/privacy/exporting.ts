import { listCaseIdsOf, listCasesById, listWritten } from "../cases/index.ts";
import { listTold } from "../causes/index.ts";
import { listRowsOf } from "../imports/index.ts";
import { listReceiptsOf } from "../intake/index.ts";
import { readPerson } from "../people/index.ts";
import { listKeptAnswers } from "../platform/idempotencyErasing.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { listAnswersOf, listExclusions, listResponsesById } from "../responses/index.ts";
import { listDeliveriesOf, listEventsOf } from "../webhooks/index.ts";
import { needlesOf } from "./copies.ts";
import type { PersonExport } from "./model.ts";

type Section = Record<string, unknown>[];

/**
 * Everything that is held about a person, section by section as an erasure counts it.
 * @returns undefined where there is no person with this id
 */
export async function exportPerson(tx: WorkspaceTx, id: string): Promise<PersonExport | undefined> {
  const person = await readPerson(tx, id);
  if (person === undefined) return undefined;
  const answers = await listAnswersOf(tx, id);
  const responseIds = answers.map((answer) => answer.id);
  const caseIds = await listCaseIdsOf(tx, id);
  const exclusions = await listExclusions(tx, responseIds);
  const needles = needlesOf({ ...person, answers });
  const { activities, commitments, references } = await listWritten(tx, caseIds);
  return {
    exportedAt: tx.now.toISOString(),
    person,
    responses: (await listResponsesById(tx, responseIds)) as unknown as Section,
    exclusions: [...exclusions].flatMap(([responseId, own]) => own.map((one) => ({ responseId, ...one }))),
    cases: (await listCasesById(tx, caseIds)) as unknown as Section,
    activities: activities as Section,
    commitments: commitments as Section,
    references: references as Section,
    told: (await listTold(tx, id)) as Section,
    events: (await listEventsOf(tx, id)) as Section,
    deliveries: (await listDeliveriesOf(tx, id)) as Section,
    receipts: (await listReceiptsOf(tx, responseIds, needles)) as Section,
    importRows: (await listRowsOf(tx, { ...person, answers })) as Section,
    idempotencyKeys: (await listKeptAnswers(tx, { personId: id, ids: [...responseIds, ...caseIds] })) as Section,
  };
}

import { eraseCases, lockCasesOf } from "../cases/index.ts";
import { eraseTold } from "../causes/index.ts";
import { eraseReceipts } from "../intake/index.ts";
import { deletePerson, insertShell, lockPerson } from "../people/index.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { eraseResponses, lockAnswersOf } from "../responses/index.ts";
import { eraseEvents } from "../webhooks/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import type { Counts } from "./model.ts";
import { insertErasure } from "./queries.ts";

/**
 * Erases a person: whatever the tables show of them is gone with this transaction, and a shell without a name, under
 * a new id, stands in their place, so that no score and no figure moves. Copies that can only be found by looking
 * through everything are left to `eraseCopies`.
 *
 * The person is locked first, then answers, then cases: what is being written about them either waits and finds them
 * gone, or is there to be erased too.
 * @returns undefined where there is no person with this id
 */
export async function erasePerson(
  tx: WorkspaceTx,
  personId: string,
): Promise<{ erasureId: string; counts: Counts } | undefined> {
  const person = await lockPerson(tx, personId);
  if (person === undefined) return undefined;
  const [shellId, erasureId] = [newId(), newId()];
  await insertShell(tx, shellId, person.accountId);
  const answers = await lockAnswersOf(tx, personId);
  const responseIds = answers.map(({ id }) => id);
  const caseIds = await lockCasesOf(tx, personId);
  const counts = {
    ...(await eraseResponses(tx, responseIds, shellId)),
    ...(await eraseCases(tx, caseIds, shellId)),
    ...(await eraseTold(tx, personId, shellId)),
    ...(await eraseEvents(tx, { personId, shellId })),
    receipts: await eraseReceipts(tx, responseIds),
  };
  await deletePerson(tx, personId);
  const { externalId, email, phone } = person;
  await insertErasure(tx, erasureId, counts, { personId, shellId, externalId, email, phone, answers, caseIds });
  // Whoever keeps a copy knows the person by the id that they had here.
  const data = { sequence: 1, person: { id: personId } };
  await recordEvents(tx, [{ type: "person.erased", data, personId: null }]);
  await recordAudit(tx, [{ action: "person.erased", subjectType: "erasure", subjectId: erasureId, after: { counts } }]);
  return { erasureId, counts };
}

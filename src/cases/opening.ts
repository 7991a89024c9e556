import { idsOfRespondents } from "../people/index.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { CaseSummary, NewResponse, RecordingOptions, RecordingStep, ResponseChange } from "../responses/index.ts";
import { findCases, findCasesOf, followUp } from "./followUp.ts";
import type { Call } from "./placing.ts";
import { caseIdsOf } from "./queries.ts";
import { reasonsAhead, reasonsToCall } from "./reasons.ts";
import { type CaseRow, idsOf, latestClock } from "./writes.ts";

/**
 * Opens a case for every detractor and for everybody who asks to be contacted, in the transaction that
 * records the answers. An answer of somebody whose case is being worked joins it instead; an answer
 * without a person has a case of its own. Excluded answers, and history, open none.
 */
export const openCases: RecordingStep = async (tx, coming, options) => {
  const calling = coming.filter((input) => reasonsAhead(input, options).length > 0);
  if (calling.length === 0) return async () => undefined;
  const looked = await findCases(tx, idsOfRespondents(tx, calling) ?? idsOf([]), []);
  return async (recorded) => {
    const due = recorded.filter(({ response }) => reasonsToCall(response).length > 0);
    const isMissing = ({ person, isPersonNew }: NewResponse) =>
      person !== null && !isPersonNew && !looked.earlier.has(person.id);
    // Known only by what another answer of the same batch says of them, or by what somebody has changed since.
    const found = due.some(isMissing)
      ? await findCases(tx, idsOf(distinct(due.map(({ person }) => person?.id))), [])
      : looked;
    const calls = due.map(({ response }): Call => ({ response, caseId: null }));
    const known = {
      people: new Map(recorded.flatMap(({ person }) => (person === null ? [] : [[person.id, person]]))),
      accounts: new Map(recorded.flatMap(({ account }) => (account === null ? [] : [[account.id, account]]))),
    };
    const open = await followUp(tx, calls, { open: "OPENED", join: "NEW_RESPONSE" }, found, {
      known,
      events: options.events,
    });
    return new Map(open.flatMap(({ row, joining }) => joining.map((id) => [id, summaryOf(row)])));
  };
};

function summaryOf(row: CaseRow): CaseSummary {
  const { id, status, priority } = row;
  return { id, status, priority, firstContactDueAt: latestClock(row).dueAt.toISOString() };
}

/** What other answers of the same person are compared with. */
const COMPARED = ["score", "respondedAt"] as const;

/**
 * The same rules for answers that were changed: what has become a reason to call opens a case or joins
 * one, never a second; an answer that turned out to be somebody else's goes over to their case; a case
 * without any reason left is closed as INVALID, and what remains is ranked anew.
 */
export async function reviewCases(
  tx: WorkspaceTx,
  changes: readonly ResponseChange[],
  { events }: Pick<RecordingOptions, "events">,
): Promise<void> {
  const caseIds = await caseIdsOf(
    tx,
    changes.map(({ after }) => after.id),
  );
  const calls = changes.map(({ before, after }): Call => {
    return { response: after, before, caseId: caseIds.get(after.id) ?? null };
  });
  const touching = calls.filter(
    (call) => call.caseId !== null || reasonsToCall(call.response).length > 0 || isComparedAnew(call),
  );
  if (touching.length === 0) return;
  const causes = { open: "RESPONSE_CHANGED", join: "RESPONSE_CHANGED" } as const;
  await followUp(tx, touching, causes, await findCasesOf(tx, touching), { events });
  await tx.flush();
}

/** Whether the person's next answer was better or worse than this one is another matter now. */
function isComparedAnew({ response, before }: Call): boolean {
  return (
    before !== undefined &&
    (before.person?.id !== response.person?.id ||
      (before.exclusion === null) !== (response.exclusion === null) ||
      COMPARED.some((name) => before[name] !== response[name]))
  );
}

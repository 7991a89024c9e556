import { listPeople } from "../people/index.ts";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { recordEvents } from "../platform/events.ts";
import { newId } from "../platform/ids.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { improvementMoved } from "./events.ts";
import type { Improvement, ImprovementInput, ImprovementStatus, RootCause, RootCauseInput } from "./model.ts";
import {
  insertImprovement,
  insertTold,
  listImprovementsById,
  listRootCauses,
  lockImprovement,
  lockRootCauses,
  updateImprovementStatus,
  upsertRootCause,
} from "./queries.ts";

/** A workspace's tree of root causes: more are no longer causes but notes. */
const ROOT_CAUSES_MAX = 1_000;

/** What later slices do when an improvement moves, in the same transaction; the composition root names them. */
export interface ImprovementSteps {
  onMoved: ((tx: WorkspaceTx, improvement: Improvement) => Promise<void>)[];
}

/**
 * Makes a root cause, or changes the one with this key; a parent that is absent stays, null clears.
 * @throws {AppError} `invalid_request` for a parent that is unknown, or that is below it
 */
export async function putRootCause(
  tx: WorkspaceTx,
  key: string,
  { label, parentKey }: RootCauseInput,
): Promise<{ rootCause: RootCause; isNew: boolean }> {
  const tree = new Map((await lockRootCauses(tx)).map((cause) => [cause.key, cause]));
  const before = tree.get(key);
  if (before === undefined && tree.size >= ROOT_CAUSES_MAX) {
    throw invalidRequest([{ name: "key", reason: `must not be one more: there are ${ROOT_CAUSES_MAX} root causes` }]);
  }
  const rootCause = { key, label, parentKey: parentKey === undefined ? (before?.parentKey ?? null) : parentKey };
  requireParent(rootCause, tree);
  if (before?.label !== label || before.parentKey !== rootCause.parentKey) {
    await upsertRootCause(tx, rootCause);
    const entry = { action: "root_cause.put", subjectType: "root_cause", subjectId: key, after: rootCause };
    await recordAudit(tx, [before === undefined ? entry : { ...entry, before }]);
  }
  return { rootCause, isNew: before === undefined };
}

function requireParent({ key, parentKey }: RootCause, tree: ReadonlyMap<string, RootCause>): void {
  for (let above = parentKey; above !== null; above = tree.get(above)?.parentKey ?? null) {
    if (above === key) throw invalidRequest([{ name: "parentKey", reason: "must not be itself or a kind of it" }]);
    if (!tree.has(above)) throw invalidRequest([{ name: "parentKey", reason: UNKNOWN_CAUSE }]);
  }
}

const UNKNOWN_CAUSE = "is not the key of a root cause";

/** @param keys of root causes by the field that names each @throws {AppError} `invalid_request` naming those unknown */
export async function requireRootCauses(tx: WorkspaceTx, keys: ReadonlyMap<string, string>): Promise<void> {
  const known = new Set((await listRootCauses(tx, [...new Set(keys.values())])).map(({ key }) => key));
  const unknown = [...keys].filter(([, key]) => !known.has(key));
  if (unknown.length > 0) throw invalidRequest(unknown.map(([name]) => ({ name, reason: UNKNOWN_CAUSE })));
}

/** @throws {AppError} `invalid_request` for root causes that are unknown */
export async function createImprovement(tx: WorkspaceTx, input: ImprovementInput): Promise<Improvement> {
  await requireRootCauses(tx, new Map(input.rootCauseKeys.map((key, index) => [`rootCauseKeys.${index}`, key])));
  const id = newId();
  const rootCauseKeys = [...new Set(input.rootCauseKeys)];
  await insertImprovement(tx, { id, title: input.title, rootCauseKeys });
  await recordAudit(tx, [
    { action: "improvement.created", subjectType: "improvement", subjectId: id, after: { rootCauseKeys } },
  ]);
  return getImprovement(tx, id);
}

/** @throws {AppError} `not_found` */
export async function getImprovement(tx: WorkspaceTx, id: string): Promise<Improvement> {
  const [found] = await listImprovementsById(tx, [id]);
  if (found === undefined) throw new AppError("not_found", "There is no improvement with this id.");
  return found;
}

/** Moves an improvement to any status; what is parked on one that ships or is dropped comes back. */
export async function setImprovementStatus(
  tx: WorkspaceTx,
  id: string,
  status: ImprovementStatus,
  steps: ImprovementSteps,
): Promise<Improvement> {
  await lockImprovement(tx, id);
  const before = await getImprovement(tx, id);
  if (before.status === status) return before;
  await updateImprovementStatus(tx, id, status);
  const improvement = await getImprovement(tx, id);
  for (const step of steps.onMoved) await step(tx, improvement);
  await recordEvents(tx, improvementMoved(improvement, before.status));
  await recordAudit(tx, [
    {
      action: "improvement.status_changed",
      subjectType: "improvement",
      subjectId: id,
      before: { status: before.status },
      after: { status },
    },
  ]);
  return improvement;
}

/** Records who was told; somebody told before keeps the first time. @throws {AppError} `not_found` naming who is unknown */
export async function markTold(tx: WorkspaceTx, id: string, personIds: readonly string[]): Promise<Improvement> {
  const improvement = await getImprovement(tx, id);
  const wanted = personIds.map((personId) => personId.toLowerCase());
  const known = new Set((await listPeople(tx, [...new Set(wanted)])).map((person) => person.id));
  const invalidParams = wanted.flatMap((personId, index) =>
    known.has(personId) ? [] : [{ name: `personIds.${index}`, reason: "is nobody's id" }],
  );
  if (invalidParams.length > 0) {
    throw new AppError("not_found", "Nobody was marked: not all of these people are known.", { invalidParams });
  }
  const told = await insertTold(tx, id, [...known].toSorted());
  if (told.length > 0) {
    await recordAudit(tx, [
      { action: "improvement.told", subjectType: "improvement", subjectId: id, after: { people: told.length } },
    ]);
  }
  return improvement;
}

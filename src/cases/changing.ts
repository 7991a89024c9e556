import { AppError } from "../platform/errors.ts";
import { requireVersion } from "../platform/precondition.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Case } from "./model.ts";
import { listCasesById } from "./reading.ts";
import { type Change, draftOf, writeDrafts } from "./writeDrafts.ts";
import { type CaseRow, idsOf, lockCases } from "./writes.ts";

/** Which case a command is for, and in which versions of it, where the caller cares. */
export interface Target {
  id: string;
  versions?: readonly string[] | undefined;
}

/**
 * Changes one case: it is locked, looked at, and written with what is remembered and told of it. Of two
 * people at the same moment, the second sees what the first has done.
 * @throws {AppError} `not_found`, `conflict` for another version than the caller wanted, and what `decide` throws
 */
export async function changeCase(
  tx: WorkspaceTx,
  { id, versions }: Target,
  decide: (row: CaseRow) => Change | Promise<Change>,
): Promise<Case> {
  const [before] = await lockCases(tx, idsOf([id]));
  if (before === undefined) throw noSuchCase();
  requireVersion(before.version, versions);
  const told = await writeDrafts(tx, [draftOf(before, await decide(before))]);
  return told.get(before.id) ?? getCase(tx, before.id);
}

/** @throws {AppError} `not_found` */
export async function getCase(tx: WorkspaceTx, id: string): Promise<Case> {
  const [found] = await listCasesById(tx, [id]);
  if (found === undefined) throw noSuchCase();
  return found;
}

function noSuchCase(): AppError {
  return new AppError("not_found", "There is no case with this id.");
}

import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { DEFAULT_SURVEY_KEY, type Survey, type SurveyInput, type SurveyPut } from "./model.ts";
import { insertSurveys, listSurveys, updateSurvey } from "./queries.ts";

/** The surveys of these inputs, as far as they are stored. */
export async function findSurveys(tx: WorkspaceTx, inputs: readonly (SurveyInput | undefined)[]): Promise<Survey[]> {
  return listSurveys(tx, distinct(inputs.map(keyOf)));
}

function keyOf(input: SurveyInput | undefined): string {
  return input?.key ?? DEFAULT_SURVEY_KEY;
}

/**
 * Finds or makes the surveys of these inputs; those that are new are inserted with the next flush.
 * @param stored as `findSurveys` found them, of these inputs at least
 * @returns the survey of each input; a known one keeps its kind
 */
export function recordSurveys(
  tx: WorkspaceTx,
  inputs: readonly (SurveyInput | undefined)[],
  stored: readonly Survey[],
): Pick<Survey, "key" | "kind">[] {
  const keys = inputs.map(keyOf);
  const known = new Map(stored.map(({ key, kind }) => [key, kind]));
  const kinds = new Map(inputs.map((input, index) => [keys[index] ?? "", input?.kind ?? "RELATIONSHIP"] as const));
  const created = [...kinds].filter(([key]) => !known.has(key)).map(([key, kind]) => ({ key, kind }));
  if (created.length > 0) insertSurveys(tx, created);
  return keys.map((key) => ({ key, kind: known.get(key) ?? kinds.get(key) ?? "RELATIONSHIP" }));
}

/** Makes a survey, or changes the one with this key; null clears. */
export async function putSurvey(
  tx: WorkspaceTx,
  key: string,
  input: SurveyPut,
): Promise<{ survey: Survey; isNew: boolean }> {
  const [before] = await listSurveys(tx, [key]);
  const stored = before === undefined ? [] : [before];
  recordSurveys(tx, [{ key, ...(input.kind === undefined ? {} : { kind: input.kind }) }], stored);
  await tx.flush();
  if (Object.keys(input).length > 0) await updateSurvey(tx, key, input);
  const [survey] = await listSurveys(tx, [key]);
  if (survey === undefined) throw new Error("a survey was not found again");
  if (JSON.stringify(before) !== JSON.stringify(survey)) {
    const entry = { action: "survey.put", subjectType: "survey", subjectId: key, after: survey };
    await recordAudit(tx, [before === undefined ? entry : { ...entry, before }]);
  }
  return { survey, isNew: before === undefined };
}

import type { WorkspaceTx } from "../platform/tenancy.ts";
import { DEFAULT_SURVEY_KEY, type SurveyInput } from "./model.ts";
import { insertSurveys, listSurveys } from "./queries.ts";

/** Makes the surveys that are new and returns the key of each input's. A known survey keeps its kind. */
export async function recordSurveys(tx: WorkspaceTx, inputs: readonly (SurveyInput | undefined)[]): Promise<string[]> {
  const keys = inputs.map((input) => input?.key ?? DEFAULT_SURVEY_KEY);
  const known = new Set((await listSurveys(tx, [...new Set(keys)])).map(({ key }) => key));
  const kinds = new Map(inputs.map((input, index) => [keys[index] ?? "", input?.kind ?? "RELATIONSHIP"] as const));
  const created = [...kinds].filter(([key]) => !known.has(key)).map(([key, kind]) => ({ key, kind }));
  if (created.length > 0) await insertSurveys(tx, created);
  return keys;
}

import { AccountInputSchema, PersonInputSchema } from "../people/index.ts";
import type { InvalidParam } from "../platform/errors.ts";
import { createAjv, toInvalidParams } from "../platform/validation.ts";
import { SurveyInputSchema } from "../surveys/index.ts";
import { ResponseInputSchema } from "./model.ts";

const ajv = createAjv();
for (const schema of [AccountInputSchema, PersonInputSchema, SurveyInputSchema]) ajv.addSchema(schema);
const isInput = ajv.compile(ResponseInputSchema);

/** What is wrong with it as the body of `POST /v1/responses`; undefined where nothing is. */
export function findWrongFields(value: unknown): InvalidParam[] | undefined {
  return isInput(value) ? undefined : toInvalidParams(isInput.errors ?? []);
}

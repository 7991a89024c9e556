import type { TSchema } from "@sinclair/typebox";
import { AccountInputSchema, PersonInputSchema } from "../people/index.ts";
import { ResponseInputSchema } from "../responses/index.ts";
import { SurveyInputSchema } from "../surveys/index.ts";

/** How the text of a cell becomes the value of a field. */
type FieldType = "text" | "integer" | "number" | "boolean" | "properties";

/** A field of an answer as it is named in a file: `score`, `person.email`, `properties.plan`. */
export interface Field {
  path: readonly string[];
  type: FieldType;
}

const NESTED: Record<string, TSchema> = Object.fromEntries(
  [AccountInputSchema, PersonInputSchema, SurveyInputSchema].map((schema) => [`${schema.$id}#`, schema]),
);

/** Every field of an answer that a column can fill, by its name; of properties, those that stand as JSON in one column. */
export const FIELDS: ReadonlyMap<string, Field> = new Map([
  ...fieldsOf(ResponseInputSchema, []),
  // Why an answer was out of the aggregates where it was exported.
  ...["reason", "note"].map((name): [string, Field] => [
    `exclusion.${name}`,
    { path: ["exclusion", name], type: "text" },
  ]),
]);

/** What an exported file says of an answer that only we can know: it is passed over. */
export const EXPORTED_ONLY = new Set(["id", "category", "receivedAt", "updatedAt"]);

function fieldsOf(schema: TSchema, path: readonly string[]): [string, Field][] {
  const properties = schema["properties"] as Record<string, TSchema>;
  return Object.entries(properties).flatMap(([name, property]): [string, Field][] => {
    const own = [...path, name];
    const nested = NESTED[referenceOf(property)];
    if (nested !== undefined) return fieldsOf(nested, own);
    return [[own.join("."), { path: own, type: typeOf(property) }]];
  });
}

/** What the schema stands for, also where it may be null. */
function referenceOf({ $ref, anyOf }: TSchema): string {
  return $ref ?? (anyOf as TSchema[] | undefined)?.find((choice) => choice.$ref !== undefined)?.$ref ?? "";
}

function typeOf({ type }: TSchema): FieldType {
  const [name] = [type].flat();
  if (name === "object") return "properties";
  return name === "integer" || name === "number" || name === "boolean" ? name : "text";
}

/** The field of this name, also one of free properties; undefined where there is none. */
export function findField(name: string): Field | undefined {
  const known = FIELDS.get(name);
  if (known !== undefined) return known;
  const [, owner, key] = /^((?:person\.)?properties)\.(.+)$/s.exec(name) ?? [];
  if (owner === undefined || key === undefined || key === "__proto__") return undefined;
  return { path: [...owner.split("."), key], type: "text" };
}

const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * The value that a cell says. What is no number or boolean in its one spelling stays text, which the field
 * then refuses by its name. Spreadsheets write booleans in capitals.
 */
export function readCell(type: FieldType, text: string): unknown {
  if (type === "integer" && INTEGER.test(text)) return Number(text);
  if (type === "number" && NUMBER.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false|TRUE|FALSE)$/.test(text)) return text.toLowerCase() === "true";
  if (type === "properties") {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

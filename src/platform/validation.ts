import { Ajv, type ErrorObject } from "ajv";
import type { InvalidParam } from "./errors.ts";
import { ABSENCE, type Absence, FORMAT_TESTS, FORMATS } from "./schema.ts";

/** More would bury the first wrong field; a caller mends these and sees the rest. */
const INVALID_PARAMS_MAX = 20;
/** A name that the caller made up is shown to them, not sent back at any length. */
const NAME_LENGTH_MAX = 200;

/**
 * What validates and what documents are the same schemas. Nothing is coerced: Fastify's default would
 * turn `{"score": null}` into 0, a customer in the danger zone.
 */
export function createAjv(): Ajv {
  return new Ajv({
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
    allErrors: true,
    allowUnionTypes: true,
    verbose: true,
    // What TypeBox makes is a schema: to have each held to the schema of schemas would cost every start.
    meta: false,
    validateSchema: false,
    formats: FORMAT_TESTS,
    keywords: ["example", ABSENCE],
  });
}

/**
 * Ajv's errors as the caller's fields, at most 20, each once. Only `nullableRef` makes choices, and of
 * those what was wrong with the thing is told, not that it might have been null.
 */
export function toInvalidParams(errors: readonly ErrorObject[]): InvalidParam[] {
  const params = errors
    .filter(({ keyword, params: { type } }) => keyword !== "anyOf" && type !== "null")
    .map((error) => ({ name: fieldOf(error), reason: reasonOf(error) }));
  const first = new Map(params.map((param) => [param.name, param] as const).toReversed());
  return [...first.values()].toReversed().slice(0, INVALID_PARAMS_MAX);
}

function fieldOf(error: ErrorObject): string {
  const path = error.instancePath.split("/").slice(1).map(unescapePointer);
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const own = missingProperty ?? additionalProperty ?? error.propertyName;
  const name = [...path, ...(own === undefined ? [] : [own])].join(".");
  return name === "" ? "body" : name.slice(0, NAME_LENGTH_MAX);
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function reasonOf({ keyword, params, message, parentSchema }: ErrorObject): string {
  const values = params as Record<string, unknown>;
  const limit = Number(values["limit"]);
  switch (keyword) {
    case "required":
      return "is required";
    case "additionalProperties": {
      const absent = parentSchema?.[ABSENCE] as Absence | undefined;
      const isExpected =
        absent !== undefined && new RegExp(absent.pattern, "i").test(String(values["additionalProperty"]));
      return isExpected ? `is not a known field: ${absent.reason}` : "is not a known field";
    }
    case "enum":
      return `must be one of ${(values["allowedValues"] as (string | null)[]).filter((value) => value !== null).join(", ")}`;
    case "format":
      return FORMATS[values["format"] as keyof typeof FORMATS].reason;
    case "type":
      return `must be ${[values["type"]].flat().map(describeType).join(" or ")}`;
    case "minimum":
      return `must be at least ${limit}`;
    case "maximum":
      return `must be at most ${limit}`;
    case "exclusiveMinimum":
      return `must be more than ${limit}`;
    case "minLength":
    case "minItems":
      return limit === 1 ? "must not be empty" : `must have at least ${limit} ${COUNTED[keyword]}`;
    case "maxLength":
    case "maxItems":
    case "maxProperties":
      return `must have at most ${limit} ${COUNTED[keyword]}`;
    default:
      return message ?? "is not valid";
  }
}

/** What these keywords count. */
const COUNTED = {
  minLength: "characters",
  maxLength: "characters",
  minItems: "values",
  maxItems: "values",
  maxProperties: "fields",
};

function describeType(type: unknown): string {
  const names: Record<string, string> = {
    integer: "a whole number",
    number: "a number",
    string: "text",
    boolean: "true or false",
    object: "an object",
    array: "a list",
  };
  return names[String(type)] ?? String(type);
}

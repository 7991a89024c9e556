import type { AnySchema, ValidateFunction } from "ajv";
import { type InvalidParam, invalidRequest } from "./errors.ts";
import { toInvalidParams } from "./validation.ts";

interface Parameter {
  type?: string;
  items?: { type?: string };
}
type Declared = Record<string, Parameter>;

/**
 * Reads and validates a query string, which has only text: whole numbers and booleans are taken in
 * their one spelling (`0x10` is none), and one value of a list is a list of one.
 * @returns what Fastify expects of a validator
 */
export function compileQuery(schema: AnySchema, validator: () => ValidateFunction) {
  const { properties: declared = {}, patternProperties = {} } = schema as Record<string, Declared | undefined>;
  const byPattern = Object.entries(patternProperties).map(([pattern, one]) => [new RegExp(pattern, "u"), one] as const);
  const find = (name: string) => declared[name] ?? byPattern.find(([pattern]) => pattern.test(name))?.[1];
  return (raw: Record<string, unknown>) => {
    const value = Object.fromEntries(Object.entries(raw).map(([name, text]) => [name, read(text, declared[name])]));
    const validate = validator();
    if (validate(value)) return { value };
    return { error: invalidRequest(describe(toInvalidParams(validate.errors ?? []), raw, find)) };
  };
}

function read(text: unknown, declared: Declared[string] | undefined): unknown {
  if (declared?.type === "array") return [text].flat().map((item) => readOne(item, declared.items?.type));
  return readOne(text, declared?.type);
}

function readOne(text: unknown, type: string | undefined): unknown {
  if (typeof text !== "string") return text;
  if (type === "integer" && /^(0|-?[1-9]\d*)$/.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

/** A value of a list is named by its parameter, and what was given twice and may not be is told so. */
function describe(
  params: InvalidParam[],
  raw: Record<string, unknown>,
  find: (name: string) => Parameter | undefined,
): InvalidParam[] {
  return params.map(({ name, reason }) => {
    const parameter = Object.hasOwn(raw, name) ? name : name.replace(/\.\d+$/, "");
    const declared = find(parameter);
    if (declared === undefined) return { name: parameter, reason: "is not a known parameter" };
    const isRepeated = Array.isArray(raw[parameter]) && declared.type !== "array";
    return { name: parameter, reason: isRepeated ? "must be given once" : reason };
  });
}

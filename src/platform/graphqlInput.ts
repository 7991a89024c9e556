import type { Static, TSchema } from "@sinclair/typebox";
import { invalidRequest } from "./errors.ts";
import { builder } from "./graphql.ts";
import { createAjv, toInvalidParams } from "./validation.ts";

/** As much of a schema as the body of a command has. */
interface Field {
  type?: string | string[];
  enum?: readonly (string | null)[];
  format?: string;
  items?: Field;
  description?: string;
}

type EnumRef = ReturnType<typeof builder.enumType>;

/** The enums that inputs may name, by their words: the words stand once, and so does their enum. */
const enums = new Map<string, EnumRef>();

/**
 * An enum of the schema, which the inputs of mutations may use as well.
 * @param meanings of each word, for people to read
 */
export function defineEnum<const Words extends readonly string[]>(
  name: string,
  description: string,
  words: Words,
  meanings: Readonly<Record<Words[number], string>>,
) {
  const values = Object.fromEntries(
    words.map((word: Words[number]) => [word, { description: meanings[word] }]),
  ) as Record<Words[number], { description: string }>;
  const ref = builder.enumType(name, { description, values });
  enums.set(words.join(), ref);
  return ref;
}

const FORMATS: Record<string, "DateTime" | "Date" | "ID"> = { "date-time": "DateTime", date: "Date", uuid: "ID" };
const TYPES: Record<string, "Boolean" | "Int" | "Float" | "String"> = {
  boolean: "Boolean",
  integer: "Int",
  number: "Float",
};

/**
 * The input of a mutation, from the schema that the body of the REST call has: the same fields, and what
 * is given is held to the same rules.
 * @param schema an object of plain values and lists of them, with a `$id`
 */
export function defineInput<S extends TSchema>(schema: S, extra: Record<string, TSchema> = {}) {
  const { $id = "", description } = schema as { $id?: string; description?: string };
  const properties: Record<string, TSchema> = { ...extra, ...schema["properties"] };
  const required = new Set([...Object.keys(extra), ...((schema["required"] as string[] | undefined) ?? [])]);
  const isInput = createAjv().compile({
    type: "object",
    properties,
    required: [...required],
    additionalProperties: false,
  });
  const ref = builder.inputType($id, {
    ...(description === undefined ? {} : { description }),
    fields: (t) =>
      Object.fromEntries(
        Object.entries(properties).map(([name, field]) => {
          const options = {
            type: typeOf(field, `${$id}.${name}`),
            required: required.has(name) && !isNullable(field),
            description: (field as Field).description,
          };
          return [name, t.field(options as never)];
        }),
      ) as never,
  });
  /** @throws {AppError} `invalid_request` naming the fields as the caller wrote them: `input.note` */
  const read = (given: unknown): Static<S> => {
    const input = toPlain(given as Record<string, unknown>, properties);
    if (isInput(input)) return input;
    throw invalidRequest(
      toInvalidParams(isInput.errors ?? []).map(({ name, reason }) => ({ name: `input.${name}`, reason })),
    );
  };
  return { ref, read };
}

function typeOf(field: Field, place: string): unknown {
  if (field.items !== undefined) return [typeOf(field.items, place)];
  if (field.enum !== undefined) {
    const ref = enums.get(field.enum.filter((word) => word !== null).join());
    if (ref === undefined) throw new Error(`${place} has words that are no enum of the schema`);
    return ref;
  }
  const type = [field.type].flat().find((one) => one !== "null") ?? "string";
  return FORMATS[field.format ?? ""] ?? TYPES[type] ?? "String";
}

function isNullable(field: TSchema | undefined): boolean {
  return [(field as Field | undefined)?.type].flat().includes("null");
}

/**
 * The input as a body: times, which their scalar has parsed, are text again, and null is as good as absent
 * where the body knows no null, because clients send their empty variables so.
 */
function toPlain(given: Record<string, unknown>, properties: Record<string, TSchema>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([name, value]) => value !== null || isNullable(properties[name]))
      .map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  );
}

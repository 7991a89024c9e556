import fc from "fast-check";

/** As much of JSON Schema as our OpenAPI document speaks. */
export interface Schema {
  description?: string;
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  maximum?: number;
  maxItems?: number;
  maxProperties?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, Answers>;
    examples?: Record<string, { value: unknown }>;
  };
}

export interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; description?: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
  responses: Record<string, Answers | { $ref: string }>;
}

/** What an operation answers with a status. */
export interface Answers {
  content?: Record<string, { schema: Schema; example?: unknown; examples?: Record<string, unknown> }>;
}

const LIST_MAX = 5;

/** What a `$ref` stands for. */
export function resolve(document: Document, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = document.components.schemas[schema.$ref.replace("#/components/schemas/", "")];
  if (found === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return found;
}

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  uuid: fc.uuid({ version: 7 }),
  email: fc.nat(40).map((n) => `Person-${n}@Example.com`),
  phone: fc.nat(40).map((n) => `+49 30 ${1000 + n}`),
  currency: fc.constantFrom("EUR", "USD"),
  url: fc.nat(40).map((n) => `https://example.com/${n}`),
  key: fc.nat(40).map((n) => `system-${n}`),
  header: fc.nat(40).map((n) => `X-Token-${n}`),
  "time-of-day": fc
    .tuple(fc.nat(23), fc.nat(59))
    .map(([h, m]) => [h, m].map((n) => String(n).padStart(2, "0")).join(":")),
  date: fc
    .date({ min: new Date("1970-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
    .map((d) => d.toISOString().slice(0, 10)),
  "date-time": fc
    .date({ min: new Date("1970-01-02"), max: new Date("2026-01-01"), noInvalidDate: true })
    .map((d) => d.toISOString()),
};

/** What the operation answers with this status; undefined where the document does not say that it may. */
export function answersOf(document: Document, { responses }: Operation, status: number | string): Answers | undefined {
  const found = responses[status];
  if (found === undefined || !("$ref" in found)) return found;
  return document.components.responses[found.$ref.replace("#/components/responses/", "")];
}

/** Values that the schema allows. */
export function valid(document: Document, given: Schema): fc.Arbitrary<unknown> {
  const schema = resolve(document, given);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => valid(document, one)));
  const types = [schema.type ?? "object"].flat();
  return fc.oneof(...types.map((type) => ofType(document, schema, type)));
}

function ofType(document: Document, schema: Schema, type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({ min: schema.minimum ?? -100, max: schema.maximum ?? 100 });
    case "number":
      return fc.double({
        min: schema.exclusiveMinimum ?? schema.minimum ?? -1e6,
        minExcluded: schema.exclusiveMinimum !== undefined,
        max: schema.maximum ?? 1e6,
        noNaN: true,
      });
    case "string":
      return FORMATS[schema.format ?? ""] ?? text(schema);
    case "array":
      return fc.array(valid(document, schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? LIST_MAX, LIST_MAX),
      });
    default:
      return object(document, schema);
  }
}

function text({ minLength = 0, maxLength = 300, format }: Schema): fc.Arbitrary<string> {
  const any = fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, 60) });
  const fits = (value: string) => !value.includes("\u0000") && Array.from(value).length <= maxLength;
  return any.filter((value) => fits(value) && (format !== "filled" || value.trim() !== ""));
}

function object(document: Document, schema: Schema): fc.Arbitrary<unknown> {
  const named = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, valid(document, property)]),
  );
  const known = fc.record(named, { requiredKeys: schema.required ?? [] });
  if (typeof schema.additionalProperties !== "object") return known;
  const extra = fc.dictionary(
    fc.constantFrom("plan", "seats", "Größe", "a.b"),
    valid(document, schema.additionalProperties),
  );
  return fc.tuple(known, extra).map(([a, b]) => ({ ...a, ...b }));
}

/** A value with one thing wrong, and the name by which the caller is told. */
export interface Broken {
  value: unknown;
  name: string;
}

/** Values with one field that the schema forbids: of another type, out of bounds, missing, or unknown. */
export function broken(document: Document, given: Schema, name = ""): fc.Arbitrary<Broken> {
  const schema = resolve(document, given);
  const path = (key: string) => (name === "" ? key : `${name}.${key}`);
  if (schema.anyOf !== undefined) {
    const things = schema.anyOf.filter(({ type }) => type !== "null");
    return fc.oneof(...things.map((one) => broken(document, one, name))).filter(({ value }) => value !== null);
  }
  const wrong = wrongValues(schema).map((value) => fc.constant({ value, name: name === "" ? "body" : name }));
  if (schema.properties === undefined) return fc.oneof(...wrong);
  const whole = object(document, schema) as fc.Arbitrary<Record<string, unknown>>;
  const inside = Object.entries(schema.properties).map(([key, property]) =>
    fc.tuple(whole, broken(document, property, path(key))).map(([value, part]) => ({
      value: { ...value, [key]: part.value },
      name: part.name,
    })),
  );
  const missing = (schema.required ?? []).map((key) =>
    whole.map(({ [key]: _missing, ...value }) => ({ value, name: path(key) })),
  );
  const unknown = whole.map((value) => ({ value: { ...value, surprise: 1 }, name: path("surprise") }));
  return fc.oneof(unknown, ...inside, ...missing, ...(name === "" ? [] : wrong));
}

function wrongValues(schema: Schema): unknown[] {
  if (schema.enum !== undefined) return ["SOMETHING_ELSE", 7, {}];
  const types = new Set([schema.type ?? "object"].flat());
  const wrong: unknown[] = [];
  if (!types.has("string")) wrong.push("5", "");
  if (!types.has("number") && !types.has("integer")) wrong.push(5, 0.5);
  if (!types.has("boolean")) wrong.push(true);
  if (!types.has("array")) wrong.push([]);
  if (!types.has("object")) wrong.push({});
  if (!types.has("null")) wrong.push(null);
  if (types.has("integer")) wrong.push(5.5);
  if (schema.minimum !== undefined) wrong.push(schema.minimum - 1);
  if (schema.maximum !== undefined) wrong.push(schema.maximum + 1);
  if (schema.exclusiveMinimum !== undefined) wrong.push(schema.exclusiveMinimum);
  if (schema.minItems !== undefined) wrong.push([]);
  if (schema.format === "url") wrong.push("ftp://example.com/", "nowhere");
  if (schema.format === "time-of-day") wrong.push("9:00", "24:01");
  if (types.has("string")) wrong.push("a\u0000b", "\ud800");
  if (schema.maxLength !== undefined) wrong.push("x".repeat(schema.maxLength + 1));
  if (schema.minLength !== undefined) wrong.push("");
  if (schema.format === "date-time") wrong.push("yesterday", "2026-02-30T00:00:00Z");
  if (schema.format === "date") wrong.push("2026-02-30");
  if (schema.format === "email") wrong.push("nobody");
  return wrong;
}

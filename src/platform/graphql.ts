import SchemaBuilder from "@pothos/core";
import type { FastifyBaseLogger } from "fastify";
import {
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type ValueNode,
} from "graphql";
import { type Principal, requireScope } from "./auth.ts";
import { invalidRequest } from "./errors.ts";
import { isDate, isDateTime, isId, isText, toBound } from "./schema.ts";
import type { WorkspaceTx } from "./tenancy.ts";

/** What resolvers get: who asks, and a way to read in their workspace. */
export interface GraphqlContext {
  principal: Principal;
  /** Writes under the request's id. */
  log: FastifyBaseLogger;
  /** Reads one after the other in one snapshot, the same for the whole request. */
  read<T>(work: (tx: WorkspaceTx) => Promise<T>): Promise<T>;
  /** Changes something, in the transaction of the whole request: where one mutation fails, none is kept. */
  write<T>(work: (tx: WorkspaceTx) => Promise<T>): Promise<T>;
  /** How many more answers of cases this request may show: the one list without pages that leads back to itself. */
  casesAnswersLeft: number;
  /** What loaders have found belongs to this: another after every change, which they must see. */
  generation: object;
}

/** Every slice adds its types to this builder in its `graphql.ts`; the composition root makes the schema of them. */
export const builder = new SchemaBuilder<{
  Context: GraphqlContext;
  DefaultFieldNullability: false;
  Scalars: {
    DateTime: { Input: Date; Output: string };
    Date: { Input: string; Output: string };
    JSON: { Input: never; Output: unknown };
    ID: { Input: string; Output: string };
  };
}>({ defaultFieldNullability: false });

/** A scalar that is text of one form, in variables and in the document alike. */
function textScalar<Value>(isValid: (text: string) => boolean, expected: string, parse: (text: string) => Value) {
  const parseValue = (value: unknown): Value => {
    if (typeof value === "string" && isValid(value)) return parse(value);
    throw new TypeError(`It must be ${expected}.`);
  };
  const parseLiteral = (node: ValueNode) => parseValue(node.kind === Kind.STRING ? node.value : null);
  return { parseValue, parseLiteral, serialize: (value: unknown) => value };
}

builder.scalarType("DateTime", {
  description: "An instant: RFC 3339 with offset, like 2026-05-04T09:12:00Z; answered in UTC, with milliseconds",
  ...textScalar(isDateTime, "an RFC 3339 time with offset, like 2026-05-04T09:12:00Z", toBound),
});

builder.scalarType("Date", {
  description: "A day of the calendar without a time zone, like 2026-05-04",
  ...textScalar(isDate, "a date, like 2026-05-04", (text) => text),
});

builder.scalarType("JSON", { description: "A JSON value of any form; only in answers", serialize: (value) => value });

builder.queryType({ description: "What can be asked; everything in one request is read from one moment" });
builder.mutationType({
  description:
    "What can be done: one for each command of the REST interface; where one of a request fails, none is kept",
});

/**
 * GraphQL's own ID takes any text; ours are UUIDs.
 * @throws {AppError} `invalid_request` naming the argument
 */
export function parseId(name: string, id: string): string {
  if (!isId(id)) throw invalidRequest([{ name, reason: "must be an id (UUID)" }]);
  return id.toLowerCase();
}

/**
 * The schema, with every field asking for its scope. Each field of Query and Mutation names one in its
 * extensions, and each object type names the scope of reading it (null for plain values), which is
 * asked of fields that lead to it from another type. One that names none throws, so that the server
 * does not start.
 */
export function guardSchema(schema: GraphQLSchema, scopes: readonly string[]): GraphQLSchema {
  const roots = new Set([schema.getQueryType(), schema.getMutationType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields())) {
      const target = getNamedType(field.type);
      const place = `${type.name}.${field.name}`;
      const reading = isObjectType(target) ? scopeOf(target, scopes) : null;
      const scope = roots.has(type) ? (scopeOf(field, scopes, place) ?? fail(place)) : reading;
      if (scope === null || (!roots.has(type) && scope === scopeOf(type, scopes))) continue;
      const resolve: GraphQLFieldResolver<unknown, GraphqlContext> | undefined = field.resolve;
      if (resolve === undefined) throw new Error(`${place} has no resolver`);
      field.resolve = (source, args, context: GraphqlContext, info) => {
        requireScope(context.principal, scope);
        requireText(args);
        return resolve(source, args, context, info);
      };
    }
  }
  return schema;
}

/** Texts anywhere in the arguments, held to the same rule as in a body. */
function requireText(value: unknown, name = ""): void {
  if (typeof value === "string" && !isText(value)) {
    throw invalidRequest([{ name, reason: "must not contain NUL characters or unpaired surrogates" }]);
  }
  if (typeof value !== "object" || value === null || value instanceof Date) return;
  for (const [key, item] of Object.entries(value)) requireText(item, name === "" ? key : `${name}.${key}`);
}

function scopeOf(
  named: { name: string; extensions: Readonly<Record<string, unknown>> },
  scopes: readonly string[],
  place = named.name,
): string | null {
  const { scope } = named.extensions;
  if (scope === null) return null;
  return typeof scope === "string" && scopes.includes(scope) ? scope : fail(place);
}

function fail(place: string): never {
  throw new Error(`GraphQL ${place} names no scope`);
}

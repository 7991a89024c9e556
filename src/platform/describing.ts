import type { FastifyRequest, FastifySchema, RouteOptions } from "fastify";
import { ERROR_COMPONENTS, errorResponses, HEADER_COMPONENTS } from "./documentedErrors.ts";
import type { ErrorCode } from "./errors.ts";

declare module "fastify" {
  interface FastifySchema {
    operationId?: string;
    security?: readonly Record<string, readonly string[]>[];
    /** Of a route that reads its body itself, whatever it is: what it must be. */
    rawBody?: string;
    /** Of a route whose query takes parameters that are named by the caller: all of them as one object. */
    moreParameters?: { name: string; description: string; example: Record<string, string> };
  }
}

/** A call as it was sent to a real server, and what that answered: recorded by a test. */
export interface Example {
  request?: unknown;
  /** By status. */
  answers?: Record<string, unknown>;
}

/** What the routes do not say themselves. */
export interface Examples {
  operations: Record<string, Example>;
  /** A problem for each code. */
  problems: Record<string, unknown>;
  /** What an endpoint is sent, for each type of event. */
  webhooks: Record<string, unknown>;
}

/** As much of OpenAPI as is completed here. */
interface Body {
  content?: Record<string, { schema?: object; example?: unknown }>;
}
interface Answer extends Body {
  headers?: Record<string, object>;
}
interface Operation {
  operationId?: string;
  parameters?: object[];
  requestBody?: Body & { required?: boolean; description?: string };
  responses?: Record<string, Answer>;
}
type Methods = Record<string, Operation>;
interface Document {
  paths?: Record<string, Methods>;
  webhooks?: Record<string, Methods>;
  components?: Record<string, object>;
}

/** The codes an operation may answer with, from what its route is. */
function errorCodesOf({ schema, config }: RouteOptions): Set<ErrorCode> {
  const { headers = {}, response = {} } = (schema ?? {}) as {
    headers?: { properties?: object };
    response?: Record<string, { codes?: readonly ErrorCode[] }>;
  };
  const takes = (name: string) => name in (headers.properties ?? {});
  const isPublic = config?.scope === "public";
  const isWatch = isPublic && config.countedBy?.({ params: {} } as FastifyRequest) === null;
  return new Set<ErrorCode>([
    "invalid_request",
    ...Object.values(response).flatMap(({ codes = [] }) => codes),
    ...(isPublic ? [] : (["unauthenticated", "forbidden"] as const)),
    ...(takes("if-match") ? (["conflict"] as const) : []),
    ...(takes("idempotency-key") ? (["idempotency_in_progress", "idempotency_mismatch"] as const) : []),
    ...(isWatch ? [] : (["rate_limited", "unavailable"] as const)),
    "internal",
  ]);
}

/** Where anything is limited, each answer says how much is left. */
const RATE_LIMITS = Object.fromEntries(
  ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"].map((name) => [
    name,
    { $ref: `#/components/headers/${name}` },
  ]),
);

/** Parameters whose names are not known beforehand: each member of the object is one. */
function manyOf({ name, description, example }: NonNullable<FastifySchema["moreParameters"]>): object {
  const schema = { type: "object", additionalProperties: { type: "string" } };
  return { in: "query", name, required: false, style: "form", explode: true, description, schema, example };
}

/** Completes the document by what follows from a route, so that no route says it: its scope, its errors, its examples. */
export function createDescriber(examples: Examples) {
  const routes = new Map<string, RouteOptions>();

  const describeRoute = ({ schema, url, route }: { schema: FastifySchema; url: string; route: RouteOptions }) => {
    if (schema?.operationId === undefined) return { schema, url };
    routes.set(schema.operationId, route);
    const { scope } = route.config ?? {};
    const scopes = scope === undefined || scope === "authenticated" ? [] : [scope];
    const security = scope === "public" ? [] : [{ bearer: scopes }];
    return { schema: { ...schema, security }, url };
  };

  const describeDocument = <D extends Document>(made: D): D => {
    // What is changed below must not be what requests and answers go by.
    const document = JSON.parse(JSON.stringify(made)) as D;
    for (const methods of Object.values(document.paths ?? {})) {
      for (const operation of Object.values(methods)) {
        const route = routes.get(operation.operationId ?? "");
        if (route === undefined) throw new Error("an operation has no operationId");
        complete(operation, route, examples.operations[operation.operationId ?? ""] ?? {});
      }
    }
    for (const [type, { post }] of Object.entries(document.webhooks ?? {})) {
      if (type in examples.webhooks) addExample(post?.requestBody, examples.webhooks[type]);
    }
    openAnswers(document);
    const used = JSON.stringify(document.paths);
    const problems = Object.entries(examples.problems).map(([code, value]) => [code, { summary: code, value }]);
    document.components = {
      ...document.components,
      responses: Object.fromEntries(
        Object.entries(ERROR_COMPONENTS).filter(([name]) => used.includes(`/responses/${name}"`)),
      ),
      headers: HEADER_COMPONENTS,
      examples: Object.fromEntries(problems),
    };
    return document;
  };

  return { describeRoute, describeDocument };
}

/**
 * Takes "no other fields" from what is answered and is never sent to us: whoever validates our answers by the document
 * must not break when a field is added. What we are sent stays closed, as a field that we do not know is refused.
 */
function openAnswers({ paths = {}, components = {} }: Document): void {
  const schemas = (components["schemas"] ?? {}) as Record<string, object>;
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const sent = referred(
    operations.map(({ responses: _responses, ...asked }) => asked),
    schemas,
  );
  for (const [name, schema] of Object.entries(schemas)) if (!sent.has(name)) openUp(schema);
  for (const { responses } of operations) openUp(responses);
}

/** The names of the schemas that these refer to, and those refer to. */
function referred(from: unknown, schemas: Record<string, object>, names = new Set<string>()): Set<string> {
  for (const [, name = ""] of JSON.stringify(from).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (names.has(name)) continue;
    names.add(name);
    referred(schemas[name] ?? {}, schemas, names);
  }
  return names;
}

function openUp(schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return;
  if ("additionalProperties" in schema && schema.additionalProperties === false) delete schema.additionalProperties;
  for (const part of Object.values(schema)) openUp(part);
}

function complete(operation: Operation, route: RouteOptions, { request, answers = {} }: Example): void {
  const codes = errorCodesOf(route);
  const { rawBody, moreParameters } = route.schema ?? {};
  if (rawBody !== undefined) {
    operation.requestBody = { required: true, description: rawBody, content: { "*/*": { schema: {} } } };
  }
  if (moreParameters !== undefined) operation.parameters = [...(operation.parameters ?? []), manyOf(moreParameters)];
  // What has no fields need not be sent.
  const [sent] = Object.values(operation.requestBody?.content ?? {});
  if (isEmpty(sent?.schema)) operation.requestBody = { ...operation.requestBody, required: false };
  if (request !== undefined) addExample(operation.requestBody, request);
  const responses = Object.entries(operation.responses ?? {});
  const successes = responses.filter(([status]) => status.startsWith("2"));
  const others = responses.flatMap(([status, { content = {} }]) => {
    const { "application/problem+json": _problem, ...other } = content;
    return status.startsWith("2") || Object.keys(other).length === 0 ? [] : [[status, other] as const];
  });
  for (const [status, response] of successes) {
    if (status in answers) addExample(response, answers[status]);
    if (codes.has("rate_limited")) response.headers = { ...response.headers, ...RATE_LIMITS };
    if (codes.has("idempotency_mismatch")) {
      response.headers = {
        ...response.headers,
        "Idempotent-Replayed": { $ref: "#/components/headers/Idempotent-Replayed" },
      };
    }
  }
  operation.responses = {
    ...Object.fromEntries(successes),
    ...errorResponses(codes, Object.fromEntries(others)),
  };
}

/** A text is an example of a text, like CSV, and nothing else is. */
function addExample(body: Body | undefined, example: unknown): void {
  for (const [type, media] of Object.entries(body?.content ?? {})) {
    const isText = typeof example === "string";
    if (isText === type.startsWith("text/")) media.example = example;
  }
}

function isEmpty(schema: { properties?: object } | undefined): boolean {
  return schema?.properties !== undefined && Object.keys(schema.properties).length === 0;
}

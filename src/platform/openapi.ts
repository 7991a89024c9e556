import swagger from "@fastify/swagger";
import type { GraphQLSchema } from "graphql";
import { lexicographicSortSchema, printSchema } from "graphql";
import { createDescriber, type Examples } from "./describing.ts";
import type { Server } from "./http.ts";
import { describePosition } from "./position.ts";

const CREDENTIALS = "An API key, or a JWT of the identity provider that the installation trusts.";

/** What is said of the interface as a whole. */
export interface Interface {
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  examples: Examples;
}

/**
 * Collects the routes that are registered after it.
 * @param webhooks requests that we send, by their names: each an OpenAPI path item
 */
export async function registerOpenapi(
  app: Server,
  { info, tags, examples }: Interface,
  webhooks: Record<string, object>,
) {
  const { describeRoute, describeDocument } = createDescriber(examples);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info,
      servers: [{ url: "/", description: "The server that gave this document" }],
      tags,
      webhooks,
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", description: CREDENTIALS } } },
      security: [{ bearer: [] }],
    },
    transform: describeRoute,
    transformObject: (made) =>
      describePosition(describeDocument("openapiObject" in made ? (made.openapiObject as object) : {})),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema["$id"] === "string" ? schema["$id"] : `def-${index}`,
    },
  });
}

/** The two documents about the interface, as they are committed and served. */
export function describeInterface(app: Server, schema: GraphQLSchema): { openapi: string; sdl: string } {
  return {
    openapi: `${JSON.stringify(app.swagger(), null, 2)}\n`,
    sdl: `${printSchema(lexicographicSortSchema(schema))}\n`,
  };
}

/** Serves both documents to everybody: they tell nothing about anybody's data. */
export function registerDocuments(app: Server, schema: GraphQLSchema): void {
  let documents: { openapi: string; sdl: string } | undefined;
  app.addHook("onReady", async () => {
    documents = describeInterface(app, schema);
  });
  const route = (path: string, summary: string, description: string, contentType: string, pick: "openapi" | "sdl") =>
    app.get(
      path,
      {
        config: { scope: "public" },
        schema: {
          operationId: path.slice(1).replaceAll(/\W(\w)/g, (_, letter: string) => letter.toUpperCase()),
          summary,
          description,
          tags: ["Operations"],
          security: [],
          response: { 200: { description: "The document", content: { [contentType]: { schema: {} } } } },
        },
      },
      async (_request, reply) => reply.type(contentType).send(documents?.[pick]),
    );
  route(
    "/openapi.json",
    "This document",
    "For generators of clients, and for everybody who reads it. It is of this version, and open to everybody.",
    "application/json; charset=utf-8",
    "openapi",
  );
  route(
    "/schema.graphql",
    "The GraphQL schema",
    "The SDL of `POST /graphql`, for which introspection would need a scope. It is open to everybody.",
    "text/plain; charset=utf-8",
    "sdl",
  );
}

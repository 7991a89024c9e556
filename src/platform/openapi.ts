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

import { readFile } from "node:fs/promises";
import type { Server } from "./http.ts";

/**
 * Serves both documents to everybody, as they are committed: they tell nothing about anybody's data, and a start need not
 * make them.
 */
export function registerDocuments(app: Server): void {
  const route = (path: string, summary: string, description: string, contentType: string) => {
    let document: string | undefined;
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
      async (_request, reply) => {
        document ??= await readFile(new URL(`../../openapi${path}`, import.meta.url), "utf8");
        return reply.type(contentType).send(document);
      },
    );
  };
  route(
    "/openapi.json",
    "This document",
    "For generators of clients, and for everybody who reads it. It is of this version, and open to everybody.",
    "application/json; charset=utf-8",
  );
  route(
    "/schema.graphql",
    "The GraphQL schema",
    "The SDL of `POST /graphql`, for which introspection would need a scope. It is open to everybody.",
    "text/plain; charset=utf-8",
  );
}

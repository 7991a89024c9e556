import { GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import t from "tap";
import { registerAuth } from "../../src/platform/auth.ts";
import { guardSchema } from "../../src/platform/graphql.ts";
import { createServer } from "../../src/platform/http.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { SCOPES } from "../../src/workspaces/index.ts";

t.test("a route that names no scope, or an unknown one, stops the server before it listens", async (t) => {
  const app = createServer(createLogger("silent"));
  registerAuth(app, () => Promise.reject(new Error("nobody asks")), SCOPES);
  t.throws(() => app.get("/v1/open", async () => "secrets"), /GET \/v1\/open names no scope/);
  t.throws(() => app.get("/v1/odd", { config: { scope: "odd:read" } }, async () => "x"), /unknown scope odd:read/);
  t.doesNotThrow(() => app.get("/v1/fine", { config: { scope: "people:read" } }, async () => "x"));
  await app.close();
});

t.test("a GraphQL field or type that names no scope stops the server too", async (t) => {
  const schemaOf = (queryScope: Record<string, unknown>, typeScope: Record<string, unknown>) =>
    new GraphQLSchema({
      query: new GraphQLObjectType({
        name: "Query",
        fields: {
          thing: {
            type: new GraphQLObjectType({
              name: "Thing",
              fields: { name: { type: GraphQLString } },
              extensions: typeScope,
            }),
            resolve: () => ({}),
            extensions: queryScope,
          },
        },
      }),
    });
  const scope = { scope: "people:read" };
  t.throws(() => guardSchema(schemaOf({}, scope), SCOPES), /Query\.thing names no scope/);
  t.throws(() => guardSchema(schemaOf({ scope: null }, scope), SCOPES), /Query\.thing names no scope/);
  t.throws(() => guardSchema(schemaOf({ scope: "odd:read" }, scope), SCOPES), /Query\.thing names no scope/);
  t.throws(() => guardSchema(schemaOf(scope, {}), SCOPES), /Thing names no scope/);
  t.doesNotThrow(() => guardSchema(schemaOf(scope, { scope: null }), SCOPES));
});

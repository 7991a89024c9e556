import { buildClientSchema, getIntrospectionQuery } from "graphql";
import t from "tap";
import { startService } from "../support/service.ts";

t.test("GraphiQL asks /graphql with the key that is typed into it, and nobody else anything", async (t) => {
  const service = await startService(t, { graphiql: true });
  const page = await service.app.inject({ url: "/graphiql" });
  t.equal(page.statusCode, 200, "without a key");
  t.equal(page.headers["content-type"], "text/html; charset=utf-8");
  t.match(page.body.slice(-1_000), /renderYogaGraphiQL\(.*"endpoint":"\/graphql"/);
  const policy = String(page.headers["content-security-policy"]).split("; ");
  for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    t.ok(policy.includes(part), part);
  }

  const client = await service.newClient();
  const body = { query: getIntrospectionQuery({ inputValueDeprecation: true }), operationName: "IntrospectionQuery" };
  const asked = await client.post("/graphql", body);
  t.equal(asked.status, 200, "the question by which it learns the schema");
  t.ok(buildClientSchema(asked.body.data).getQueryType()?.getFields()["nps"]);
  const reader = await client.withScopes("aggregates:read");
  t.match((await reader.post("/graphql", body)).body, { errors: [{ extensions: { code: "forbidden" } }] });
  const anonymous = await service.app.inject({ method: "POST", url: "/graphql", payload: body });
  t.equal(anonymous.statusCode, 401);

  const document = (await service.app.inject({ url: "/openapi.json" })).json();
  t.notOk(document.paths["/graphiql"], "it is no part of the interface");
});

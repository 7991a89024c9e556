import { readFile } from "node:fs/promises";
import t from "tap";
import { describeApp } from "../../src/apiDocument.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { answersOf } from "../support/arbitraries.ts";
import { startService } from "../support/service.ts";

t.test("the documents about the interface are those of the code, and served as they are committed", async (t) => {
  const service = await startService(t);
  const { openapi, sdl } = await describeApp(service.pool, createLogger("silent"));
  for (const [path, file, type, made] of [
    ["/openapi.json", "openapi.json", /^application\/json/, openapi],
    ["/schema.graphql", "schema.graphql", /^text\/plain/, sdl],
  ] as const) {
    const answer = await service.app.inject({ url: path });
    t.equal(answer.statusCode, 200);
    t.match(answer.headers["content-type"], type);
    const committed = await readFile(new URL(`../../openapi/${file}`, import.meta.url), "utf8");
    t.ok(answer.body === committed);
    t.ok(made === committed, `openapi/${file} is stale: run node src/main.ts openapi`);
  }
});

t.test("the OpenAPI document says every route, with its errors and scope", async (t) => {
  const service = await startService(t);
  const document = (await service.app.inject({ url: "/openapi.json" })).json();
  t.match(document, { openapi: /^3\.1/, info: { title: "Afterscore" } });
  const operations = Object.entries<Record<string, any>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  t.ok(operations.length >= 8);
  for (const { name, operation } of operations) {
    t.match(operation, { operationId: /^[a-z][A-Za-z]+$/, summary: /^[A-Z]/ }, name);
    if (operation.security?.length === 0) continue;
    const isRead = name.startsWith("get ");
    const isTaken = (operation.parameters ?? []).some((parameter: any) => parameter.name === "Afterscore-Position");
    t.equal(isTaken, isRead || name === "post /graphql", `${name} takes a position`);
    for (const [status, { headers }] of Object.entries<any>(operation.responses)) {
      const isTold = headers?.["Afterscore-Position"] !== undefined;
      t.equal(isTold, !isRead && status.startsWith("2"), `${name} ${status} tells one`);
    }
    for (const status of ["400", "401", "403", "500", "503"]) {
      const schema = answersOf(document, operation, status)?.content?.["application/problem+json"]?.schema;
      t.same(schema, { $ref: "#/components/schemas/Problem" }, `${name} ${status}`);
    }
  }
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length);
});

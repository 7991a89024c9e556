import type { AddressInfo } from "node:net";
import createClient from "openapi-fetch";
import t from "tap";
import type { components, paths } from "../client/api.d.ts";
import { startService } from "../support/service.ts";

type Response = components["schemas"]["Response"];

t.test("a product team's day by a client whose types are made of the document", async (t) => {
  const service = await startService(t);
  await service.app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = service.app.server.address() as AddressInfo;
  const { apiKey } = await service.newClient();
  const api = createClient<paths>({
    baseUrl: `http://127.0.0.1:${port}`,
    headers: { authorization: `Bearer ${apiKey}` },
  });

  const answer: components["schemas"]["ResponseInput"] = {
    score: 3,
    source: "shop",
    externalId: "1",
    person: { email: "erin@acme.example" },
  };
  const headers = { "idempotency-key": "first" };
  const recorded = await api.POST("/v1/responses", { body: answer, params: { header: headers } });
  t.equal(recorded.response.status, 201);
  const first = recorded.data;
  if (first === undefined) throw new Error(recorded.error.detail);
  t.equal(first.category, "DETRACTOR" satisfies Response["category"]);
  const again = await api.POST("/v1/responses", { body: answer, params: { header: headers } });
  t.equal(again.response.headers.get("idempotent-replayed"), "true");
  const read = await api.GET("/v1/responses/{id}", { params: { path: { id: first.id } } });
  t.same(read.data, first);

  // @ts-expect-error A score is a number, and the compiler says so before the service does.
  const wrong = await api.POST("/v1/responses", { body: { score: "3" } });
  const problem: components["schemas"]["Problem"] | undefined = wrong.error;
  t.match(problem, { code: "invalid_request", status: 400, invalidParams: [{ name: "score" }] });

  for (const score of [9, 10, 8]) await api.POST("/v1/responses", { body: { score } });
  const scores: number[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: 2, ...(cursor === undefined ? {} : { cursor }) };
    const { data, error } = await api.GET("/v1/responses", { params: { query } });
    if (data === undefined) throw new Error(error.detail);
    t.ok(data.data.length <= 2);
    scores.push(...data.data.map(({ score }) => score));
    cursor = data.nextCursor;
  }
  t.same(scores, [8, 10, 9, 3]);

  const path = { id: first.case?.id ?? "" };
  const call: components["schemas"]["ContactInput"] = {
    channel: "PHONE",
    direction: "OUTBOUND",
    outcome: "REACHED",
    topics: ["THANKED"],
  };
  const contact = (version: number) =>
    api.POST("/v1/cases/{id}/contacts", { params: { path, header: { "if-match": `"${version}"` } }, body: call });
  const { data: reached } = await contact(1);
  t.match(reached, { status: "CONTACTED", version: 2, firstContact: { state: "MET" } });
  const { error: late } = await contact(1);
  t.match(late, { code: "conflict", status: 409 });
  const { error: forbidden } = await api.POST("/v1/cases/{id}/verification", {
    params: { path },
    body: { satisfied: true },
  });
  t.match(forbidden, { code: "invalid_transition", allowedMoves: ["parking", "resolution", "closure"] });
});

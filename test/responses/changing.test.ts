import t from "tap";
import { startService } from "../support/service.ts";

t.test("changing a response", async (t) => {
  const service = await startService(t);

  t.test("PATCH sets what is given, clears what is null, keeps the rest", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", {
      score: 8,
      comment: "Fine",
      touchpoint: "onboarding",
      language: "en",
      properties: { plan: "pro", seats: 3 },
    });
    const { status, body } = await client.patch(`/v1/responses/${first.id}`, {
      comment: "Fine, mostly",
      touchpoint: null,
      properties: { seats: null, trial: true },
    });
    t.equal(status, 200);
    const { updatedAt, ...rest } = body;
    t.ok(updatedAt > first.updatedAt);
    t.match(rest, { comment: "Fine, mostly", touchpoint: null, language: "en", score: 8, case: null });
    t.same(body.properties, { plan: "pro", trial: true });
    t.same((await client.get(`/v1/responses/${first.id}`)).body, body);
    const [event] = await client.rows("select data from events where type = 'response.updated'");
    t.match(event?.["data"], {
      sequence: 2,
      response: { comment: "Fine, mostly" },
      previous: { comment: "Fine", touchpoint: "onboarding", properties: { plan: "pro", seats: 3 } },
    });
    const { body: worst } = await client.patch(`/v1/responses/${first.id}`, { score: 0, comment: null });
    t.match(worst, { score: 0, comment: null, category: "DETRACTOR", dangerZone: true, case: { status: "OPEN" } });
  });

  t.test("PATCH takes the type of a JSON merge patch as well", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 8 });
    const answer = await service.app.inject({
      method: "PATCH",
      url: `/v1/responses/${first.id}`,
      headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/merge-patch+json" },
      payload: '{"comment":"Fine"}',
    });
    t.match(answer.json(), { comment: "Fine" });
  });

  t.test("a change that changes nothing writes nothing and tells nobody", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 8, comment: "Fine" });
    const { body } = await client.patch(`/v1/responses/${first.id}`, { comment: "Fine", score: 8 });
    t.same(body, first);
    t.same((await client.patch(`/v1/responses/${first.id}`, {})).body, first);
    t.same(await client.rows("select count(*) as events from events where type = 'response.updated'"), [{ events: 0 }]);
  });

  t.test("tells whom it is about, and what its case is worth, as they are now", async (t) => {
    const client = await service.newClient();
    const known = { email: "ana@example.com", account: { externalId: "acme", name: "Acme" } };
    const { body: before } = await client.post("/v1/responses", { score: 5, person: known });
    const account = { externalId: "acme", name: "Acme SE", annualValue: 9_000_000 };
    const change = { person: { email: "ana@example.com", name: "Ana", account } };
    const { body: changed } = await client.patch(`/v1/responses/${before.id}`, change);
    t.match(changed, { person: { name: "Ana" }, account: { name: "Acme SE" } });
    t.same(changed, (await client.get(`/v1/responses/${before.id}`)).body, "as it is read afterwards");
    t.not(changed.case.priority, before.case.priority);
  });

  t.test("does not put back what a person has taken out", async (t) => {
    const client = await service.newClient();
    const answer = { source: "crm", externalId: "nightly", score: 9, test: false };
    const { body } = await client.put("/v1/responses", answer);
    await client.post(`/v1/responses/${body.id}/exclusion`, { reason: "TEST" });
    await client.rows(`update responses set excluded_by = 'user:ana' where id = '${body.id}'`);
    t.match((await client.put("/v1/responses", answer)).body, { exclusion: { reason: "TEST" } });
  });

  t.test("the rules are evaluated again: a case opens, its clock starting now, and never a second", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 8, person: { email: "a@example.com" } });
    const { body: opened } = await client.patch(`/v1/responses/${first.id}`, { score: 5 });
    t.match(opened, { category: "DETRACTOR", case: { status: "OPEN" } });
    const hours = (at: string) =>
      Math.round((Date.parse(opened.case.firstContactDueAt) - Date.parse(at)) / 36_000) / 100;
    t.equal(hours(opened.updatedAt), 48);
    const { body: worse } = await client.patch(`/v1/responses/${first.id}`, { score: 1, followUpRequested: true });
    t.equal(worse.case.id, opened.case.id);
    t.ok(worse.case.firstContactDueAt < opened.case.firstContactDueAt, "the danger zone is due earlier");
    const { cases } = await client.query("{ cases { totalCount edges { node { reasons clocks { cause } } } } }");
    t.equal(cases.totalCount, 1);
    t.same(cases.edges[0].node, {
      reasons: ["DETRACTOR", "DANGER_ZONE", "FOLLOW_UP_REQUESTED"],
      clocks: [{ cause: "RESPONSE_CHANGED" }],
    });
  });

  t.test("a late comment changes the case's place in the queue, and nothing else of it", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 2 });
    const ask = async () =>
      (await client.query("{ cases { edges { node { firstContact { dueAt } priorityTerms { term } } } } }")).cases
        .edges[0].node;
    const before = await ask();
    await client.patch(`/v1/responses/${first.id}`, { comment: "It broke" });
    const after = await ask();
    const terms = (node: { priorityTerms: { term: string }[] }) => node.priorityTerms.map(({ term }) => term);
    t.same(terms(before), ["DANGER_ZONE", "DETRACTOR", "NO_COMMENT", "WAITING"]);
    t.same(terms(after), ["DANGER_ZONE", "DETRACTOR", "WAITING"]);
    t.equal(after.firstContact.dueAt, before.firstContact.dueAt);
  });

  t.test("who answered may become known later, and takes the case along unless they have one", async (t) => {
    const client = await service.newClient();
    const { body: anonymous } = await client.post("/v1/responses", { score: 2 });
    const { body: known } = await client.patch(`/v1/responses/${anonymous.id}`, {
      person: { email: "ana@example.com", account: { externalId: "acme", segment: "SMALL" } },
    });
    t.match(known, { person: { email: "ana@example.com" }, account: { segment: "SMALL" }, case: anonymous.case });
    const { body: next } = await client.post("/v1/responses", { score: 3, person: { email: "ana@example.com" } });
    t.equal(next.case.id, anonymous.case.id, "her next answer joins it");
    const { body: other } = await client.post("/v1/responses", { score: 4 });
    const { body: hers } = await client.patch(`/v1/responses/${other.id}`, { person: { email: "ana@example.com" } });
    t.equal(hers.case.id, anonymous.case.id, "an answer that is hers after all joins it too");
    const { cases } = await client.query(
      "{ cases(orderBy: OLDEST) { edges { node { id status outcome resolution responses { id } } } } }",
    );
    t.match(cases.edges, [
      { node: { status: "OPEN", outcome: null, responses: { length: 3 } } },
      { node: { id: other.case.id, status: "CLOSED", outcome: "INVALID", resolution: /no answer/i, responses: [] } },
    ]);
    const closed = await client.rows("select data from events where type = 'case.closed'");
    t.match(closed, [{ data: { case: { status: "CLOSED" }, previous: { status: "OPEN" } } }]);
  });

  t.test("an answer that was somebody else's goes over to their case, or opens one", async (t) => {
    const client = await service.newClient();
    const send = async (body: object) => (await client.post("/v1/responses", body)).body;
    const [alice, bob] = [{ externalId: "alice" }, { externalId: "bob" }];
    const first = await send({ score: 6, person: alice });
    const moved = await send({ score: 1, person: alice });
    t.equal(moved.case.id, first.case.id);
    const { body: bobs } = await client.patch(`/v1/responses/${moved.id}`, { person: bob });
    t.not(bobs.case.id, first.case.id);
    const { body: alices } = await client.get(`/v1/responses/${first.id}`);
    t.match(alices.case, { id: first.case.id, status: "OPEN" });
    const ask = async (id: string) =>
      (await client.query(`{ case(id: "${id}") { reasons person { externalId } responses { id } } }`)).case;
    t.same(await ask(bobs.case.id), {
      reasons: ["DETRACTOR", "DANGER_ZONE"],
      person: bob,
      responses: [{ id: moved.id }],
    });
    t.same(await ask(first.case.id), { reasons: ["DETRACTOR"], person: alice, responses: [{ id: first.id }] });

    const second = await send({ score: 5, person: { externalId: "carol" } });
    const { body: dangerous } = await client.patch(`/v1/responses/${second.id}`, { person: bob, score: 0 });
    t.equal(dangerous.case.id, bobs.case.id, "where they have one, it joins");
    const { body: nobodys } = await client.patch(`/v1/responses/${second.id}`, { person: null });
    t.not(nobodys.case.id, bobs.case.id, "without a person it has one of its own");
    const live = await client.rows(
      "select count(*) as cases from cases where status = 'OPEN' and person_id is not null group by person_id",
    );
    t.same(live, [{ cases: 1 }, { cases: 1 }]);
  });

  t.test("a case that has no reason left is closed as invalid, not deleted", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 2, person: { email: "ana@example.com" } });
    const { body: corrected } = await client.patch(`/v1/responses/${first.id}`, { score: 9 });
    t.match(corrected.case, { id: first.case.id, status: "CLOSED" });
    const { body: again } = await client.patch(`/v1/responses/${first.id}`, { score: 1 });
    t.match(again.case, { id: first.case.id, status: "OPEN" }, "a reason that is back opens it again, never a second");
    await client.patch(`/v1/responses/${first.id}`, { score: 9 });
    const { body: next } = await client.post("/v1/responses", { score: 3, person: { email: "ana@example.com" } });
    t.not(next.case.id, first.case.id);
    t.match(await client.query(`{ case(id: "${next.case.id}") { previousCaseId } }`), {
      case: { previousCaseId: first.case.id },
    });
  });

  t.test("an account that becomes known later is the case's, and its owner the assignee", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 2 });
    await client.patch(`/v1/responses/${first.id}`, { account: { externalId: "acme", owner: "ben" } });
    const { cases } = await client.query("{ cases { edges { node { assignee account { externalId } } } } }");
    t.same(cases.edges, [{ node: { assignee: "ben", account: { externalId: "acme" } } }]);
  });

  t.test("an unknown id is not found, a field that cannot be changed is named", async (t) => {
    const client = await service.newClient();
    t.equal((await client.patch("/v1/responses/01a20384-8f34-7616-a3d6-aa384e874811", { score: 1 })).status, 404);
    const { body } = await client.post("/v1/responses", { score: 8 });
    for (const name of ["id", "source", "externalId", "category", "receivedAt", "respondedAt", "case", "workspaceId"]) {
      const answer = await client.patch(`/v1/responses/${body.id}`, { [name]: "x" });
      t.match(answer, { status: 400, body: { invalidParams: [{ name }] } });
    }
    t.equal((await client.patch(`/v1/responses/${body.id}`, { score: null })).status, 400);
  });
});

t.test("PUT: an answer, new or changed, that can be sent again blindly", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const put = (body: object) => client.put("/v1/responses", { source: "delighted", externalId: "d-1", ...body });

  const first = await put({ score: 3, updatedAt: "2026-05-04T09:00:00Z", person: { email: "ana@example.com" } });
  t.equal(first.status, 201);
  const comment = await put({ score: 3, comment: "Too slow", updatedAt: "2026-05-04T09:05:00Z" });
  t.equal(comment.status, 200);
  t.match(comment.body, {
    id: first.body.id,
    comment: "Too slow",
    person: first.body.person,
    case: { id: first.body.case.id },
  });

  const late = await put({ score: 9, comment: "Old", updatedAt: "2026-05-04T09:04:59Z" });
  t.equal(late.status, 200);
  t.same(late.body, comment.body, "what is older changes nothing");
  t.same((await put({ score: 3, comment: "Too slow", updatedAt: "2026-05-04T09:05:00Z" })).body, comment.body);
  t.match((await put({ score: 4 })).body, { score: 4, comment: "Too slow" }, "without a time it is taken as news");
  t.equal((await put({ score: 4, test: true })).body.exclusion.reason, "TEST");
  t.equal((await put({ score: 4, test: false })).body.exclusion, null);
  t.same(await client.rows("select count(*) as responses from responses"), [{ responses: 1 }]);
  t.same(await client.rows("select count(*) as cases from cases"), [{ cases: 1 }]);

  const fine = (fraction: string, score: number) =>
    put({ externalId: "fine", score, updatedAt: `2026-05-04T09:00:00.${fraction}Z` });
  await fine("123456", 3);
  t.equal((await fine("123001", 9)).body.score, 3, "older by less than a millisecond is older");
  t.equal((await fine("123456789", 7)).body.score, 7);

  t.equal((await put({ score: 4, survey: { key: "mine" } })).body.survey.key, "mine");
  t.equal((await put({ score: 4, survey: { kind: "RELATIONSHIP" } })).body.survey.key, "mine", "an absent key is kept");

  const sticky = {
    externalId: "sticky",
    score: 9,
    person: { externalId: "p", account: { externalId: "A", segment: "SA" } },
  };
  await put(sticky);
  await client.put("/v1/people", { externalId: "p", account: { externalId: "B", segment: "SB" } });
  const blind = await put({ ...sticky, person: { externalId: "p" } });
  t.match(blind.body.account, { externalId: "A", segment: "SA" }, "it stays as it was when they answered");

  for (const [name, body] of [
    ["externalId", { score: 3, source: "x", externalId: undefined }],
    ["source", { score: 3, source: undefined }],
    ["updatedAt", { score: 3, updatedAt: "2999-01-01T00:00:00Z" }],
    ["score", { comment: "x" }],
  ] as const) {
    t.match(await put(body), { status: 400, body: { invalidParams: [{ name }] } });
  }

  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      client.put("/v1/responses", { source: "s", externalId: "same", score: index % 11 }),
    ),
  );
  t.same(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [...Array(19).fill(200), 201],
    "20 at once are one",
  );
});

import t from "tap";
import { startService } from "../support/service.ts";

t.test("recording an answer", async (t) => {
  const service = await startService(t);

  t.test("score 0 is a score: a detractor in the danger zone, with a case", async (t) => {
    const client = await service.newClient();
    const { status, body } = await client.post("/v1/responses", { score: 0 });
    t.equal(status, 201);
    t.match(body, { score: 0, category: "DETRACTOR", dangerZone: true, case: { status: "OPEN" } });
  });

  t.test("everything that was sent comes back, and can be read again", async (t) => {
    const client = await service.newClient();
    const sent = {
      score: 3,
      survey: { key: "relationship-2026", kind: "TRANSACTIONAL" },
      comment: "Too slow 😡",
      followUpRequested: true,
      respondedAt: "2026-05-04T11:12:00.5+02:00",
      source: "mail",
      externalId: "resp_81",
      channel: "EMAIL",
      touchpoint: "onboarding",
      language: "en",
      incentivised: true,
      properties: { plan: "pro", seats: 12.5, trial: false },
      person: {
        externalId: "u-7",
        email: "Ana@Example.com",
        phone: "+49 30 1234",
        name: "Ana",
        account: { externalId: "acme", name: "Acme", segment: "ENTERPRISE", annualValue: 120000.1, owner: "ben" },
      },
    };
    const { status, body } = await client.post("/v1/responses", sent);
    t.equal(status, 201);
    const { person: _person, survey, respondedAt: _time, ...plain } = sent;
    t.match(body, { ...plain, survey, respondedAt: "2026-05-04T09:12:00.500Z", category: "DETRACTOR" });
    t.match(body.person, { externalId: "u-7", email: "ana@example.com", name: "Ana" });
    t.match(body.account, { externalId: "acme", name: "Acme", segment: "ENTERPRISE" });
    t.match(body.case, { status: "OPEN", priority: "URGENT" });
    const names = `id score category dangerZone comment followUpRequested channel touchpoint language incentivised
      properties respondedAt receivedAt updatedAt source externalId survey person account exclusion acknowledgedAt
      previous case`.split(/\s+/);
    t.same(Object.keys(body), names);
    t.same((await client.get(`/v1/responses/${body.id}`)).body, body);
  });

  t.test("the same answer again is the stored one, another under its id is a conflict", async (t) => {
    const client = await service.newClient();
    const answer = { score: 9, externalId: "r-1", person: { email: "ana@example.com", name: "Ana" } };
    const first = await client.post("/v1/responses", answer);
    const again = await client.post("/v1/responses", {
      person: { name: "Ana", email: "ana@example.com" },
      externalId: "r-1",
      score: 9,
    });
    t.equal(again.status, 200);
    t.same(again.body, first.body);
    const other = await client.post("/v1/responses", { ...answer, score: 2 });
    t.equal(other.status, 409);
    t.match(other.body, { code: "conflict", existingId: first.body.id });
    t.equal((await client.post("/v1/responses", { ...answer, source: "other" })).status, 201, "another source");
    t.equal((await client.get("/v1/responses")).body.data.length, 2);
  });

  t.test("segment and account stay as they were when it was answered", async (t) => {
    const client = await service.newClient();
    const answer = (segment: string) => ({
      score: 8,
      person: { externalId: "u-1", account: { externalId: "acme", segment } },
    });
    const first = await client.post("/v1/responses", answer("SMALL"));
    const second = await client.post("/v1/responses", answer("ENTERPRISE"));
    const later = await client.post("/v1/responses", { score: 8, person: { externalId: "u-1" } });
    t.equal(second.body.account.segment, "ENTERPRISE");
    t.equal((await client.get(`/v1/responses/${first.body.id}`)).body.account.segment, "SMALL");
    t.same(later.body.account, second.body.account, "an answer without account belongs to the person's");
  });

  t.test("the account may be known where the person is not", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", {
      score: 5,
      account: { externalId: "acme", segment: "SMALL" },
    });
    t.match(body, { person: null, account: { externalId: "acme", segment: "SMALL" } });
  });

  t.test("a test answer is stored, excluded, and opens no case", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", { score: 1, test: true });
    t.match(body, { exclusion: { reason: "TEST", note: null, excludedBy: /^key:/ }, case: null });
    t.match(await client.query("{ nps { answered } }"), { nps: { answered: 0 } });
    t.match(await client.query("{ nps(filter: { includeExcluded: true }) { answered } }"), { nps: { answered: 1 } });
  });

  t.test("the answer before is shown, by when it was answered", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const send = async (score: number, respondedAt: string, more = {}) =>
      (await client.post("/v1/responses", { score, respondedAt, person, ...more })).body;
    const may = await send(9, "2026-05-01T00:00:00Z");
    await send(0, "2026-04-15T00:00:00Z", { test: true });
    const june = await send(4, "2026-06-01T00:00:00Z");
    await send(7, "2026-04-01T00:00:00Z");
    t.equal(may.previous, null);
    t.same(june.previous, { score: 9, category: "PROMOTER", respondedAt: "2026-05-01T00:00:00.000Z" });
    t.match((await client.get(`/v1/responses/${may.id}`)).body.previous, { score: 7, category: "PASSIVE" });
  });

  t.test("and of a batch, in whatever order its answers stand", async (t) => {
    const client = await service.newClient();
    const person = { externalId: "u-1" };
    const on = (day: string, score: number, more = {}) => ({
      score,
      respondedAt: `2026-${day}T00:00:00Z`,
      person,
      ...more,
    });
    await client.post("/v1/responses", on("05-01", 5));
    const { body } = await client.post("/v1/responses/batch", {
      responses: [on("07-01", 7), on("04-01", 4), on("06-15", 0, { test: true }), on("06-01", 6), on("03-01", 3)],
    });
    const previous = { "04-01": 3, "06-01": 5, "06-15": 6, "07-01": 6 };
    const before = new Map<string, number | null>();
    const told = await client.rows(
      "select data #> '{response}' as response from events where type = 'response.recorded'",
    );
    for (const { response } of told as any[])
      before.set(response.respondedAt.slice(5, 10), response.previous?.score ?? null);
    t.match(Object.fromEntries(before), { "05-01": null, "03-01": null, ...previous });
    for (const { id } of body.results) {
      const { body: read } = await client.get(`/v1/responses/${id}`);
      t.equal(read.previous?.score ?? null, before.get(read.respondedAt.slice(5, 10)), read.respondedAt);
    }
  });

  t.test("white space is no comment", async (t) => {
    const client = await service.newClient();
    for (const comment of ["", " \n", null]) {
      t.equal((await client.post("/v1/responses", { score: 9, comment })).body.comment, null);
    }
    t.equal((await client.post("/v1/responses", { score: 9, comment: " ok " })).body.comment, " ok ");
  });

  t.test("each recording writes its event, and each case its event and audit row", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", { score: 1, person: { email: "ana@example.com" } });
    await client.post("/v1/responses", { score: 9 });
    const events = await client.rows("select type, data, person_id from events order by type, id");
    t.same(
      events.map(({ type }) => type),
      ["case.opened", "response.recorded", "response.recorded"],
    );
    t.match(events[0], {
      data: { sequence: 1, case: { id: body.case.id, status: "OPEN" } },
      person_id: body.person.id,
    });
    t.same((events[1]?.["data"] as { response?: object } | undefined)?.response, body, "the body as the caller got it");
    const audit = await client.rows("select action, actor_kind, subject_id, request_id from audit_log order by id");
    t.match(audit, [
      { action: "api_key.created", actor_kind: "job" },
      { action: "case.opened", actor_kind: "key", subject_id: body.case.id, request_id: String },
    ]);
  });
});

t.test("what cannot be is refused, names its field, and leaves nothing behind", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const day = 24 * 3_600_000;
  const bad: [string, unknown][] = [
    ["score", {}],
    ...[5.5, "5", true, null, -1, 11, [], {}].map((score): [string, unknown] => ["score", { score }]),
    ["score", '{"score": 1e400}'],
    ["score", '{"score": 3, "score": 9}'],
    ["scor\\u0065 twice", '{"score": 3, "scor\\u0065": 9}'],
    ["properties.b", '{"score": 3, "properties": {"a": {"c": 1}, "b": 1, "b": 2}}'],
    ["properties. ", { score: 5, properties: { " ": 1 } }],
    ["body", "[]"],
    ["body", "null"],
    ["nps", { score: 5, nps: 5 }],
    ["person.mail", { score: 5, person: { mail: "a@b" } }],
    ["person.account.tier", { score: 5, person: { email: "a@b", account: { externalId: "x", tier: 1 } } }],
    ["person", { score: 5, person: {} }],
    ["person", { score: 5, person: { name: "Ana", email: null } }],
    ["person", { score: 5, person: 7 }],
    ["person.email", { score: 5, person: { email: "nobody" } }],
    ["account", { score: 5, person: { email: "a@b" }, account: { externalId: "x" } }],
    ["account.externalId", { score: 5, account: {} }],
    ["account.renewsOn", { score: 5, account: { externalId: "x", renewsOn: "2026-02-30" } }],
    ["account.renewsOn", { score: 5, account: { externalId: "x", renewsOn: "0000-01-01" } }],
    ["account.currency", { score: 5, account: { externalId: "x", currency: "euro" } }],
    ["person.phone", { score: 5, person: { phone: "none" } }],
    ["person.email", { score: 5, person: { email: "a\u0001@b.co" } }],
    ["account.annualValue", { score: 5, account: { externalId: "x", annualValue: -1 } }],
    ["comment", { score: 5, comment: "x".repeat(10_001) }],
    ["comment", { score: 5, comment: "a\u0000b" }],
    ["comment", '{"score": 5, "comment": "\\ud800"}'],
    ["touchpoint", { score: 5, touchpoint: "" }],
    ["touchpoint", { score: 5, touchpoint: "  " }],
    ["touchpoint", { score: 5, touchpoint: "x".repeat(256) }],
    ["channel", { score: 5, channel: "email" }],
    ["survey.kind", { score: 5, survey: { kind: "OTHER" } }],
    ["followUpRequested", { score: 5, followUpRequested: "true" }],
    ["properties.a", { score: 5, properties: { a: null } }],
    ["properties.a", { score: 5, properties: { a: "x".repeat(1001) } }],
    ["properties", { score: 5, properties: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`p${i}`, i])) }],
    ["respondedAt", { score: 5, respondedAt: "2026-05-04" }],
    ["respondedAt", { score: 5, respondedAt: "2026-02-30T00:00:00Z" }],
    ["respondedAt", { score: 5, respondedAt: "2026-05-04T09:12:00" }],
    ["respondedAt", { score: 5, respondedAt: "1969-12-31T23:59:59Z" }],
    ["respondedAt", { score: 5, respondedAt: new Date(Date.now() + day + 60_000).toISOString() }],
  ];
  for (const [name, body] of bad) {
    const answer = await client.post("/v1/responses", body);
    const wanted = name.startsWith("scor\\") ? "score" : name;
    t.equal(answer.status, 400, `${JSON.stringify(body)} ${JSON.stringify(answer.body)}`.slice(0, 300));
    t.match(answer.headers["content-type"], /^application\/problem\+json/);
    t.equal(answer.body.code, "invalid_request");
    t.ok(
      answer.body.invalidParams?.some((param: { name: string }) => param.name === wanted),
      `${wanted}: ${JSON.stringify(answer.body.invalidParams)}`,
    );
  }
  const counts = await client.rows(
    `select (select count(*) from responses) + (select count(*) from people) + (select count(*) from accounts)
       + (select count(*) from surveys) as stored`,
  );
  t.same(counts, [{ stored: 0 }]);
  const soon = new Date(Date.now() + day - 60_000).toISOString();
  t.equal((await client.post("/v1/responses", { score: 5, respondedAt: soon })).status, 201, "a day ahead is borne");
  t.equal(
    (await client.post("/v1/responses", { score: 5, comment: "😀".repeat(10_000) })).status,
    201,
    "characters, not bytes",
  );
});

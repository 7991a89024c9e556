import t from "tap";
import { startService } from "../support/service.ts";

const HOUR_MS = 3_600_000;

t.test("when a case opens", async (t) => {
  const service = await startService(t);
  const hoursUntil = ({ receivedAt, case: { firstContactDueAt } }: Record<string, any>) =>
    (Date.parse(firstContactDueAt) - Date.parse(receivedAt)) / HOUR_MS;

  t.test("for every detractor, and for nobody else who did not ask", async (t) => {
    const client = await service.newClient();
    for (let score = 0; score <= 10; score += 1) {
      const { body } = await client.post("/v1/responses", { score });
      t.equal(body.case !== null, score <= 6, `score ${score}`);
      if (body.case !== null) t.equal(hoursUntil(body), score <= 3 ? 24 : 48, `score ${score}`);
    }
  });

  t.test("for whoever asks to be contacted, at any score", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", { score: 10, followUpRequested: true });
    t.equal(hoursUntil(body), 48);
    const { cases } = await client.query("{ cases { edges { node { reasons } } } }");
    t.same(cases.edges, [{ node: { reasons: ["FOLLOW_UP_REQUESTED"] } }]);
  });

  t.test("the clock starts when the answer reached us, however old it is", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", { score: 5, respondedAt: "2020-01-01T00:00:00Z" });
    t.equal(hoursUntil(body), 48);
    const query =
      "query ($id: ID!) { case(id: $id) { firstContact { startedAt dueAt metAt state cause } clocks { state } } }";
    t.same(await client.query(query, { id: body.case.id }), {
      case: {
        firstContact: {
          startedAt: body.receivedAt,
          dueAt: body.case.firstContactDueAt,
          metAt: null,
          state: "PENDING",
          cause: "OPENED",
        },
        clocks: [{ state: "PENDING" }],
      },
    });
  });

  t.test("a further answer of the same person joins, and is due earlier where its own would be", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const first = await client.post("/v1/responses", { score: 6, comment: "Meh", person });
    const worse = await client.post("/v1/responses", { score: 1, person });
    const better = await client.post("/v1/responses", { score: 5, person });
    const promoter = await client.post("/v1/responses", { score: 9, person });
    t.equal(worse.body.case.id, first.body.case.id);
    t.equal(hoursUntil(worse.body), 24);
    t.equal(better.body.case.firstContactDueAt, worse.body.case.firstContactDueAt, "never later");
    t.equal(promoter.body.case, null, "an answer that would open none joins none");
    const { cases } = await client.query(
      "{ cases { totalCount edges { node { version reasons responses { score } clocks { dueAt } } } } }",
    );
    t.equal(cases.totalCount, 1);
    t.match(cases.edges[0].node, { version: 3, reasons: ["DETRACTOR", "DANGER_ZONE"], responses: { length: 3 } });
    t.equal(cases.edges[0].node.clocks.length, 1);
  });

  t.test("of somebody whom only another answer of the same batch names too, it is found", async (t) => {
    const client = await service.newClient();
    const { body: first } = await client.post("/v1/responses", { score: 5, person: { externalId: "u-1" } });
    const { body } = await client.post("/v1/responses/batch", {
      responses: [
        { score: 9, person: { externalId: "u-1", email: "una@example.com" } },
        { score: 3, person: { email: "una@example.com" } },
      ],
    });
    t.match(body.results, [{ status: "created" }, { status: "created" }]);
    const { body: joined } = await client.get(`/v1/responses/${body.results[1].id}`);
    t.match(joined, { person: { externalId: "u-1" }, case: { id: first.case.id }, previous: { score: 9 } });
    t.match(await client.query(`{ case(id: "${first.case.id}") { responses { score } } }`), {
      case: { responses: [{ score: 5 }, { score: 3 }] },
    });
  });

  t.test("without a person, each answer has its own", async (t) => {
    const client = await service.newClient();
    const answers = [
      await client.post("/v1/responses", { score: 2 }),
      await client.post("/v1/responses", { score: 2 }),
    ];
    t.equal(new Set(answers.map(({ body }) => body.case.id)).size, 2);
  });

  t.test("it starts with the account's owner", async (t) => {
    const client = await service.newClient();
    const account = { externalId: "acme", owner: "ben@example.com", annualValue: 1_000_000 };
    await client.post("/v1/responses", { score: 2, person: { email: "a@example.com", account } });
    const { cases } = await client.query(
      '{ cases(filter: { assignee: "ben@example.com" }) { edges { node { assignee priority priorityScore priorityTerms { term value weight points } } } } }',
    );
    const { node } = cases.edges[0];
    t.equal(node.priority, "URGENT");
    const sum = node.priorityTerms.reduce((total: number, { points }: { points: number }) => total + points, 0);
    t.ok(Math.abs(sum - node.priorityScore) < 1e-9, "the terms add up to the score");
    t.ok(
      node.priorityTerms.every(
        ({ value, weight, points }: Record<string, number>) => points === (value ?? 0) * (weight ?? 0),
      ),
    );
  });
});

t.test("the queue", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (let index = 0; index < 24; index += 1) {
    const account = { externalId: `a-${index % 4}`, segment: `S${index % 2}`, annualValue: 10 ** (index % 4) * 1000 };
    await client.post("/v1/responses", {
      score: index % 7,
      survey: { key: index < 12 ? "one" : "two" },
      person: { externalId: `u-${index}`, account },
    });
  }
  const page = async (args: string) =>
    (
      await client.query(
        `{ cases(${args}) { totalCount edges { cursor node { id priorityScore openedAt firstContact { dueAt } } } } }`,
      )
    ).cases;

  t.test("pages in every order without a hole", async (t) => {
    for (const [order, value, sign] of [
      ["PRIORITY", "priorityScore", -1],
      ["FIRST_CONTACT_DUE", "dueAt", 1],
      ["OLDEST", "openedAt", 1],
      ["NEWEST", "openedAt", -1],
    ] as const) {
      const seen: Record<string, any>[] = [];
      let after = "";
      for (;;) {
        const { edges } = await page(`orderBy: ${order}, first: 5${after}`);
        if (edges.length === 0) break;
        seen.push(...edges.map(({ node }: any) => node));
        after = `, after: "${edges.at(-1).cursor}"`;
      }
      t.equal(new Set(seen.map(({ id }) => id)).size, 24, order);
      const values = seen.map((node) => (value === "dueAt" ? node.firstContact.dueAt : node[value]));
      const sorted = values.toSorted((a, b) => (a < b ? -sign : a > b ? sign : 0));
      // Pages are asked for one after the other, and every case waits a little meanwhile.
      const near = (a: unknown, b: unknown) => a === b || Math.abs(Number(a) - Number(b)) < 0.01;
      t.ok(
        values.every((item, index) => near(item, sorted[index])),
        order,
      );
    }
  });

  t.test("every filter narrows", async (t) => {
    const count = async (filter: string) => (await page(`filter: { ${filter} }`)).totalCount;
    t.equal(await count("dangerZone: true"), 15);
    t.equal(await count("dangerZone: false"), 9);
    t.equal(await count('surveyKeys: ["one"]'), 12);
    t.equal(await count('segments: ["S0"], surveyKeys: ["one"]'), 6);
    t.equal(await count("statuses: [OPEN]"), 24);
    t.equal(await count("statuses: [CLOSED, RESOLVED]"), 0);
    t.equal(await count("statuses: []"), 0, "a list of none is none");
    t.equal(await count("firstContact: [PENDING]"), 24);
    t.equal(await count("firstContact: [MET, MISSED]"), 0);
    t.equal(await count("unassigned: true"), 24);
    t.equal(await count("unassigned: false"), 0);
    t.equal(await count("reasons: [DANGER_ZONE]"), 15);
    t.equal(await count(`dueBefore: "${new Date(Date.now() + 25 * HOUR_MS).toISOString()}"`), 15);
    t.equal(await count(`openedFrom: "${new Date(Date.now() + HOUR_MS).toISOString()}"`), 0);
  });
});

t.test("what is told of a new case is what is read of it", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const account = { externalId: "acme", name: "Acme", segment: "ENTERPRISE", annualValue: 5_000, owner: "bo" };
  const person = { externalId: "ana", email: "ana@example.com", phone: "+4930123", name: "Ana", account };
  await client.post("/v1/responses/batch", {
    responses: [
      { score: 2, respondedAt: "2026-05-04T10:00:00Z", person },
      { score: 4, respondedAt: "2026-05-04T09:00:00Z", person, comment: "Slow" },
      { score: 1, followUpRequested: true },
      { score: 9, followUpRequested: true, account: { externalId: "acme" } },
    ],
  });
  const told = await client.rows("select data -> 'case' as told from events where type = 'case.opened'");
  t.equal(told.length, 3);
  const withoutTime = ({ priorityScore: _score, priorityTerms, ...one }: any) => ({
    ...one,
    priorityTerms: priorityTerms.filter(({ term }: any) => term !== "WAITING"),
  });
  for (const { told: one } of told as any[]) {
    t.same(withoutTime(one), withoutTime((await client.get(`/v1/cases/${one.id}`)).body));
  }
});

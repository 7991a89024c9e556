import t from "tap";
import { collectDatabaseErrors, isOfWaiting } from "../support/databaseErrors.ts";
import { startService } from "../support/service.ts";

t.test("two answers of one new person at the same moment make one person and one case, 50 times", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (let round = 0; round < 50; round += 1) {
    const person = { externalId: `u-${round}`, email: `u-${round}@example.com`, account: { externalId: `a-${round}` } };
    const answers = await Promise.all(
      [0, 5].map((score) => client.post("/v1/responses", { score, person, survey: { key: `survey-${round}` } })),
    );
    const [first, second] = answers.map(({ status, body }) => {
      t.equal(status, 201, JSON.stringify(body));
      return body;
    });
    t.equal(first.person.id, second.person.id);
    t.equal(first.account.id, second.account.id);
    t.equal(first.case.id, second.case.id);
  }
  const { cases } = await client.query("{ cases(first: 100) { totalCount edges { node { responses { score } } } } }");
  t.equal(cases.totalCount, 50);
  t.ok(cases.edges.every(({ node }: { node: { responses: object[] } }) => node.responses.length === 2));
});

t.test("answers that know one person by different identities never make a duplicate or fail", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const people = [
    { externalId: "u-1", email: "ana@example.com" },
    { email: "Ana@Example.com" },
    { externalId: "u-1", phone: "+49 30 1234" },
    { phone: "+49301234" },
  ];
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(people.map((person) => client.post("/v1/responses", { score: 3, person })));
    t.same(
      answers.map(({ status }) => status),
      [201, 201, 201, 201],
    );
  }
  // Whoever was known by the telephone number alone has lost it to the one who named it with their id.
  const rows = await client.rows(
    "select external_id, email, phone from people where coalesce(external_id, email, phone) is not null",
  );
  t.same(rows, [{ external_id: "u-1", email: "ana@example.com", phone: "+49301234" }]);
});

t.test("100 answers at once over the same few people and accounts double nothing", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      client.post("/v1/responses", {
        score: index % 11,
        externalId: `r-${index % 50}`,
        person: {
          externalId: `u-${index % 5}`,
          name: `Name ${index % 50}`,
          account: { externalId: `a-${index % 2}`, segment: `S${index % 50}` },
        },
      }),
    ),
  );
  t.ok(answers.every(({ status }) => [200, 201, 409].includes(status)));
  const rows = await client.rows(
    `select (select count(*)::int from responses) as responses, (select count(*)::int from people) as people,
       (select count(*)::int from accounts) as accounts, (select count(*)::int from cases) as cases`,
  );
  t.same(rows, [{ responses: 50, people: 5, accounts: 2, cases: 5 }]);
});

t.test("who changes an account and who holds a case of it do not wait for one another", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const { body } = await client.post("/v1/api-keys", { name: "another", scopes: ["responses:write"] });
  const people = Array.from({ length: 24 }, (_, n) => ({
    externalId: `u-${n}`,
    account: { externalId: `a-${n % 3}` },
  }));
  for (const person of people) await client.post("/v1/responses", { score: 5, person });
  const errors = collectDatabaseErrors();
  for (let round = 0; round < 5; round += 1) {
    const sent = people.map(async ({ account, ...person }, n) => {
      const answer = { score: 4, person: { ...person, account: { ...account, annualValue: round * 100 + n } } };
      // By two, whose answers are never in one transaction.
      return client.post("/v1/responses", answer, n % 2 === 0 ? {} : { authorization: `Bearer ${body.apiKey}` });
    });
    for (const { status } of await Promise.all(sent)) t.equal(status, 201);
  }
  t.same(errors.filter(isOfWaiting), []);
  const [{ cases }] = (await client.rows("select count(*)::int as cases from cases")) as [{ cases: number }];
  t.equal(cases, people.length);
});

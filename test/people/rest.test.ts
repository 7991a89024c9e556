import t from "tap";
import { startService } from "../support/service.ts";

t.test("people and accounts by REST", async (t) => {
  const service = await startService(t);

  t.test("PUT makes a person and brings the known one up to date; null clears, absent keeps", async (t) => {
    const client = await service.newClient();
    const account = { externalId: "acme", name: "Acme", annualValue: 12.5, currency: "EUR", renewsOn: "2027-01-31" };
    const first = await client.put("/v1/people", {
      externalId: "u-1",
      email: "Ana@Example.com",
      phone: "+49 30 12-34",
      name: "Ana",
      properties: { plan: "pro" },
      account,
    });
    t.equal(first.status, 201);
    t.match(first.body, {
      externalId: "u-1",
      email: "ana@example.com",
      phone: "+49301234",
      name: "Ana",
      properties: { plan: "pro" },
      account: { ...account, segment: null, owner: null, churnedOn: null },
    });
    const second = await client.put("/v1/people", {
      externalId: "u-1",
      phone: null,
      name: null,
      properties: { seats: 2 },
    });
    t.equal(second.status, 200);
    t.match(second.body, { id: first.body.id, email: "ana@example.com", phone: null, name: null });
    t.same(second.body.properties, { plan: "pro", seats: 2 });
    t.equal(second.body.account.externalId, "acme");
    t.equal((await client.put("/v1/people", { externalId: "u-1", account: null })).body.account, null);
    t.match((await client.get(`/v1/people/${first.body.id}`)).body, { id: first.body.id, account: null });
  });

  t.test("PUT of an externalId that is new adopts an unclaimed person by their e-mail", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 9, person: { email: "ben@example.com" } });
    const { status, body } = await client.put("/v1/people", { externalId: "u-2", email: "BEN@example.com" });
    t.equal(status, 200);
    t.equal(body.id, response.person.id);
  });

  t.test("an account is put, read, and changes nobody's history", async (t) => {
    const client = await service.newClient();
    const first = await client.put("/v1/accounts", { externalId: "acme", segment: "SMALL", owner: "ben" });
    t.equal(first.status, 201);
    const { body: response } = await client.post("/v1/responses", { score: 9, account: { externalId: "acme" } });
    const second = await client.put("/v1/accounts", { externalId: "acme", segment: "ENTERPRISE", owner: null });
    t.match(second, { status: 200, body: { id: first.body.id, segment: "ENTERPRISE", owner: null } });
    t.ok(second.body.updatedAt > first.body.updatedAt);
    t.same((await client.get(`/v1/accounts/${first.body.id}`)).body, second.body);
    t.equal((await client.get(`/v1/responses/${response.id}`)).body.account.segment, "SMALL");
    t.same((await client.put("/v1/accounts", { externalId: "acme" })).body, second.body, "nothing to change");
  });

  t.test("lists narrow and page, the newest first", async (t) => {
    const client = await service.newClient();
    for (let index = 0; index < 25; index += 1) {
      const account = { externalId: `a-${index}`, segment: `S${index % 2}` };
      await client.put("/v1/people", { externalId: `u-${index}`, email: `u-${index}@example.com`, account });
    }
    for (const path of ["/v1/people", "/v1/accounts"]) {
      const seen: string[] = [];
      let cursor = "";
      for (;;) {
        const { body } = await client.get(`${path}?limit=10${cursor}`);
        seen.push(...body.data.map(({ externalId }: { externalId: string }) => externalId));
        if (body.nextCursor === null) break;
        cursor = `&cursor=${body.nextCursor}`;
      }
      t.equal(new Set(seen).size, 25, path);
      t.match(seen[0], /-24$/);
    }
    const list = async (query: string) => (await client.get(query)).body.data;
    t.match(await list("/v1/people?email=U-7@example.com"), [{ externalId: "u-7" }]);
    t.equal((await list("/v1/people?externalId=u-1&externalId=u-2&externalId=nobody")).length, 2);
    t.same(await list("/v1/people?email=nobody@example.com"), []);
    t.equal((await list("/v1/accounts?segment=S1&limit=100")).length, 12);
    t.match(await list("/v1/accounts?externalId=a-3"), [{ externalId: "a-3", segment: "S1" }]);
  });

  t.test("what is not there is 404, what cannot be is 400 and named", async (t) => {
    const client = await service.newClient();
    for (const path of ["people", "accounts"]) {
      t.equal((await client.get(`/v1/${path}/01a20384-8f34-7616-a3d6-aa384e874811`)).status, 404);
      t.match(await client.get(`/v1/${path}/7`), { status: 400, body: { invalidParams: [{ name: "id" }] } });
      t.match(await client.put(`/v1/${path}`, { name: "X" }), {
        status: 400,
        body: { invalidParams: [{ name: "externalId" }] },
      });
      t.match(await client.put(`/v1/${path}`, { externalId: "x", tier: 1 }), {
        status: 400,
        body: { invalidParams: [{ name: "tier" }] },
      });
    }
    t.match(await client.get("/v1/people?phone=1"), { status: 400, body: { invalidParams: [{ name: "phone" }] } });
  });

  t.test("properties are at most 50 with those kept", async (t) => {
    const client = await service.newClient();
    const forty = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [prefix + index, index]));
    await client.put("/v1/people", { externalId: "u", properties: forty("a") });
    t.match(await client.put("/v1/people", { externalId: "u", properties: forty("b") }), {
      status: 400,
      body: { invalidParams: [{ name: "properties" }] },
    });
    const answer = { score: 9, person: { externalId: "u", properties: forty("b") } };
    t.match(await client.post("/v1/responses", answer), {
      status: 400,
      body: { invalidParams: [{ name: "person.properties" }] },
    });
    const { body } = await client.post("/v1/responses/batch", { responses: [{ score: 1 }, answer, { score: 2 }] });
    t.match(body.results, [
      { status: "created" },
      { status: "rejected", problem: { status: 400 } },
      { status: "created" },
    ]);
  });

  t.test("50 PUTs of one new person at once make one", async (t) => {
    const client = await service.newClient();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        client.put("/v1/people", {
          externalId: "same",
          email: "same@example.com",
          name: `N${index}`,
          account: { externalId: "one" },
        }),
      ),
    );
    t.equal(answers.filter(({ status }) => status === 201).length, 1);
    t.equal(answers.filter(({ status }) => status === 200).length, 49);
  });
});

t.test("surveys are put by their key, and listed in the order of the keys", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.post("/v1/responses", { score: 9, survey: { key: "b", kind: "TRANSACTIONAL" } });
  const question = "How likely are you to recommend us?";
  t.match(await client.put("/v1/surveys/b", { name: "After delivery", question }), {
    status: 200,
    body: { key: "b", kind: "TRANSACTIONAL", name: "After delivery", question },
  });
  t.match(await client.put("/v1/surveys/a%2Fb%20c", { kind: "TRANSACTIONAL" }), {
    status: 201,
    body: { key: "a/b c" },
  });
  t.match(await client.put("/v1/surveys/b", { name: null }), { status: 200, body: { name: null, question } });
  const { body } = await client.get("/v1/surveys?limit=1");
  t.match(body.data, [{ key: "a/b c" }]);
  t.match((await client.get(`/v1/surveys?cursor=${body.nextCursor}`)).body, { data: [{ key: "b" }], nextCursor: null });
  t.match(await client.query("{ surveys { key kind name question } }"), { surveys: [{ key: "a/b c" }, { key: "b" }] });
  t.equal((await client.put("/v1/surveys/b", { kind: "OTHER" })).status, 400);
});

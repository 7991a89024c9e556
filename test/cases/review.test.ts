import t from "tap";
import { type Client, startService } from "../support/service.ts";

const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
const typesOf = ({ activities }: any) => activities.map(({ type }: { type: string }) => type);

t.test("an answer that changes", async (t) => {
  const service = await startService(t);
  const record = async (client: Client, body: object) => (await client.post("/v1/responses", body)).body;
  const read = async (client: Client, id: string) => (await client.get(`/v1/cases/${id}`)).body;

  t.test("after its case has ended opens it again where it says something new, and only then", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5 });
    const path = `/v1/cases/${response.case.id}`;
    await client.post(`${path}/contacts`, CALL);
    await client.post(`${path}/resolution`, { outcome: "FIXED", resolution: "Mended" });
    await client.patch(`/v1/responses/${response.id}`, { score: 4, comment: "Slow" });
    const before = await read(client, response.case.id);
    t.equal(before.status, "RESOLVED", "still a detractor: that was known");
    const { body: asked } = await client.patch(`/v1/responses/${response.id}`, { followUpRequested: true });
    t.match(asked.case, { id: response.case.id, status: "OPEN" });
    const after = await read(client, response.case.id);
    t.match(after, {
      outcome: null,
      resolution: null,
      reasons: ["DETRACTOR", "FOLLOW_UP_REQUESTED"],
      clocks: [{ state: "MET" }, { state: "PENDING", cause: "RESPONSE_CHANGED", startedAt: asked.updatedAt }],
    });
    t.same(typesOf(after), ["OPENED", "CONTACT", "RESOLVED", "RESPONSE_CHANGED", "REOPENED"]);
    t.equal((await client.rows("select from events where type = 'case.reopened'")).length, 1);
  });

  t.test("after its case has ended joins the one its person has by now", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const first = await record(client, { score: 5, person });
    await client.post(`/v1/cases/${first.case.id}/closure`, { outcome: "FIXED", reason: "x" });
    const second = await record(client, { score: 4, person });
    const { body: changed } = await client.patch(`/v1/responses/${first.id}`, { followUpRequested: true });
    t.equal(changed.case.id, second.case.id);
    t.match(await read(client, second.case.id), {
      responses: { length: 2 },
      reasons: ["DETRACTOR", "FOLLOW_UP_REQUESTED"],
    });
    const left = await read(client, first.case.id);
    t.match(left, { status: "CLOSED", outcome: "FIXED", responses: [] });
    t.equal(typesOf(left).at(-1), "RESPONSE_LEFT");
  });

  t.test("leaves its trace in the case", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 2 });
    await client.patch(`/v1/responses/${response.id}`, { touchpoint: "delivery" });
    t.equal((await read(client, response.case.id)).version, 1, "what means nothing for the case does not");
    await client.patch(`/v1/responses/${response.id}`, { comment: "It broke" });
    await client.patch(`/v1/responses/${response.id}`, { score: 9 });
    const found = await read(client, response.case.id);
    t.same(typesOf(found), ["OPENED", "RESPONSE_CHANGED", "RESPONSE_CHANGED", "CLOSED"]);
    t.match(found.activities[1].details, { responseId: response.id });
    t.match(found, { status: "CLOSED", outcome: "INVALID", resolution: /reason to call/ });
  });

  t.test("to somebody else's, and is no reason to call them, belongs to no case", async (t) => {
    const client = await service.newClient();
    const person = { externalId: "a" };
    await record(client, { score: 5, person });
    const second = await record(client, { score: 6, person });
    const { body: moved } = await client.patch(`/v1/responses/${second.id}`, { score: 9, person: { externalId: "b" } });
    t.equal(moved.case, null);
    const found = await read(client, second.case.id);
    t.match(found, { status: "OPEN", responses: { length: 1 } });
    t.equal(typesOf(found).at(-1), "RESPONSE_LEFT");
  });
});

t.test("a case that was opened again by hand without a reason left is worked, because somebody says so", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const person = { email: "ana@example.com", account: { externalId: "acme", annualValue: 100 } };
  const { body: response } = await client.post("/v1/responses", { score: 2, person });
  const path = `/v1/cases/${response.case.id}`;
  t.match((await client.patch(`/v1/responses/${response.id}`, { score: 9 })).body.case, { status: "CLOSED" });
  const value = (annualValue: number) => client.put("/v1/accounts", { externalId: "acme", annualValue });
  await value(5_000_000);
  t.match((await client.post(`${path}/reopening`, { reason: "She called" })).body, {
    status: "OPEN",
    reasons: ["MANUAL"],
    firstContact: { arrivedLate: false },
  });
  t.ok(
    (await client.get(path)).body.priorityTerms.some(({ term }: any) => /value/i.test(term)),
    "ranked by the account of today",
  );
  t.equal((await value(7)).status, 200, "what its account is worth can change");
  t.equal((await client.patch(`/v1/responses/${response.id}`, { comment: "Thanks" })).status, 200);
  t.match((await client.get(path)).body, { status: "OPEN", reasons: ["MANUAL"] }, "a late comment does not close it");
  await client.post(`${path}/contacts`, CALL);
  await client.post(`${path}/resolution`, { outcome: "FIXED", resolution: "x" });
  t.match((await client.post(`${path}/verification`, { satisfied: false })).body, {
    status: "CONTACTED",
    reasons: ["MANUAL"],
  });
});

t.test(
  "an answer of an ended case that turns out to be somebody else's and a reason to call them opens their case",
  async (t) => {
    const service = await startService(t);
    const client = await service.newClient();
    const asked = { score: 9, followUpRequested: true, person: { externalId: "ana" } };
    const { body: response } = await client.post("/v1/responses", asked);
    await client.post(`/v1/cases/${response.case.id}/closure`, { outcome: "FIXED", reason: "x" });
    const change = { score: 1, person: { externalId: "bob" } };
    const { body: changed } = await client.patch(`/v1/responses/${response.id}`, change);
    t.match(changed.case, { status: "OPEN" });
    t.not(changed.case.id, response.case.id);
    t.match((await client.get(`/v1/cases/${changed.case.id}`)).body, {
      person: { externalId: "bob" },
      reasons: ["DETRACTOR", "DANGER_ZONE", "FOLLOW_UP_REQUESTED"],
    });
    t.match((await client.get(`/v1/cases/${response.case.id}`)).body, { status: "CLOSED", responses: [] });
  },
);

t.test("an answer that arrives late", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const respondedAt = new Date(Date.now() - 72 * 3_600_000).toISOString();
  const { body: batch } = await client.post("/v1/responses/batch", {
    responses: [{ score: 5, respondedAt }, { score: 5 }],
  });
  const cases = await Promise.all(
    batch.results.map(async ({ id }: { id: string }) => {
      const { body } = await client.get(`/v1/responses/${id}`);
      return { response: body, found: (await client.get(`/v1/cases/${body.case.id}`)).body };
    }),
  );
  t.match(cases[0].found, {
    firstContact: { startedAt: cases[0].response.receivedAt, state: "PENDING", arrivedLate: true },
    activities: [{ type: "OPENED", details: { respondedAt, arrivedLate: true } }],
  });
  t.match(cases[1].found, { firstContact: { arrivedLate: false } });
});

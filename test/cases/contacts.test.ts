import t from "tap";
import { hoursBefore } from "../support/cluster.ts";
import { type Client, startService } from "../support/service.ts";

const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

/** Moves what is stored about a case into the past, as if it had been opened so many hours ago. */
async function age(client: Client, caseId: string, hours: number): Promise<void> {
  const moved = (...columns: string[]) =>
    columns.map((column) => `${column} = ${hoursBefore(column, hours)}`).join(", ");
  const clock = moved("started_at", "counted_from", "due_at", "next_step_at");
  await client.rows(`update case_clocks set ${clock} where case_id = '${caseId}'`);
  const contact = moved("first_contact_started_at", "first_contact_due_at");
  await client.rows(`update cases set ${contact} where id = '${caseId}'`);
  await client.rows(`update responses set ${moved("received_at", "responded_at")}
    where id in (select response_id from case_responses where case_id = '${caseId}')`);
}

t.test("the first contact", async (t) => {
  const service = await startService(t);
  const open = async (client: Client, body: object = { score: 5 }) =>
    (await client.post("/v1/responses", body)).body.case.id as string;

  t.test("stops the clock when it reached out, and only then", async (t) => {
    const client = await service.newClient();
    for (const [direction, outcome, reaches] of [
      ["OUTBOUND", "REACHED", true],
      ["OUTBOUND", "LEFT_MESSAGE", true],
      ["OUTBOUND", "SENT", true],
      ["OUTBOUND", "NO_ANSWER", false],
      ["OUTBOUND", "BOUNCED", false],
      ["INBOUND", "REACHED", false],
      ["INBOUND", "SENT", false],
    ] as const) {
      const id = await open(client);
      const { status, body } = await client.post(`/v1/cases/${id}/contacts`, { channel: "EMAIL", direction, outcome });
      t.equal(status, 200);
      t.equal(body.status, reaches ? "CONTACTED" : "OPEN", `${direction} ${outcome}`);
      t.equal(body.firstContact.state, reaches ? "MET" : "PENDING");
      t.equal(body.firstContact.metAt !== null, reaches);
      t.match(body.activities.at(-1), { type: "CONTACT", details: { direction, outcome, channel: "EMAIL" } });
      const events = await client.rows(
        `select from events where type = 'case.contacted' and data->'case'->>'id' = '${id}'`,
      );
      t.equal(events.length, Number(reaches));
    }
  });

  t.test("may be entered late, which is seen, and turns missed into met where it was in time", async (t) => {
    const client = await service.newClient();
    const id = await open(client);
    await age(client, id, 50);
    t.equal((await client.get(`/v1/cases/${id}`)).body.firstContact.state, "MISSED");
    const late = await client.post(`/v1/cases/${id}/contacts`, { ...CALL, occurredAt: minutesAgo(60) });
    t.equal(late.body.firstContact.state, "MISSED", "an hour ago it was due already");
    const earlier = minutesAgo(49 * 60);
    const { body } = await client.post(`/v1/cases/${id}/contacts`, { ...CALL, occurredAt: earlier });
    t.match(body.firstContact, { state: "MET", metAt: earlier });
    const [, first, second] = body.activities;
    t.equal(second.occurredAt, earlier);
    t.ok(second.recordedAt > first.recordedAt, "when we learnt of it is kept as well");
    const third = await client.post(`/v1/cases/${id}/contacts`, { ...CALL, occurredAt: minutesAgo(48 * 60) });
    t.equal(third.body.firstContact.metAt, earlier, "a later one changes nothing");
  });

  t.test("entered late is none for an answer that came after it, whose clock runs from then on", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const first = (await client.post("/v1/responses", { score: 5, person })).body;
    await age(client, first.case.id, 30);
    const second = (await client.post("/v1/responses", { score: 1, person })).body;
    t.equal(second.case.id, first.case.id, "it joined, while the first clock ran");
    const occurredAt = minutesAgo(60);
    const called = await client.post(`/v1/cases/${first.case.id}/contacts`, {
      ...CALL,
      occurredAt,
      topics: ["THANKED"],
    });
    t.match(called.body, {
      status: "OPEN",
      clocks: [
        { state: "MET", metAt: occurredAt },
        { state: "PENDING", metAt: null, cause: "NEW_RESPONSE", startedAt: second.receivedAt },
      ],
    });
    t.equal((await client.get(`/v1/responses/${first.id}`)).body.acknowledgedAt, occurredAt);
    t.equal((await client.get(`/v1/responses/${second.id}`)).body.acknowledgedAt, null);
    t.match((await client.post(`/v1/cases/${first.case.id}/contacts`, CALL)).body, {
      status: "CONTACTED",
      clocks: [{ state: "MET", metAt: occurredAt }, { state: "MET" }],
    });
  });

  t.test("is refused in the future and before the clock, less what clocks differ by", async (t) => {
    const client = await service.newClient();
    const id = await open(client);
    for (const occurredAt of [minutesAgo(-1), minutesAgo(6)]) {
      const answer = await client.post(`/v1/cases/${id}/contacts`, { ...CALL, occurredAt });
      t.match(answer, { status: 400, body: { invalidParams: [{ name: "occurredAt" }] } });
    }
    t.equal((await client.get(`/v1/cases/${id}`)).body.version, 1);
    const near = await client.post(`/v1/cases/${id}/contacts`, { ...CALL, occurredAt: minutesAgo(4) });
    t.equal(near.body.firstContact.state, "MET");
  });

  t.test("is never cleared: an answer after it, and reopening, start clocks of their own", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const id = await open(client, { score: 5, person });
    const contacted = await client.post(`/v1/cases/${id}/contacts`, CALL);
    const { metAt } = contacted.body.firstContact;
    const { body: worse } = await client.post("/v1/responses", { score: 2, person });
    t.match(worse.case, { id, status: "OPEN" });
    const { body: joined } = await client.get(`/v1/cases/${id}`);
    t.match(joined.clocks, [
      { cause: "OPENED", metAt, state: "MET" },
      { cause: "NEW_RESPONSE", metAt: null, state: "PENDING", startedAt: worse.receivedAt },
    ]);
    t.same(joined.firstContact, joined.clocks[1]);
    await client.post(`/v1/cases/${id}/contacts`, CALL);
    await client.post(`/v1/cases/${id}/resolution`, { outcome: "FIXED", resolution: "Mended" });
    const { body: reopened } = await client.post(`/v1/cases/${id}/reopening`, { reason: "It is back" });
    t.match(reopened, { status: "OPEN", outcome: null, clocks: { length: 3 }, firstContact: { cause: "REOPENED" } });
    t.equal(reopened.clocks[0].metAt, metAt);
    t.ok(reopened.clocks[1].metAt !== null);
    const { body: changed } = await client.patch(`/v1/responses/${worse.id}`, { followUpRequested: true });
    t.equal(changed.case.id, id);
    t.equal(
      (await client.get(`/v1/cases/${id}`)).body.clocks.length,
      3,
      "what becomes known while one runs starts none",
    );
  });

  t.test("is not made by closing: the clock runs on, and is missed", async (t) => {
    const client = await service.newClient();
    const id = await open(client, { score: 5 });
    const closure = { outcome: "UNREACHABLE", reason: "Nobody knows the number" };
    const { body: closed } = await client.post(`/v1/cases/${id}/closure`, closure);
    t.match(closed, { status: "CLOSED", firstContact: { metAt: null, state: "PENDING" } });
    await age(client, id, 49);
    t.match((await client.get(`/v1/cases/${id}`)).body.firstContact, { metAt: null, state: "MISSED" });
    const kpi = await client.query("{ firstContactKpi { met missed pending rate { value } } }");
    t.same(kpi.firstContactKpi, { met: 0, missed: 1, pending: 0, rate: { value: 0 } });
  });

  t.test("a request that becomes known after it was met starts a clock at the time of the call", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 5 });
    await client.post(`/v1/cases/${response.case.id}/contacts`, CALL);
    const { body: changed } = await client.patch(`/v1/responses/${response.id}`, { followUpRequested: true });
    t.equal(changed.case.status, "OPEN");
    const { body } = await client.get(`/v1/cases/${response.case.id}`);
    t.match(body.firstContact, { cause: "RESPONSE_CHANGED", startedAt: changed.updatedAt });
  });

  t.test("is taken in every status and moves only an open case", async (t) => {
    const client = await service.newClient();
    const id = await open(client);
    await client.post(`/v1/cases/${id}/closure`, { outcome: "UNREACHABLE", reason: "Moved away" });
    const { body } = await client.post(`/v1/cases/${id}/contacts`, CALL);
    t.match(body, { status: "CLOSED", firstContact: { state: "MET" } });
    t.equal((await client.post(`/v1/cases/${id}/notes`, { text: "They wrote back" })).body.status, "CLOSED");
  });

  t.test("in which the customer was thanked acknowledges the answers", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 5, comment: "Slow" });
    const path = `/v1/cases/${response.case.id}/contacts`;
    await client.post(path, { ...CALL, outcome: "NO_ANSWER", topics: ["THANKED"] });
    t.equal((await client.get(`/v1/responses/${response.id}`)).body.acknowledgedAt, null, "nobody heard it");
    const { body } = await client.post(path, { ...CALL, topics: ["THANKED", "LISTENED"] });
    const { body: after } = await client.get(`/v1/responses/${response.id}`);
    t.equal(after.acknowledgedAt, body.activities.at(-1).occurredAt);
    t.equal((await client.rows("select from events where type = 'response.acknowledged'")).length, 1);
  });
});

t.test("what nobody acknowledged and nobody reached can be listed", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const send = async (body: object) => (await client.post("/v1/responses", body)).body;
  const silent = await send({ score: 9 });
  const thanked = await send({ score: 9, comment: "Great" });
  const asked = await send({ score: 8, followUpRequested: true });
  const called = await send({ score: 4, comment: "Slow", person: { email: "ana@example.com" } });
  const unattended = async () => {
    const query = "{ responses(filter: { unattended: true }, orderBy: OLDEST) { edges { node { id } } } }";
    return (await client.query(query)).responses.edges.map(({ node }: any) => node.id);
  };
  t.same(await unattended(), [thanked.id, asked.id, called.id]);
  const first = await client.post(`/v1/responses/${thanked.id}/acknowledgement`, {});
  t.ok(first.body.acknowledgedAt !== null);
  t.same(
    (await client.post(`/v1/responses/${thanked.id}/acknowledgement`, {})).body,
    first.body,
    "again changes nothing",
  );
  await client.post(`/v1/cases/${called.case.id}/contacts`, CALL);
  t.same(await unattended(), [asked.id]);
  const next = await send({ score: 3, comment: "Still slow", person: { email: "ana@example.com" } });
  t.equal(next.case.id, called.case.id);
  t.same(await unattended(), [asked.id, next.id], "the call was before this answer");
  const query = "{ responses(filter: { unattended: false }) { edges { node { id } } } }";
  const others = (await client.query(query)).responses.edges.map(({ node }: any) => node.id);
  t.same(new Set(others), new Set([silent.id, thanked.id, called.id]));
  t.equal((await client.post(`/v1/responses/${silent.id}/acknowledgement`, { by: "me" })).status, 400);
  const mutation = `mutation { acknowledgeResponse(id: "${asked.id}") { acknowledgedAt case { status } } }`;
  t.match(await client.query(mutation), { acknowledgeResponse: { acknowledgedAt: String, case: { status: "OPEN" } } });
  t.same(await unattended(), [next.id]);
});

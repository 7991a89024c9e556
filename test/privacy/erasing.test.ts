import { BlockList } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { newId } from "../../src/platform/ids.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { readNetworks } from "../../src/platform/outboundAddresses.ts";
import { createOutboundHttp } from "../../src/platform/outboundHttp.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import { startWorker } from "../../src/worker.ts";
import { NDJSON } from "../support/files.ts";
import { startReceiver } from "../support/receiver.ts";
import { searchDatabase } from "../support/searching.ts";
import { type Client, type Service, startService } from "../support/service.ts";
import { deliver, newSource } from "../support/sources.ts";

/** What every trace of the person has in it. */
const TRACES = "quokka|zanzibarina|15112345678";
const PERSON = {
  externalId: "quokka-4711",
  email: "canary.Quokka@example.com",
  phone: "+49 151 12345678",
  name: "Zanzibarina",
  properties: { plan: "quokka-gold" },
  account: { externalId: "acme", segment: "SMB" },
};
const ROW = {
  score: 5,
  externalId: "quokka-row",
  source: "file",
  comment: "The quokka import",
  respondedAt: "2026-05-04T10:00:00Z",
  person: PERSON,
};
const NAMELESS_ROW = { score: 6, comment: "quokka", respondedAt: "2026-05-05T10:00:00Z", person: PERSON };
const MAPPING = {
  score: "/s",
  externalId: "/id",
  comment: "/c",
  updatedAt: "/u",
  email: "/e",
  phone: "/p",
  personExternalId: "/x",
};
const FIRST = { id: "quokka-hook", s: 2, e: PERSON.email, u: "2026-05-04T10:00:00Z" };
const LATER = { ...FIRST, c: "Quokka, later", u: "2026-05-04T10:01:00Z" };
const answer = (externalId: string, more: object = {}) => ({
  score: 1,
  externalId,
  comment: "The quokka is unhappy",
  properties: { order: "quokka-77" },
  person: PERSON,
  ...more,
});
const POSTED = answer("quokka-post");
const PUT = answer("quokka-put", { source: "crm" });
const BATCH = {
  responses: [answer("quokka-batch"), { score: 10, externalId: "other", person: { email: "o@example.com" } }],
};

async function until(t: Test, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 200; n += 1) {
    if (await holds()) return;
    await sleep(50);
  }
  t.fail(`not within 10 s: ${what}`);
}

/** The whole program on a database of its own, and a receiver that says again what it is told. */
async function startEverything(t: Test) {
  const secretsKey = Buffer.alloc(32, 7);
  const service = await startService(t, { secretsKey, explainRefusal: async () => undefined });
  const receiver = await startReceiver(t, (response, { body }) => response.writeHead(200).end(body));
  const client = await service.newClient();
  // It is built by the first request, which takes long; meanwhile the worker would hold transactions and do nothing.
  await service.app.ready();
  const http = createOutboundHttp({ allowedNetworks: readNetworks("127.0.0.0/8") ?? new BlockList() });
  const sending = { http, secrets: createSecretBox(secretsKey), schedule: [0], random: () => 0 };
  const worker = await startWorker(service.pool, createLogger("silent"), sending);
  t.teardown(async () => {
    await worker.stop();
    await http.close();
  });
  return { service, receiver, client };
}

/** Everything that can be done with a person. @returns their id, their cases', and a source */
async function leaveTraces(t: Test, service: Service, client: Client) {
  const send = async (work: Promise<{ status: number; body: any }>) => {
    const { status, body } = await work;
    if (status >= 300) throw new Error(JSON.stringify(body));
    return body;
  };
  // Before anybody knows whose it is.
  const early = await send(
    client.post("/v1/responses", { score: 3, comment: "An anonymous quokka" }, { "idempotency-key": "early" }),
  );
  await send(client.patch(`/v1/responses/${early.id}`, { person: PERSON }));
  const { person } = await send(client.post("/v1/responses", POSTED, { "idempotency-key": "post" }));
  await send(client.put("/v1/people", PERSON));
  await send(client.put("/v1/responses", PUT));
  await send(client.put("/v1/responses", { ...PUT, score: 2, comment: "quokka, changed" }));
  await send(client.post("/v1/responses/batch", BATCH, { "idempotency-key": "batch" }));
  await send(client.post(`/v1/responses/${early.id}/exclusion`, { reason: "OTHER", note: "quokka" }));
  await send(client.delete(`/v1/responses/${early.id}/exclusion`));
  const bad = { ...ROW, score: 99, externalId: "quokka-bad" };
  const named = { ...ROW, externalId: "quokka-worse", "canary.quokka@example.com": 1 };
  const file = [ROW, NAMELESS_ROW, bad, named].map((row) => JSON.stringify(row)).join("\n");
  const { id } = await send(client.post("/v1/imports", file, NDJSON));
  await until(t, "the import", async () => (await client.get(`/v1/imports/${id}`)).body.status === "DONE");
  t.match((await client.get(`/v1/imports/${id}`)).body, { created: 2, rejected: 2 });
  const source = await newSource(client, { vendor: "JSON", mapping: MAPPING });
  for (const payload of [FIRST, LATER, { id: "quokka-none", e: PERSON.email }, `no JSON, by ${PERSON.email}`]) {
    t.equal((await deliver(service, source, payload, { "webhook-id": "quokka-delivery" })).status, 200);
  }
  const answers = (await client.get(`/v1/responses?personId=${person.id}&limit=100`)).body.data;
  t.equal(answers.length, 7);
  const caseId = answers.find((one: any) => one.case !== null).case.id;
  const path = `/v1/cases/${caseId}`;
  await send(client.put("/v1/root-causes/price", { label: "Price" }));
  await send(client.post(`${path}/notes`, { text: "quokka said so" }, { "idempotency-key": "note" }));
  await send(client.post(`${path}/commitments`, { text: "quokka gets a call", dueOn: "2026-05-04" }));
  const ticket = { externalId: "quokka-1", url: "https://example.com/quokka-1" };
  await send(client.put(`${path}/references/zendesk`, ticket));
  const contact = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED", note: "quokka answered" };
  await send(client.post(`${path}/contacts`, { ...contact, topics: ["THANKED"] }));
  await send(
    client.post(`${path}/resolution`, { outcome: "FIXED", resolution: "quokka is happy", actualCause: "price" }),
  );
  await send(client.post(`${path}/verification`, { satisfied: false, note: "quokka is not, indeed", verbalScore: 3 }));
  await send(client.post(`${path}/closure`, { outcome: "NOT_ADDRESSABLE", reason: "quokka is done" }));
  const improvement = await send(client.post("/v1/improvements", { title: "Cheaper", rootCauseKeys: ["price"] }));
  await send(client.post(`/v1/improvements/${improvement.id}/told`, { personIds: [person.id] }));
  return { personId: person.id as string, caseId: caseId as string, source };
}

const FIGURES = `{
  nps { nps answered distribution } people: nps(unit: RESPONDENT) { nps answered distribution }
  accounts: nps(unit: ACCOUNT) { nps answered distribution }
  firstContactKpi { met missed pending }
}`;

t.test("a person is erased, and does not come back", async (t) => {
  const { service, receiver, client } = await startEverything(t);
  const types = [
    "response.recorded",
    "response.updated",
    "case.opened",
    "case.contacted",
    "case.closed",
    "person.erased",
  ];
  await client.post("/v1/webhook-endpoints", { url: receiver.url, eventTypes: types });
  const late = await client.post("/v1/webhook-endpoints", { url: receiver.url, eventTypes: ["response.recorded"] });
  await client.patch(`/v1/webhook-endpoints/${late.body.id}`, { status: "PAUSED" });
  const { personId, caseId, source } = await leaveTraces(t, service, client);
  await until(t, "the deliveries", async () => receiver.received.some(({ body }) => body.includes('"case.closed"')));
  const [delivery] = (await client.get(`/v1/webhook-endpoints/${late.body.id}/deliveries`)).body.data;
  t.match(delivery, { status: "PENDING" });
  const places = await searchDatabase(service.url, TRACES);
  t.ok(places.length > 20, `the person left traces in ${places.join(", ")}`);
  const { body: held } = await client.get(`/v1/people/${personId}/export`);
  const figures = await client.query(FIGURES);
  const caseBefore = (await client.get(`/v1/cases/${caseId}`)).body;

  const limited = await client.withScopes("people:write", "responses:write");
  t.equal((await limited.delete(`/v1/people/${personId}`)).status, 403);
  t.equal((await client.delete(`/v1/people/${newId()}`)).status, 404);
  const erased = await client.delete(`/v1/people/${personId}`);
  t.match(erased, {
    status: 202,
    body: { counts: { responses: 7, cases: held.cases.length, told: 1, references: 1 } },
  });
  t.equal((await client.get(`/v1/people/${personId}`)).status, 404, "they are gone at once");
  t.same((await client.get("/v1/people?email=canary.quokka@example.com")).body.data, []);
  t.notMatch(JSON.stringify((await client.get("/v1/responses?limit=100")).body), new RegExp(TRACES, "i"));
  t.notMatch(JSON.stringify((await client.get(`/v1/cases/${caseId}`)).body), new RegExp(TRACES, "i"));
  const path = `/v1/erasures/${erased.body.erasureId}`;
  await until(t, "the erasure", async () => (await client.get(path)).body.status === "DONE");
  t.same(await searchDatabase(service.url, TRACES), [], "nothing is found of them anywhere");

  t.test("the receipt counts what the export had", async (t) => {
    const { counts } = (await client.get(path)).body;
    for (const section of ["responses", "exclusions", "cases", "activities", "commitments", "references", "told"]) {
      t.equal(counts[section], held[section].length, section);
    }
    for (const section of ["receipts", "idempotencyKeys"]) t.equal(counts[section], held[section].length, section);
    t.ok(counts.events >= held.events.length && held.events.length > 10, "and events of before they were known");
    t.equal(held.receipts.length, 4);
    const text = JSON.stringify(held);
    const left = [
      "quokka-gold",
      "quokka said",
      "gets a call",
      "quokka-1",
      "answered",
      "is happy",
      "indeed",
      "is done",
      "quokka-77",
      "anonymous",
      "quokka import",
      "Quokka, later",
      "quokka-none",
      "quokka-batch",
      "zendesk",
    ];
    for (const trace of left) t.match(text, trace);
  });

  t.test("no figure moves", async (t) => {
    t.same(await client.query(FIGURES), figures);
    const { status, clocks, outcome, openedAt } = caseBefore;
    t.match((await client.get(`/v1/cases/${caseId}`)).body, { status, clocks, outcome, openedAt });
  });

  t.test("others are told, and get nothing that was waiting", async (t) => {
    await until(t, "person.erased", async () => receiver.received.some(({ body }) => body.includes('"person.erased"')));
    const told = JSON.parse(receiver.received.find(({ body }) => body.includes('"person.erased"'))?.body ?? "{}");
    t.same(told.data, { sequence: 1, person: { id: personId } });
    receiver.received.length = 0;
    await client.patch(`/v1/webhook-endpoints/${late.body.id}`, { status: "ACTIVE" });
    await until(t, "what waited", async () => receiver.received.some(({ id }) => id === delivery.eventId));
    const sent = receiver.received.find(({ id }) => id === delivery.eventId);
    t.match(JSON.parse(sent?.body ?? "{}").data, { erased: true });
    t.notMatch(JSON.stringify(receiver.received), new RegExp(TRACES, "i"));
  });

  t.test("the same answer, however it comes, is existing and stays erased", async (t) => {
    const count = await client.query("{ responses { totalCount } people: nps(unit: RESPONDENT) { answered } }");
    const again = await client.post("/v1/responses", POSTED, { "idempotency-key": "post" });
    t.match(again, { status: 200, body: { comment: null, properties: {}, score: 1, person: { email: null } } });
    t.equal(
      (await client.post("/v1/responses", { ...POSTED, score: 9 })).status,
      200,
      "no 409 tells that it was another",
    );
    t.match(await client.put("/v1/responses", { ...PUT, score: 9 }), {
      status: 200,
      body: { score: 2, comment: null },
    });
    t.match((await client.post("/v1/responses/batch", BATCH)).body.results[0], { status: "existing" });
    t.match(await client.patch(`/v1/responses/${again.body.id}`, { comment: "quokka" }), { status: 409 });
    const file = [ROW, NAMELESS_ROW].map((row) => JSON.stringify(row)).join("\n");
    const { id } = (await client.post("/v1/imports?again=true", file, NDJSON)).body;
    await until(t, "the import", async () => (await client.get(`/v1/imports/${id}`)).body.status === "DONE");
    t.match((await client.get(`/v1/imports/${id}`)).body, { created: 0, existing: 2, rejected: 0 });
    for (const payload of [LATER, { ...LATER, u: "2027-01-01T00:00:00Z", c: "quokka, too late" }]) {
      t.match(await deliver(service, source, payload, { "webhook-id": "quokka-delivery" }), {
        body: { outcome: "DUPLICATE" },
      });
    }
    t.equal((await client.post(`/v1/sources/${source.id}/receipts/replay`, {})).status, 200);
    t.same(await client.query("{ responses { totalCount } people: nps(unit: RESPONDENT) { answered } }"), count);
    t.same(await searchDatabase(service.url, TRACES), [], "and nothing of it is kept");
  });
});

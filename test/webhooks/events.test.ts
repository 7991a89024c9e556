import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { sweep } from "../../src/cases/index.ts";
import { EVENT_TYPES } from "../../src/webhooks/index.ts";
import { createValidator, readDocument } from "../support/document.ts";
import { relayAll } from "../support/events.ts";
import { type Client, type Service, startService } from "../support/service.ts";

const document = await readDocument();
const ajv = createValidator(document);

/** What the document says of the body of an event. */
function validatorOf(type: string) {
  const schema = document.webhooks[type]?.post.requestBody.content["application/json"].schema;
  if (schema === undefined) throw new Error(`${type} is not described`);
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));
}

/** Said by others than those who answer and work cases. */
const ELSEWHERE = ["nps.shifted", "person.erased"];

/** Does whatever others are told about. */
async function doEverything(service: Service, client: Client): Promise<void> {
  const done = async (answer: Promise<{ status: number; body: any }>) => {
    const { status, body } = await answer;
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  };
  await client.put("/v1/policies/first-contact", {
    detractor: { hours: 0.0005 },
    dangerZone: { hours: 0.0005 },
    escalationPercents: [10, 100, 110],
  });
  const person = { externalId: "u-7", account: { externalId: "acme", segment: "SMB", owner: "ana" } };
  const first = await done(client.post("/v1/responses", { score: 2, comment: "Slow", person }));
  await done(client.patch(`/v1/responses/${first.id}`, { score: 3, comment: null }));
  await done(client.post(`/v1/responses/${first.id}/exclusion`, { reason: "OTHER" }));
  await done(client.delete(`/v1/responses/${first.id}/exclusion`));
  await done(client.post(`/v1/responses/${first.id}/acknowledgement`, {}));
  await sleep(3_000);
  await sweep(service.tenancy);
  const { id } = first.case;
  const command = (name: string, body: object) => done(client.post(`/v1/cases/${id}/${name}`, body));
  await command("assignee", { assignee: "ben" });
  await command("commitments", { text: "We call", dueOn: "2020-01-01" });
  await sweep(service.tenancy);
  await command("contacts", { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
  const improvement = await done(client.post("/v1/improvements", { title: "Faster", rootCauseKeys: [] }));
  await command("parking", { improvementId: improvement.id });
  await done(client.post(`/v1/improvements/${improvement.id}/status`, { status: "SHIPPED" }));
  await command("resolution", { outcome: "FIXED", resolution: "Faster" });
  await command("verification", { satisfied: true });
  await command("reopening", { reason: "Slow again" });
  await command("closure", { outcome: "FIXED", reason: "Now it is" });
  const endpoint = { url: "https://example.com/", eventTypes: EVENT_TYPES };
  const { id: endpointId } = await done(client.post("/v1/webhook-endpoints", endpoint));
  await done(client.patch(`/v1/webhook-endpoints/${endpointId}`, { status: "DISABLED" }));
}

t.test("every event of the list is said, and its body is what the document says", async (t) => {
  t.same(Object.keys(document.webhooks).toSorted(), [...EVENT_TYPES, "endpoint.test"].toSorted());
  const service = await startService(t);
  const client = await service.newClient();
  await doEverything(service, client);
  await relayAll(service);
  const { body } = await client.get("/v1/events?limit=100");
  t.equal((await client.get(`/v1/events?limit=100&cursor=${body.nextCursor}`)).body.data.length, 0);
  const told = new Set(body.data.map(({ type }: { type: string }) => type));
  t.same(
    EVENT_TYPES.filter((type) => !told.has(type)),
    ELSEWHERE,
    "nothing else is missing",
  );
  const last = new Map<string, number>();
  for (const { id: _id, ...event } of body.data) {
    const isValid = validatorOf(event.type);
    t.ok(isValid(event), `${event.type}: ${ajv.errorsText(isValid.errors)}`);
    const subject = ["response", "case", "improvement", "endpoint"].find((name) => name in event.data) ?? "";
    const key = `${subject} ${event.data[subject].id}`;
    t.ok(event.data.sequence >= (last.get(key) ?? 1), `${event.type} of the ${key}: ${event.data.sequence}`);
    last.set(key, event.data.sequence);
  }
  const [person] = (await client.get("/v1/people?externalId=u-7")).body.data;
  await client.delete(`/v1/people/${person.id}`);
  await relayAll(service);
  const after = (await client.get("/v1/events?limit=100")).body.data;
  t.ok(after.filter(({ data }: any) => data.erased === true).length > 10);
  t.ok(after.some(({ type }: any) => type === "person.erased"));
  for (const { id: _id, ...event } of after) {
    const isValid = validatorOf(event.type);
    t.ok(isValid(event), `${event.type}, erased: ${ajv.errorsText(isValid.errors)}`);
  }
});

t.test("a test is what the document says", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const { body } = await client.post("/v1/webhook-endpoints", { url: "https://example.com/", eventTypes: EVENT_TYPES });
  const { body: test } = await client.post(`/v1/webhook-endpoints/${body.id}/test`, {});
  const [{ data } = {}] = await client.rows("select test_data as data from webhook_deliveries");
  const isValid = validatorOf("endpoint.test");
  t.ok(isValid({ type: test.eventType, timestamp: test.createdAt, data }), ajv.errorsText(isValid.errors));
});

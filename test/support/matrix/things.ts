// One of each thing, made in a workspace for one operation to be tried on.
import { newId } from "../../../src/platform/ids.ts";
import type { Client } from "../service.ts";
import { jsonSource } from "../sources.ts";

/** What names things: ids, keys, addresses. A workspace has its own, and another one's must be as good as unknown. */
export type Ids = Record<string, string>;

/** A text that nobody else has. */
export const own = (kind: string) => `${kind}-${newId()}`;

/** The body of an answer that went well. */
export async function done(answer: Promise<{ status: number; body: any }>): Promise<any> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

/** Names for a whole answer, of nobody yet. */
export const names = (): Ids => ({
  externalId: own("answer"),
  source: own("tool"),
  surveyKey: own("survey"),
  personExternalId: own("person"),
  email: `${own("ana")}@example.com`,
  accountExternalId: own("account"),
});

/** What is sent for an answer of these names. */
export const answerOf = (ids: Ids, score = 3, text = "Slow") => ({
  score,
  comment: text,
  externalId: ids["externalId"],
  source: ids["source"],
  survey: { key: ids["surveyKey"] },
  person: {
    externalId: ids["personExternalId"],
    email: ids["email"],
    name: text,
    account: { externalId: ids["accountExternalId"], name: text },
  },
});

/** An answer with its person, account and survey, and where the score is low its case. */
export async function answered(client: Client, score = 3): Promise<Ids> {
  const ids = names();
  const body = await done(client.post("/v1/responses", answerOf(ids, score, `Slow in ${client.workspaceId}`)));
  return {
    ...ids,
    id: body.id,
    responseId: body.id,
    personId: body.person.id,
    accountId: body.account.id,
    caseId: body.case?.id ?? newId(),
  };
}

/** A case after these commands; its id is `id`. */
export const caseAfter =
  (...commands: [path: string, input: object][]) =>
  async (client: Client): Promise<Ids> => {
    const ids = await answered(client);
    for (const [path, input] of commands) await done(client.post(`/v1/cases/${ids["caseId"]}/${path}`, input));
    return { ...ids, id: ids["caseId"] ?? "" };
  };

export const CONTACT = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
export const RESOLUTION = { outcome: "FIXED", resolution: "Mended" };
export const CLOSURE = { outcome: "FIXED", reason: "Mended" };

export async function promised(client: Client): Promise<Ids> {
  const ids = await caseAfter()(client);
  const path = `/v1/cases/${ids["id"]}/commitments`;
  const { commitments } = await done(client.post(path, { text: "We call", dueOn: "2026-12-24" }));
  return { ...ids, commitmentId: commitments[0].id };
}

/** An improvement over a root cause, and a case that could wait for it. */
export async function improved(client: Client): Promise<Ids> {
  const ids = await caseAfter()(client);
  const key = own("cause");
  await done(client.put(`/v1/root-causes/${key}`, { label: `Price in ${client.workspaceId}` }));
  const title = `Better in ${client.workspaceId}`;
  const { id } = await done(client.post("/v1/improvements", { title, rootCauseKeys: [key] }));
  return { ...ids, key, id, improvementId: id };
}

/** The same, where `id` is the case, which was contacted. */
export async function parkable(client: Client): Promise<Ids> {
  const ids = await improved(client);
  await done(client.post(`/v1/cases/${ids["caseId"]}/contacts`, CONTACT));
  return { ...ids, id: ids["caseId"] ?? "" };
}

export async function themed(client: Client): Promise<Ids> {
  const key = own("theme");
  await done(client.put(`/v1/themes/${key}`, { label: "Slow", phrases: ["slow"] }));
  return { ...(await answered(client)), key };
}

/** A source that has received something. */
export async function sourced(client: Client): Promise<Ids> {
  const [key, secret] = [own("tool"), own("secret")];
  const source = await jsonSource(client, { key, secret, name: `Tool of ${client.workspaceId}` });
  const headers = { "x-webhook-token": secret };
  await done(client.post(`/v1/intake/${source.id}`, { s: 3, id: own("answer") }, headers));
  return { id: source.id, sourceId: source.id, key, secret };
}

export const ENDPOINT = { url: "https://example.com/hook", eventTypes: ["response.recorded"] };

/** An endpoint with a delivery. */
export async function subscribed(client: Client): Promise<Ids> {
  const description = `Of ${client.workspaceId}`;
  const { id } = await done(client.post("/v1/webhook-endpoints", { ...ENDPOINT, description }));
  const { id: deliveryId } = await done(client.post(`/v1/webhook-endpoints/${id}/test`, {}));
  return { id, deliveryId };
}

export async function delivered(client: Client): Promise<Ids> {
  const { deliveryId = "" } = await subscribed(client);
  return { id: deliveryId };
}

export const NDJSON = { "content-type": "application/x-ndjson" };

export async function imported(client: Client): Promise<Ids> {
  const file = JSON.stringify({ score: 3, externalId: own("answer") });
  return { id: (await done(client.post("/v1/imports", file, NDJSON))).id };
}

/** Somebody who has answered. */
export async function person(client: Client): Promise<Ids> {
  const { personId = "" } = await answered(client);
  return { id: personId };
}

/** The erasure of somebody who had answered. */
export async function erased(client: Client): Promise<Ids> {
  const { id } = await person(client);
  const { erasureId } = await done(client.delete(`/v1/people/${id}`));
  return { id: erasureId };
}

export async function keyed(client: Client): Promise<Ids> {
  const { id } = await done(client.post("/v1/api-keys", { name: "Another", scopes: ["workspace:manage"] }));
  return { id };
}

import { createHmac } from "node:crypto";
import type { Client, Service } from "./service.ts";

export const JSON_MAPPING = { score: "/s", externalId: "/id", comment: "/c", followUpRequested: "/f", updatedAt: "/u" };

/** A source of this client, signing with a secret that is known here. */
export async function newSource(client: Client, input: object) {
  const { status, body } = await client.post("/v1/sources", { name: "Tool", secret: "secret-of-ours", ...input });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body;
}

export const jsonSource = (client: Client, more: object = {}) =>
  newSource(client, { vendor: "JSON", mapping: JSON_MAPPING, ...more });

/** One delivery, as the tool would send it. */
export async function deliver({ app }: Service, source: any, payload: string | Buffer | object, headers: object = {}) {
  const body = typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
  const answer = await app.inject({
    method: "POST",
    url: `/v1/intake/${source.id}`,
    headers: { "content-type": "application/json", "x-webhook-token": "secret-of-ours", ...headers },
    payload: body,
  });
  return { status: answer.statusCode, body: answer.json() };
}

export function deliverWootric(service: Service, source: any, payload: string, contentType: string) {
  const signature = `sha1=${createHmac("sha1", "secret-of-ours").update(payload).digest("hex")}`;
  return deliver(service, source, payload, { "x-wootric-signature": signature, "content-type": contentType });
}

export const stored = async (client: Client) =>
  (await client.get("/v1/responses?excluded=true&excluded=false")).body.data;
export const receipts = async (client: Client, source: any) =>
  (await client.get(`/v1/sources/${source.id}/receipts`)).body.data;

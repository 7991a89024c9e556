// What connects a workspace with other systems, and what is done about it as a whole.
import { type OperationCase, open, reads } from "./operationCase.ts";
import { delivered, ENDPOINT, erased, keyed, own, person, sourced, subscribed } from "./things.ts";

/** By method and path, as the document has them. */
export const CONNECTED_OPERATIONS: Record<string, OperationCase> = {
  "POST /v1/sources": {
    scope: "sources:manage",
    status: 201,
    ids: () => ({ key: own("tool") }),
    body: ({ key }) => ({ name: "Tool", key, vendor: "TALLY", secret: "secret-of-ours" }),
  },
  "GET /v1/sources": reads("sources:manage"),
  "GET /v1/sources/{id}": reads("sources:manage", sourced),
  "PATCH /v1/sources/{id}": { scope: "sources:manage", status: 200, ids: sourced, body: () => ({ name: "New" }) },
  "DELETE /v1/sources/{id}": { scope: "sources:manage", status: 204, ids: sourced },
  "GET /v1/sources/{id}/receipts": reads("sources:manage", sourced),
  "POST /v1/sources/{id}/receipts/replay": { scope: "sources:manage", status: 200, ids: sourced },
  "POST /v1/sources/{id}/preview": {
    scope: "sources:manage",
    status: 200,
    ids: sourced,
    body: () => ({ s: 3, id: "1" }),
  },
  "POST /v1/intake/{sourceId}": {
    scope: "public",
    status: 200,
    ids: sourced,
    body: () => ({ s: 3, id: own("answer") }),
    headers: ({ secret = "" }) => ({ "x-webhook-token": secret }),
  },
  "GET /v1/intake/{sourceId}": { ...open, ids: sourced },

  "POST /v1/webhook-endpoints": { scope: "webhooks:manage", status: 201, body: () => ENDPOINT },
  "GET /v1/webhook-endpoints": reads("webhooks:manage"),
  "GET /v1/webhook-endpoints/{id}": reads("webhooks:manage", subscribed),
  "PATCH /v1/webhook-endpoints/{id}": {
    scope: "webhooks:manage",
    status: 200,
    ids: subscribed,
    body: () => ({ description: "New" }),
  },
  "DELETE /v1/webhook-endpoints/{id}": { scope: "webhooks:manage", status: 204, ids: subscribed },
  "POST /v1/webhook-endpoints/{id}/secret-rotation": {
    scope: "webhooks:manage",
    status: 200,
    ids: subscribed,
    body: () => ({}),
  },
  "GET /v1/webhook-endpoints/{id}/deliveries": reads("webhooks:manage", subscribed),
  "POST /v1/webhook-endpoints/{id}/test": {
    scope: "webhooks:manage",
    status: 201,
    ids: subscribed,
    body: () => ({}),
  },
  "POST /v1/webhook-endpoints/{id}/replay": {
    scope: "webhooks:manage",
    status: 202,
    ids: subscribed,
    body: () => ({ from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }),
  },
  "POST /v1/webhook-deliveries/{id}/replay": {
    scope: "webhooks:manage",
    status: 201,
    ids: delivered,
    body: () => ({}),
  },
  "GET /v1/events": reads("webhooks:manage"),

  "GET /v1/people/{id}/export": reads("privacy:manage", person),
  "DELETE /v1/people/{id}": { scope: "privacy:manage", status: 202, ids: person },
  "GET /v1/erasures/{id}": reads("privacy:manage", erased),
  "GET /v1/workspace": reads("workspace:manage"),
  "PATCH /v1/workspace": { scope: "workspace:manage", status: 200, body: () => ({ retention: { receiptDays: 30 } }) },
  "POST /v1/api-keys": {
    scope: "workspace:manage",
    status: 201,
    body: () => ({ name: "Another", scopes: ["workspace:manage"] }),
  },
  "GET /v1/api-keys": reads("workspace:manage"),
  "DELETE /v1/api-keys/{id}": { scope: "workspace:manage", status: 204, ids: keyed },
  "POST /v1/api-keys/{id}/rotation": { scope: "workspace:manage", status: 200, ids: keyed },
  "GET /v1/audit-log": reads("workspace:manage", keyed, ({ id }) => ({ subjectId: id })),
};

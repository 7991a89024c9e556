// Every operation of the OpenAPI document: who may call it, and how it succeeds.
import type { Scope } from "../../../src/workspaces/index.ts";
import type { Client } from "../service.ts";
import { CASE_COMMANDS } from "./caseCommands.ts";
import {
  answered,
  answerOf,
  caseAfter,
  delivered,
  ENDPOINT,
  erased,
  type Ids,
  imported,
  improved,
  keyed,
  NDJSON,
  names,
  own,
  person,
  promised,
  sourced,
  subscribed,
  themed,
} from "./things.ts";

/** How one operation is called. Every value of `ids` is also tried as another workspace has it. */
export interface OperationCase {
  scope: Scope | "authenticated" | "public";
  /** Of success. */
  status: number;
  /** Makes what the call is about in this workspace, anew for each call; those of the path by their names there. */
  ids?: (client: Client) => Promise<Ids> | Ids;
  query?: (ids: Ids) => Record<string, string | undefined>;
  body?: (ids: Ids) => unknown;
  headers?: (ids: Ids) => Record<string, string>;
}

const reads = (scope: Scope, ids?: OperationCase["ids"], query?: OperationCase["query"]): OperationCase => ({
  scope,
  status: 200,
  ...(ids && { ids }),
  ...(query && { query }),
});

const open: OperationCase = { scope: "public", status: 200 };

const RESPONSE_QUERY = ({ personId, accountId, surveyKey, source, externalId }: Ids) => ({
  personId,
  accountId,
  surveyKey,
  source,
  externalId,
});
const CASE_QUERY = ({ personId, accountId, surveyKey }: Ids) => ({ personId, accountId, surveyKey });

async function referenced(client: Client): Promise<Ids> {
  return { ...(await caseAfter()(client)), system: "zendesk" };
}

async function excluded(client: Client): Promise<Ids> {
  const ids = await answered(client);
  await client.post(`/v1/responses/${ids["id"]}/exclusion`, { reason: "INTERNAL" });
  return ids;
}

const PERSON = ({ personExternalId, email, accountExternalId }: Ids) => ({
  externalId: personExternalId,
  email,
  account: { externalId: accountExternalId },
});

/** By method and path, as the document has them. */
export const OPERATIONS: Record<string, OperationCase> = {
  "GET /livez": open,
  "GET /readyz": open,
  "GET /openapi.json": open,
  "GET /schema.graphql": open,
  "POST /graphql": { scope: "authenticated", status: 200, body: () => ({ query: "{ __typename }" }) },

  "PUT /v1/people": { scope: "people:write", status: 201, ids: names, body: PERSON },
  "GET /v1/people": reads("people:read", answered, ({ email, personExternalId }) => ({
    email,
    externalId: personExternalId,
  })),
  "GET /v1/people/{id}": reads("people:read", person),
  "PUT /v1/accounts": {
    scope: "people:write",
    status: 201,
    ids: names,
    body: ({ accountExternalId }) => ({ externalId: accountExternalId, name: "Acme" }),
  },
  "GET /v1/accounts": reads("people:read", answered, ({ accountExternalId }) => ({ externalId: accountExternalId })),
  "GET /v1/accounts/{id}": reads("people:read", async (client) => ({
    id: (await answered(client))["accountId"] ?? "",
  })),
  "PUT /v1/surveys/{key}": {
    scope: "responses:write",
    status: 200,
    ids: async (client) => ({ key: (await answered(client))["surveyKey"] ?? "" }),
    body: () => ({ name: "Ours" }),
  },
  "GET /v1/surveys": reads("responses:read"),

  "POST /v1/responses": { scope: "responses:write", status: 201, ids: names, body: (ids) => answerOf(ids) },
  "PUT /v1/responses": { scope: "responses:write", status: 200, ids: answered, body: (ids) => answerOf(ids) },
  "GET /v1/responses": reads("responses:read", answered, RESPONSE_QUERY),
  "PATCH /v1/responses/{id}": {
    scope: "responses:write",
    status: 200,
    ids: answered,
    body: ({ personExternalId, accountExternalId }) => ({
      comment: "Slow and dear",
      person: { externalId: personExternalId, account: { externalId: accountExternalId } },
    }),
  },
  "GET /v1/responses/{id}": reads("responses:read", answered),
  "POST /v1/responses/{id}/exclusion": {
    scope: "responses:write",
    status: 200,
    ids: answered,
    body: () => ({ reason: "INTERNAL" }),
  },
  "DELETE /v1/responses/{id}/exclusion": { scope: "responses:write", status: 200, ids: excluded },
  "POST /v1/responses/{id}/acknowledgement": {
    scope: "responses:write",
    status: 200,
    ids: answered,
    body: () => ({}),
  },
  "POST /v1/responses/batch": {
    scope: "responses:write",
    status: 200,
    ids: names,
    body: (ids) => ({ responses: [answerOf(ids)] }),
  },

  "GET /v1/cases/{id}": reads("cases:read", caseAfter()),
  "GET /v1/cases": reads("cases:read", answered, CASE_QUERY),
  "POST /v1/cases": {
    scope: "cases:write",
    status: 201,
    ids: (client) => answered(client, 8),
    body: ({ responseId }) => ({ responseId, note: "To be called" }),
  },
  "GET /v1/cases/{id}/activities": reads("cases:read", caseAfter()),
  ...Object.fromEntries(
    Object.values(CASE_COMMANDS).map(({ path, ids, input }): [string, OperationCase] => [
      `POST /v1/cases/{id}/${path}`,
      { scope: "cases:write", status: 200, ids, body: input },
    ]),
  ),
  "POST /v1/cases/{id}/commitments/{commitmentId}/outcome": {
    scope: "cases:write",
    status: 200,
    ids: promised,
    body: () => ({ kept: true }),
  },
  "PUT /v1/cases/{id}/references/{system}": {
    scope: "cases:write",
    status: 200,
    ids: referenced,
    body: () => ({ externalId: "7" }),
  },
  "PUT /v1/policies/first-contact": {
    scope: "workspace:manage",
    status: 200,
    body: () => ({ detractor: { hours: 48 } }),
  },
  "GET /v1/policies/first-contact": reads("cases:read"),

  "PUT /v1/root-causes/{key}": {
    scope: "cases:write",
    status: 201,
    ids: async (client) => ({ parentKey: (await improved(client))["key"] ?? "", key: own("cause") }),
    body: ({ parentKey }) => ({ label: "Price", parentKey }),
  },
  "GET /v1/root-causes": reads("cases:read"),
  "POST /v1/improvements": {
    scope: "cases:write",
    status: 201,
    ids: improved,
    body: ({ key }) => ({ title: "Cheaper", rootCauseKeys: [key] }),
  },
  "GET /v1/improvements": reads("cases:read"),
  "GET /v1/improvements/{id}": reads("cases:read", improved),
  "POST /v1/improvements/{id}/status": {
    scope: "cases:write",
    status: 200,
    ids: improved,
    body: () => ({ status: "SHIPPED" }),
  },
  "POST /v1/improvements/{id}/told": {
    scope: "cases:write",
    status: 200,
    ids: improved,
    body: ({ personId }) => ({ personIds: [personId] }),
  },
  "GET /v1/improvements/{id}/audience": reads("cases:read", improved),
  "PUT /v1/themes/{key}": {
    scope: "workspace:manage",
    status: 200,
    ids: themed,
    body: () => ({ label: "Slow", phrases: ["slow"] }),
  },
  "GET /v1/themes": reads("responses:read"),

  "POST /v1/imports": {
    scope: "responses:write",
    status: 202,
    ids: names,
    body: (ids) => JSON.stringify(answerOf(ids)),
    headers: () => NDJSON,
  },
  "GET /v1/imports": reads("responses:read"),
  "GET /v1/imports/{id}": reads("responses:read", imported),
  "GET /v1/imports/{id}/rejections": reads("responses:read", imported),
  "GET /v1/exports/responses": reads("responses:read", answered, RESPONSE_QUERY),
  "GET /v1/exports/cases": reads("cases:read", answered, CASE_QUERY),
  "GET /v1/exports/activities": reads("cases:read", answered, ({ caseId }) => ({ caseId })),
  "GET /v1/exports/people": reads("people:read", answered, ({ email }) => ({ email })),
  "GET /v1/exports/accounts": reads("people:read", answered, ({ accountExternalId }) => ({
    externalId: accountExternalId,
  })),

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

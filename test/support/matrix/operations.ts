// Every operation of the OpenAPI document: who may call it, and how it succeeds.
import type { Client } from "../service.ts";
import { CASE_COMMANDS } from "./caseCommands.ts";
import { CONNECTED_OPERATIONS } from "./connectedOperations.ts";
import { type OperationCase, open, reads } from "./operationCase.ts";
import {
  answered,
  answerOf,
  caseAfter,
  type Ids,
  imported,
  improved,
  NDJSON,
  names,
  own,
  person,
  promised,
  themed,
} from "./things.ts";

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

  ...CONNECTED_OPERATIONS,
};

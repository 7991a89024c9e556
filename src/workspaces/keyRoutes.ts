import { Type } from "@sinclair/typebox";
import { callerOf, principalOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { refuseIdempotencyKey } from "../platform/keylessRoute.ts";
import { allowNoBody, NoFields } from "../platform/noBody.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { listApiKeys } from "./keyQueries.ts";
import { addApiKey, revokeApiKey, rotateApiKey } from "./keyService.ts";
import { type ApiKey, ApiKeyInputSchema, ApiKeySchema, ShownApiKeySchema } from "./model.ts";
import type { ApiKeyRow } from "./table.ts";

const ApiKeyPage = PageOf(ref(ApiKeySchema), "ApiKeyPage");
const IdParams = Strict({ id: Id("The API key's id") });
const ORDER = "NEWEST";

/** The API keys of the workspace. */
export function registerKeyRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [ApiKeyInputSchema, ApiKeySchema, ShownApiKeySchema, ApiKeyPage]) app.addSchema(schema);

  app.post(
    "/v1/api-keys",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "createApiKey",
        summary: "Make an API key; its text is shown in this answer and never again",
        description:
          "With scopes that the caller has, and no others. The answer shows a secret, so an `Idempotency-Key` is refused.",
        tags: ["Workspace"],
        body: ref(ApiKeyInputSchema),
        response: { 201: { description: "Made", ...ref(ShownApiKeySchema) }, ...problems(400, 413, 415) },
      },
    },
    async (request, reply) => {
      refuseIdempotencyKey(request);
      const { key, apiKey } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        addApiKey(tx, request.body, principalOf(request).scopes),
      );
      return reply.code(201).send({ ...showKey(key), apiKey });
    },
  );

  app.get(
    "/v1/api-keys",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "listApiKeys",
        summary: "List API keys, newest first, with those that are revoked",
        description: "Their texts are shown nowhere: `lastUsedAt` says, to the minute, which are still in use.",
        tags: ["Workspace"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of API keys", ...ref(ApiKeyPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "id")?.id;
      const rows = await tenancy.readWorkspace(callerOf(request), (tx) => listApiKeys(tx, limit, after));
      const page = toPage(rows, limit, ({ id }) => ({ order: ORDER, value: id, id }));
      return { ...page, data: page.data.map(showKey) };
    },
  );

  app.delete(
    "/v1/api-keys/:id",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "revokeApiKey",
        summary: "Revoke an API key for good; within 30 seconds it is refused everywhere",
        description: "Revoked again, it stays revoked. What it has done stays, and the audit log goes on naming it.",
        tags: ["Workspace"],
        params: IdParams,
        response: { 204: Type.Null({ description: "Revoked" }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      await tenancy.inWorkspace(callerOf(request), (tx) => revokeApiKey(tx, request.params.id));
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/v1/api-keys/:id/rotation",
    {
      config: { scope: "workspace:manage" },
      preValidation: allowNoBody,
      schema: {
        operationId: "rotateApiKey",
        summary: "Give an API key a new text; the one before is taken for 24 hours more",
        description:
          "Name, scopes and expiry stay, and the caller must have those scopes. The answer shows a secret, so an `Idempotency-Key` is refused.",
        tags: ["Workspace"],
        params: IdParams,
        body: NoFields,
        response: {
          200: { description: "As it is now", ...ref(ShownApiKeySchema) },
          ...problems(400, 404, "conflict", 413, 415),
        },
      },
    },
    async (request) => {
      refuseIdempotencyKey(request);
      const { key, apiKey } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        rotateApiKey(tx, request.params.id, principalOf(request).scopes),
      );
      return { ...showKey(key), apiKey };
    },
  );
}

function showKey({
  id,
  name,
  scopes,
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
  previousSecretUntil,
}: ApiKeyRow): ApiKey {
  return {
    id,
    name,
    scopes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
    previousSecretUntil: previousSecretUntil?.toISOString() ?? null,
  };
}

import { Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Server } from "../platform/http.ts";
import { refuseIdempotencyKey } from "../platform/keylessRoute.ts";
import { allowNoBody, NoFields } from "../platform/noBody.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { SecretBox } from "../platform/secrets.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { changeEndpoint, createEndpoint, deleteEndpoint, requireEndpoint, rotateSecret } from "./endpoints.ts";
import {
  CreatedEndpointSchema,
  EndpointFilterSchema,
  EndpointInputSchema,
  EndpointPatchSchema,
  EndpointSchema,
} from "./model.ts";
import { listEndpoints } from "./queries.ts";
import { showEndpoint } from "./showing.ts";

/** What outgoing webhooks stand on. */
export interface Webhooks {
  tenancy: Tenancy;
  secrets: SecretBox;
  /** Why nothing may be sent to this URL; undefined where it may. May ask the network. */
  explainRefusal: (url: string) => Promise<string | undefined>;
}

const EndpointPage = PageOf(ref(EndpointSchema), "WebhookEndpointPage");
const IdParams = Strict({ id: Id("The webhook endpoint's id") });
const ORDER = "NEWEST";

/** The endpoints that events are sent to. */
export function registerEndpointRoutes(app: Server, { tenancy, secrets, explainRefusal }: Webhooks): void {
  for (const schema of [
    EndpointFilterSchema,
    EndpointInputSchema,
    EndpointPatchSchema,
    EndpointSchema,
    CreatedEndpointSchema,
    EndpointPage,
  ]) {
    app.addSchema(schema);
  }
  const requireReachable = async (url: string) => {
    const reason = await explainRefusal(url);
    if (reason !== undefined) throw invalidRequest([{ name: "url", reason }]);
  };

  app.post(
    "/v1/webhook-endpoints",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "createWebhookEndpoint",
        summary: "Make a webhook endpoint: an address that events are sent to",
        description:
          "Requests are signed by Standard Webhooks 1.0 with the `secret` of the answer, which is shown this once; so an `Idempotency-Key` is refused.",
        tags: ["Webhooks"],
        body: ref(EndpointInputSchema),
        response: { 201: { description: "Made", ...ref(CreatedEndpointSchema) }, ...problems(400, 413, 415) },
      },
    },
    async (request, reply) => {
      refuseIdempotencyKey(request);
      await requireReachable(request.body.url);
      const { endpoint, secret } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        createEndpoint(tx, request.body, secrets),
      );
      return reply.code(201).send({ ...showEndpoint(endpoint), secret });
    },
  );

  app.get(
    "/v1/webhook-endpoints",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "listWebhookEndpoints",
        summary: "List webhook endpoints, newest first",
        description: "Without their secrets.",
        tags: ["Webhooks"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of endpoints", ...ref(EndpointPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "id")?.id;
      const rows = await tenancy.readWorkspace(callerOf(request), (tx) => listEndpoints(tx, limit, after));
      const page = toPage(rows, limit, ({ id }) => ({ order: ORDER, value: id, id }));
      return { ...page, data: page.data.map(showEndpoint) };
    },
  );

  app.get(
    "/v1/webhook-endpoints/:id",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "getWebhookEndpoint",
        summary: "Read one webhook endpoint",
        description:
          "Whether it still gets anything is in `status` and `disabledReason`; `failingSince` says since when it fails.",
        tags: ["Webhooks"],
        params: IdParams,
        response: { 200: { description: "The endpoint", ...ref(EndpointSchema) }, ...problems(400, 404) },
      },
    },
    async (request) =>
      showEndpoint(await tenancy.readWorkspace(callerOf(request), (tx) => requireEndpoint(tx, request.params.id))),
  );

  app.patch(
    "/v1/webhook-endpoints/:id",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "changeWebhookEndpoint",
        summary: "Change a webhook endpoint, pause it, disable it, or take it up again",
        description:
          "Types and filter hold for events that are relayed from now on. Set ACTIVE again, what waited is sent at once, and failures of before are forgotten.",
        tags: ["Webhooks"],
        params: IdParams,
        body: ref(EndpointPatchSchema),
        response: { 200: { description: "As it is now", ...ref(EndpointSchema) }, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await tenancy.readWorkspace(caller, (tx) => requireEndpoint(tx, id));
      if (request.body.url !== undefined) await requireReachable(request.body.url);
      return showEndpoint(await tenancy.inWorkspace(caller, (tx) => changeEndpoint(tx, id, request.body)));
    },
  );

  app.delete(
    "/v1/webhook-endpoints/:id",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "deleteWebhookEndpoint",
        summary: "Delete a webhook endpoint with the log of its deliveries; what waits is not sent",
        description: "Its deliveries cannot be replayed from then on; the events stay in the feed.",
        tags: ["Webhooks"],
        params: IdParams,
        response: { 204: Type.Null({ description: "Deleted" }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      await deleteEndpoint(tenancy, callerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/v1/webhook-endpoints/:id/secret-rotation",
    {
      config: { scope: "webhooks:manage" },
      preValidation: allowNoBody,
      schema: {
        operationId: "rotateWebhookSecret",
        summary: "Make a new secret",
        description:
          "For 24 hours, until `previousSecretUntil`, requests carry the signatures of both, so that the receiver can be changed in between. The answer shows the new one this once; so an `Idempotency-Key` is refused.",
        tags: ["Webhooks"],
        params: IdParams,
        body: NoFields,
        response: {
          200: { description: "With the new secret", ...ref(CreatedEndpointSchema) },
          ...problems(400, 404, 413, 415),
        },
      },
    },
    async (request) => {
      refuseIdempotencyKey(request);
      const { endpoint, secret } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        rotateSecret(tx, request.params.id, secrets),
      );
      return { ...showEndpoint(endpoint), secret };
    },
  );
}

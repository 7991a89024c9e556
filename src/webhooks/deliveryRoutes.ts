import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { answerCreation, IdempotencyHeaders } from "../platform/keyedRoute.ts";
import { allowNoBody, NoFields } from "../platform/noBody.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, Id, OneOf, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { requireEndpoint } from "./endpoints.ts";
import { DELIVERY_STATUSES, DeliverySchema, EventReplayInputSchema, EventReplaySchema } from "./model.ts";
import { listAttempts, listDeliveries } from "./queries.ts";
import { EVENTS_PER_REPLAY_MAX, replayDelivery, replayEvents, testEndpoint } from "./replaying.ts";
import { showDelivery } from "./showing.ts";
import type { DeliveryRow } from "./table.ts";

const DeliveryPage = PageOf(ref(DeliverySchema), "WebhookDeliveryPage");
const IdParams = Strict({ id: Id("The endpoint's or delivery's id") });
const ORDER = "NEWEST";
const MADE = { 201: { description: "It is on its way", ...ref(DeliverySchema) } };

/** What was sent to endpoints, and sending it once more. */
export function registerDeliveryRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [DeliverySchema, DeliveryPage, EventReplayInputSchema, EventReplaySchema]) app.addSchema(schema);
  const made = (row: DeliveryRow) => ({ status: 201 as const, resource: showDelivery(row), personIds: [] });

  app.get(
    "/v1/webhook-endpoints/:id/deliveries",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "listWebhookDeliveries",
        summary: "List what was sent to an endpoint, and what it answered, newest first",
        description: "Each with its attempts and what the endpoint answered; those that failed can be sent once more.",
        tags: ["Webhooks"],
        params: IdParams,
        querystring: Strict({
          status: AnyOf(OneOf(DELIVERY_STATUSES, { description: "In this status" })),
          ...PageQuery,
        }),
        response: { 200: { description: "A page of deliveries", ...ref(DeliveryPage) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, status: statuses } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor");
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const { id } = request.params;
        await requireEndpoint(tx, id);
        const rows = await listDeliveries(tx, id, { statuses, after, limit });
        const page = toPage(rows, limit, (row) => ({ order: ORDER, value: row.createdAt.toISOString(), id: row.id }));
        const attempts = await listAttempts(
          tx,
          page.data.map((row) => row.id),
        );
        return { ...page, data: page.data.map((row) => showDelivery(row, attempts.get(row.id))) };
      });
    },
  );

  app.post(
    "/v1/webhook-endpoints/:id/test",
    {
      config: { scope: "webhooks:manage" },
      preValidation: allowNoBody,
      schema: {
        operationId: "testWebhookEndpoint",
        summary: "Send an endpoint a test, of the type endpoint.test",
        description: "Whatever its types and filter are. While the endpoint is PAUSED, it waits.",
        tags: ["Webhooks"],
        params: IdParams,
        headers: IdempotencyHeaders,
        body: NoFields,
        response: { ...MADE, ...problems(400, 404, "conflict", 413, 415) },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => made(await testEndpoint(tx, request.params.id))),
  );

  app.post(
    "/v1/webhook-endpoints/:id/replay",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "replayWebhookEvents",
        summary: "Send an endpoint the events of some time once more",
        description: `Those of its types and filter of today, from ≤ their time < to, as far as they are kept, with the \`webhook-id\` they had: up to ${EVENTS_PER_REPLAY_MAX} in one call.`,
        tags: ["Webhooks"],
        params: IdParams,
        headers: IdempotencyHeaders,
        body: ref(EventReplayInputSchema),
        response: {
          202: { description: "They are on their way", ...ref(EventReplaySchema) },
          ...problems(400, 404, "conflict", 413, 415),
        },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => {
        const count = await replayEvents(tx, request.params.id, request.body);
        return { status: 202, resource: { count }, personIds: [] };
      }),
  );

  app.post(
    "/v1/webhook-deliveries/:id/replay",
    {
      config: { scope: "webhooks:manage" },
      preValidation: allowNoBody,
      schema: {
        operationId: "replayWebhookDelivery",
        summary: "Send once more what a delivery was about, by a new one with the same webhook-id",
        description:
          "The new delivery has the same `webhook-id`, so that a receiver that did it once need not do it again. A disabled endpoint takes nothing: 409.",
        tags: ["Webhooks"],
        params: IdParams,
        headers: IdempotencyHeaders,
        body: NoFields,
        response: { ...MADE, ...problems(400, 404, "conflict", 413, 415) },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => made(await replayDelivery(tx, request.params.id))),
  );
}

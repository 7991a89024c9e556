import { Type } from "@sinclair/typebox";
import type { FastifyRequest } from "fastify";
import { callerOf } from "../platform/auth.ts";
import type { Gather } from "../platform/gathering.ts";
import type { Server } from "../platform/http.ts";
import { problems } from "../platform/problem.ts";
import type { RateLimits } from "../platform/rateLimits.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import { DeliveryResultSchema, PreviewSchema } from "./model.ts";
import { preview } from "./previewing.ts";
import { createReceiver, type Intake } from "./receiving.ts";

/** Where survey tools send to. These routes get the body as it came: what is signed are its bytes. */
export async function registerIntakeRoutes(
  app: Server,
  intake: Intake,
  gather: Gather,
  limits: RateLimits,
): Promise<void> {
  for (const schema of [DeliveryResultSchema, PreviewSchema]) app.addSchema(schema);
  await app.register(async (scope: Server) => {
    // What is no content type says nothing: the body is read as without one, and not refused before it is looked at.
    scope.addHook("onRequest", async (request) => {
      if (request.mediaType === undefined) delete request.raw.headers["content-type"];
    });
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, async (_request: unknown, body: Buffer) => body);
    registerRoutes(scope, intake, gather, limits);
  });
}

// Vendors try an address with parameters of their own.
const AnyQuery = Type.Object({}, { additionalProperties: true });
// An id that is none is no source, and never a 400 or 404: some vendors give up on these for good.
const AnyId = Strict({ sourceId: Type.String({ description: "The source's id, as its `url` has it" }) });

function bodyOf({ body }: { body: unknown }): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

const sourceOf = ({ params }: FastifyRequest) => (params as { sourceId: string }).sourceId;

function registerRoutes(app: Server, intake: Intake, gather: Gather, limits: RateLimits): void {
  const { receive, knows } = createReceiver(intake, gather);
  // A survey tool sends for all of its customers from the same few addresses, and in bursts.
  const config = {
    scope: "public" as const,
    countedBy: (request: FastifyRequest) => `source ${sourceOf(request)}`,
    isKnown: (request: FastifyRequest) => knows(sourceOf(request)),
  };
  app.post(
    "/v1/intake/:sourceId",
    {
      config,
      schema: {
        operationId: "receiveDelivery",
        summary: "Take in a delivery of a survey tool",
        description:
          "Signed as the source's vendor signs. What cannot be used is 200 `IGNORED` with a reason; 401 for an unknown source, a bad or missing signature, and a signed time more than 5 minutes off.",
        tags: ["Sources"],
        security: [],
        rawBody: "What the survey tool sends, byte for byte: that is what is signed",
        params: AnyId,
        querystring: AnyQuery,
        response: {
          200: { description: "What became of it", ...ref(DeliveryResultSchema) },
          ...problems("unauthenticated", 413),
        },
      },
    },
    async (request, reply) => {
      const delivery = { headers: request.headers, body: bodyOf(request) };
      try {
        return await receive(request.params.sourceId, delivery, request.id);
      } catch (error) {
        throw limits.failed(request, reply, error);
      }
    },
  );

  app.get(
    "/v1/intake/:sourceId",
    {
      config,
      schema: {
        operationId: "tryIntake",
        summary: "Say that deliveries are taken here, for tools that try an address first",
        description:
          "HEAD is answered too, without a body. It says nothing of the source, not even whether there is one.",
        tags: ["Sources"],
        security: [],
        params: AnyId,
        querystring: AnyQuery,
        response: {
          200: Strict(
            { status: Type.Literal("ok", { description: "Always `ok`" }) },
            { description: "Send deliveries by POST" },
          ),
        },
      },
    },
    async () => ({ status: "ok" as const }),
  );

  app.post(
    "/v1/sources/:id/preview",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "previewDelivery",
        summary: "Show what would become of a delivery; nothing is stored, and no signature is needed",
        description: "Send the raw body of a delivery with its content type.",
        tags: ["Sources"],
        rawBody: "A delivery, as the survey tool sends it",
        params: Strict({ id: Id("The source's id") }),
        response: { 200: { description: "What would be", ...ref(PreviewSchema) }, ...problems(400, 404, 413) },
      },
    },
    async (request) =>
      preview(intake, callerOf(request), request.params.id, { headers: request.headers, body: bodyOf(request) }),
  );
}

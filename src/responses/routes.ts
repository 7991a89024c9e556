import { callerOf } from "../platform/auth.ts";
import type { AppError } from "../platform/errors.ts";
import type { Gather } from "../platform/gathering.ts";
import type { Server } from "../platform/http.ts";
import { type Creation, IdempotencyHeaders, keyOf, sendAnswer, toKeyedAnswer } from "../platform/keyedRoute.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { linkToActive } from "../platform/tracing.ts";
import { changeResponse, putResponse } from "./changing.ts";
import { ResponseFilterQuery, toResponseFilter } from "./filterQuery.ts";
import {
  type Response,
  ResponseInputSchema,
  ResponsePatchSchema,
  ResponseSchema,
  ResponseUpsertSchema,
} from "./model.ts";
import { listResponses, listResponsesById, type ResponseOrder } from "./queries.ts";
import { type Recording, recordEach } from "./recordingEach.ts";
import { noSuchResponse } from "./service.ts";
import { type RecordingSteps, type RecordResult, withCases } from "./steps.ts";

const ListQuery = Strict({ ...ResponseFilterQuery, ...PageQuery });

const ResponsePageSchema = PageOf(ref(ResponseSchema), "ResponsePage");
const IdParams = Strict({ id: Id("The response's id") });

/** @param gather how answers that come in one by one are put into transactions */
export function registerResponseRoutes(app: Server, tenancy: Tenancy, gather: Gather, steps: RecordingSteps): void {
  const record = gather(tenancy, (tx, batch: readonly Recording[]) => recordEach(tx, batch, steps));
  app.addSchema(ResponsePageSchema);

  app.post(
    "/v1/responses",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "recordResponse",
        summary: "Record a survey answer",
        description:
          "Stores the answer with its person, account and survey, which are made or brought up to date by it, and opens a follow-up case for a detractor or whoever asks for one. Retry safely by an `Idempotency-Key`, by `source` and `externalId`, or both: the same answer is stored once, the same body is 200 with it, another body under the same `source` and `externalId` is 409. For more than some per second use the batch.",
        tags: ["Responses"],
        headers: IdempotencyHeaders,
        body: ref(ResponseInputSchema),
        response: {
          200: { description: "The same answer was recorded before", ...ref(ResponseSchema) },
          201: { description: "Recorded", ...ref(ResponseSchema) },
          ...problems(400, "conflict", 413, 415),
        },
      },
    },
    async (request, reply) => {
      const answer = await record(callerOf(request), {
        input: request.body,
        keyed: keyOf(request),
        toAnswer: (result) => {
          // It may be in the trace of another, whose answer came in at the same time.
          linkToActive(request.span);
          return toKeyedAnswer(toCreation(result), request);
        },
      });
      return sendAnswer(reply, answer);
    },
  );

  app.put(
    "/v1/responses",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "putResponse",
        summary: "Record a survey answer, or change the one recorded under its source and externalId",
        description:
          "For tools that send an answer again whenever it changes: what is given is set, what is absent stays, and what is older by `updatedAt` than what is stored changes nothing. The rules are evaluated again. The same again ends in the same, so it can be sent again blindly.",
        tags: ["Responses"],
        body: ref(ResponseUpsertSchema),
        response: {
          200: { description: "It was recorded before, and is now like this", ...ref(ResponseSchema) },
          201: { description: "Recorded", ...ref(ResponseSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const creation = toCreation(
        await tenancy.inWorkspace(callerOf(request), (tx) => putResponse(tx, request.body, steps)),
      );
      if ("error" in creation) throw creation.error;
      return reply.code(creation.status).send(creation.resource);
    },
  );

  app.patch(
    "/v1/responses/:id",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "changeResponse",
        summary: "Change a response; the rules are evaluated again, and never open a second case",
        description:
          "What is given is set, null clears, what is absent stays; `properties` merge by key. A comment that comes late belongs here. A change that changes nothing writes nothing and tells nobody. An answer whose person was erased stays as it is: 409.",
        tags: ["Responses"],
        params: IdParams,
        body: ref(ResponsePatchSchema),
        response: {
          200: { description: "As it is now", ...ref(ResponseSchema) },
          ...problems(400, 404, "conflict", 413, 415),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const response = await tenancy.inWorkspace(callerOf(request), (tx) =>
        changeResponse(tx, id, request.body, steps),
      );
      if (response === undefined) throw noSuchResponse();
      return response;
    },
  );

  app.get(
    "/v1/responses/:id",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "getResponse",
        summary: "Read one response",
        description:
          "With its category, its person and account, what the same person answered before, and how far the follow-up is.",
        tags: ["Responses"],
        params: IdParams,
        response: { 200: { description: "The response", ...ref(ResponseSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const [response] = await tenancy.readWorkspace(callerOf(request), async (tx) =>
        withCases(tx, await listResponsesById(tx, [request.params.id]), steps),
      );
      if (response === undefined) throw noSuchResponse();
      return response;
    },
  );

  app.get(
    "/v1/responses",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "listResponses",
        summary: "List responses, newest first",
        description:
          "All filters that are given must hold; one given twice means any of its values. With `updatedSince` it is in the order of change: the way to keep a copy up to date. Ask from a minute before the last `updatedAt` you have seen: what was begun earlier may be there later. `GET /v1/events` misses nothing without that. Excluded responses are listed too, unless `excluded=false`.",
        tags: ["Responses"],
        querystring: ListQuery,
        response: { 200: { description: "A page of responses", ...ref(ResponsePageSchema) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, updatedSince } = request.query;
      const order: ResponseOrder = updatedSince === undefined ? "NEWEST" : "UPDATED";
      const page = {
        filter: toResponseFilter(request.query),
        order,
        limit,
        after: decodeCursor(cursor, order, "cursor"),
      };
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const found = await withCases(tx, await listResponses(tx, page), steps);
        return toPage(found, limit, ({ id, respondedAt, updatedAt }) => ({
          order,
          value: order === "UPDATED" ? updatedAt : respondedAt,
          id,
        }));
      });
    },
  );
}

function toCreation(result: RecordResult): Creation & ({ resource: Response } | { error: AppError }) {
  if (result.status === "rejected") return { error: result.error };
  const { status, response } = result;
  return {
    status: status === "created" ? 201 : 200,
    resource: response,
    personIds: response.person === null ? [] : [response.person.id],
  };
}

import { Type } from "@sinclair/typebox";
import type { FastifyBaseLogger } from "fastify";
import { callerOf } from "../platform/auth.ts";
import { type AppError, invalidRequest } from "../platform/errors.ts";
import { type Server, validatorsWith } from "../platform/http.ts";
import { answerCreation, IdempotencyHeaders } from "../platform/keyedRoute.ts";
import { ProblemSchema, problems, toProblem } from "../platform/problem.ts";
import { Id, OneOf, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { createTurns } from "../platform/turns.ts";
import { createAjv } from "../platform/validation.ts";
import { recordBatch } from "./batch.ts";
import { findWrongFields } from "./inputs.ts";
import { FOLLOW_UPS, type ResponseInput, ResponseInputSchema } from "./model.ts";
import type { RecordingSteps, RecordResult } from "./steps.ts";

const BATCH_MAX = 1_000;
const BODY_BYTES_MAX = 5 * 1024 * 1024;
/**
 * Transactions of one workspace: one waits for the disk, one for PostgreSQL, and the next is prepared. More of them are done no
 * sooner, and hold the connections and the processors that everybody else waits for.
 */
const AT_ONCE = 3;

const BatchSchema = Strict(
  {
    responses: Type.Array(ref(ResponseInputSchema), {
      maxItems: BATCH_MAX,
      description: "Each as the body of `POST /v1/responses`",
    }),
  },
  { $id: "ResponseBatch", description: "Survey answers, up to 1,000 at a time" },
);

const BatchResultSchema = Strict(
  {
    results: Type.Array(
      Strict({
        index: Type.Integer({ description: "Its place in the batch, from 0" }),
        status: OneOf(["created", "existing", "rejected"], { description: "What became of it" }),
        id: Type.Optional(Id("The response, where there is one")),
        problem: Type.Optional(ref(ProblemSchema)),
      }),
      { description: "One for each answer, in their order" },
    ),
  },
  { $id: "ResponseBatchResult", description: "One result per answer, in order" },
);

/** History may open no case, and tell nobody. */
const HistoryQuery = Strict({
  followUp: Type.Optional(OneOf(FOLLOW_UPS, { description: "NONE: opens no case, now or by a later change" })),
  events: Type.Optional(Type.Boolean({ description: "false: no event is written about these answers" })),
});

export function registerBatchRoute(app: Server, tenancy: Tenancy, steps: RecordingSteps): void {
  app.addSchema(BatchSchema);
  app.addSchema(BatchResultSchema);
  // Each answer is validated by itself, so that a bad one is a result and not the end of all.
  const isBatch = createAjv().compile(
    Strict({
      responses: Type.Array(Type.Unknown(), {
        maxItems: BATCH_MAX,
        description: "Each as the body of `POST /v1/responses`",
      }),
    }),
  );
  const inTurn = createTurns(AT_ONCE);

  app.post(
    "/v1/responses/batch",
    {
      config: { scope: "responses:write" },
      bodyLimit: BODY_BYTES_MAX,
      validatorCompiler: validatorsWith(app, isBatch),
      schema: {
        operationId: "recordResponses",
        summary: "Record many survey answers; one bad row never costs a good one",
        description:
          "Up to 1,000 answers and 5 MB, recorded together: far cheaper than one by one. Each result says by `index` whether its answer was created, existed or was rejected, with its problem; the answer is 200 whatever became of the rows. Send the whole batch again after a failure: what is recorded is `existing`.",
        tags: ["Responses"],
        headers: IdempotencyHeaders,
        querystring: HistoryQuery,
        body: ref(BatchSchema),
        response: {
          200: { description: "What became of each", ...ref(BatchResultSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { followUp = "OPEN", events = true } = request.query;
      const checked = request.body.responses.map((input): Checked => {
        const wrong = findWrongFields(input);
        return wrong === undefined ? { input } : { error: invalidRequest(wrong) };
      });
      const inputs = checked.flatMap((row) => ("input" in row ? row.input : []));
      return inTurn(callerOf(request).workspaceId, async () =>
        answerCreation(request, reply, tenancy, async (tx) => {
          const recorded = await recordBatch(tx, inputs, steps, { followUp, events });
          for (const result of recorded) logFault(result, request.log);
          let next = 0;
          const results = checked.map((row): RecordResult => {
            const result = "input" in row ? recorded[next++] : ({ status: "rejected", error: row.error } as const);
            if (result === undefined) throw new Error("an answer has no result");
            return result;
          });
          const place = { path: "/v1/responses/batch", id: request.id };
          return {
            status: 200,
            resource: { results: results.map((result, index) => ({ index, ...describe(result, place) })) },
            personIds: recorded.flatMap((result) =>
              result.status === "rejected" ? [] : (result.response.person?.id ?? []),
            ),
          };
        }),
      );
    },
  );
}

type Checked = { input: ResponseInput } | { error: AppError };

function describe(result: RecordResult, place: Parameters<typeof toProblem>[1]) {
  if (result.status !== "rejected") return { status: result.status, id: result.response.id };
  const { error } = result;
  const existing = error.existingId === undefined ? {} : { id: error.existingId };
  return { status: result.status, ...existing, problem: toProblem(error, place) };
}

function logFault(result: RecordResult, log: FastifyBaseLogger): void {
  if (result.status === "rejected" && result.error.code === "internal") {
    log.error({ err: result.error.cause }, "an answer of a batch could not be stored");
  }
}

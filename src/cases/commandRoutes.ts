import { type TSchema, Type } from "@sinclair/typebox";
import type { FastifyRequest } from "fastify";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { answerCreation, IdempotencyHeader, IdempotencyHeaders } from "../platform/keyedRoute.ts";
import { IfMatchHeaders, readIfMatch } from "../platform/precondition.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import type { Target } from "./changing.ts";
import { CommitmentOutcomeSchema, OpenCaseSchema, ReferenceInputSchema, SYSTEM_LENGTH_MAX } from "./commands.ts";
import { COMMANDS } from "./commandTable.ts";
import { settleCommitment } from "./committing.ts";
import { openCaseByHand } from "./manualOpening.ts";
import { type Case, CaseSchema } from "./model.ts";
import { putCaseReference } from "./working.ts";

const CommandHeaders = Type.Object({ ...IdempotencyHeader, ...IfMatchHeaders });
const ANSWERS = { 200: { description: "The case as it is now", ...ref(CaseSchema) } };

export function registerCaseCommands(app: Server, tenancy: Tenancy): void {
  const inputs: TSchema[] = [OpenCaseSchema, CommitmentOutcomeSchema, ReferenceInputSchema];
  for (const schema of [...inputs, ...COMMANDS.map(({ input }) => input)]) app.addSchema(schema);

  app.post(
    "/v1/cases",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "openCase",
        summary: "Open a case by hand; where the person has one that is worked, the answer joins it",
        tags: ["Cases"],
        headers: IdempotencyHeaders,
        body: ref(OpenCaseSchema),
        response: {
          200: { description: "The case that it joined", ...ref(CaseSchema) },
          201: { description: "Opened", ...ref(CaseSchema) },
          ...problems(400, 404, "conflict", 413, 415),
        },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => {
        const { opened, isNew } = await openCaseByHand(tx, request.body);
        return answer(opened, isNew ? 201 : 200);
      }),
  );

  for (const { name, path, summary, input, errors = [], verb } of COMMANDS) {
    app.post(
      `/v1/cases/:id/${path}`,
      {
        config: { scope: "cases:write" },
        schema: {
          operationId: name,
          summary,
          tags: ["Cases"],
          params: Strict({ id: Id() }),
          headers: CommandHeaders,
          body: ref(input),
          response: { ...ANSWERS, ...problems(400, 404, ...errors, 413, 415) },
        },
      },
      // The body is what the schema of the command says; the table says which verb takes it.
      async (request, reply) =>
        answerCreation(request, reply, tenancy, async (tx) =>
          answer(await verb(tx, targetOf(request), request.body as never)),
        ),
    );
  }

  app.post(
    "/v1/cases/:id/commitments/:commitmentId/outcome",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "settleCommitment",
        summary: "Say whether a promise was kept",
        tags: ["Cases"],
        params: Strict({ id: Id(), commitmentId: Id() }),
        headers: CommandHeaders,
        body: ref(CommitmentOutcomeSchema),
        response: { ...ANSWERS, ...problems(400, 404, 413, 415) },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => {
        const { commitmentId } = request.params;
        return answer(await settleCommitment(tx, targetOf(request), { commitmentId, ...request.body }));
      }),
  );

  app.put(
    "/v1/cases/:id/references/:system",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "putCaseReference",
        summary: "Name the ticket that another system has about a case",
        tags: ["Cases"],
        params: Strict({ id: Id(), system: Type.String({ format: "key", maxLength: SYSTEM_LENGTH_MAX }) }),
        headers: Type.Object(IfMatchHeaders),
        body: ref(ReferenceInputSchema),
        response: { ...ANSWERS, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), (tx: WorkspaceTx) =>
        putCaseReference(tx, targetOf(request), request.params.system, request.body),
      ),
  );
}

function targetOf(request: Pick<FastifyRequest, "headers"> & { params: { id: string } }): Target {
  return { id: request.params.id, versions: readIfMatch(request.headers) };
}

function answer(resource: Case, status: 200 | 201 = 200) {
  return { status, resource, personIds: resource.person === null ? [] : [resource.person.id] };
}

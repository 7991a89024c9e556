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
        description:
          "For an answer that calls for none by itself. The first-contact clock starts now. Where the person has a case that is open, contacted or parked, the answer joins it: 200 instead of 201. An excluded response has no case, and one that has a case keeps it: 409.",
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

  for (const { name, path, summary, description, input, errors = [], verb } of COMMANDS) {
    app.post(
      `/v1/cases/:id/${path}`,
      {
        config: { scope: "cases:write" },
        schema: {
          operationId: name,
          summary,
          description,
          tags: ["Cases"],
          params: Strict({ id: Id("The case's id") }),
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
        description: "Can be corrected by saying the other. The case is 404 as well as the commitment.",
        tags: ["Cases"],
        params: Strict({
          id: Id("The case's id"),
          commitmentId: Id("The promise, by its id in the case's `commitments`"),
        }),
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
        description:
          "One ticket per system: another one takes its place. By `GET /v1/cases?reference=zendesk:4711` the case is found again. The same again ends in the same, so it can be sent again blindly.",
        tags: ["Cases"],
        params: Strict({
          id: Id("The case's id"),
          system: Type.String({
            format: "key",
            maxLength: SYSTEM_LENGTH_MAX,
            description: "Your name of the other system, like `zendesk`",
          }),
        }),
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

import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { answerCreation, IdempotencyHeaders } from "../platform/keyedRoute.ts";
import { decodeCursor, LIMIT_DEFAULT, NO_ID, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, Id, OneOf, ref, Strict, Text } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import {
  IMPROVEMENT_STATUSES,
  ImprovementInputSchema,
  ImprovementSchema,
  ImprovementStatusInputSchema,
  RootCauseInputSchema,
  RootCauseSchema,
  ToldInputSchema,
} from "./model.ts";
import { listImprovements, listRootCausesPage } from "./queries.ts";
import {
  createImprovement,
  getImprovement,
  type ImprovementSteps,
  markTold,
  putRootCause,
  setImprovementStatus,
} from "./service.ts";

const RootCausePage = PageOf(ref(RootCauseSchema), "RootCausePage");
const ImprovementPage = PageOf(ref(ImprovementSchema), "ImprovementPage");
const BY_KEY = "KEY";
const NEWEST = "NEWEST";
const IdParams = Strict({ id: Id("The improvement's id") });

export function registerCauseRoutes(app: Server, tenancy: Tenancy, steps: ImprovementSteps): void {
  for (const schema of [
    RootCauseInputSchema,
    RootCauseSchema,
    RootCausePage,
    ImprovementInputSchema,
    ImprovementStatusInputSchema,
    ToldInputSchema,
    ImprovementSchema,
    ImprovementPage,
  ]) {
    app.addSchema(schema);
  }
  registerRootCauses(app, tenancy);
  registerImprovements(app, tenancy, steps);
}

function registerRootCauses(app: Server, tenancy: Tenancy): void {
  app.put(
    "/v1/root-causes/:key",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "putRootCause",
        summary: "Make a root cause, or change the one with this key",
        description:
          "A label for the reason, and the cause it is a kind of. Cases name causes by their key. The same again ends in the same, so it can be sent again blindly.",
        tags: ["Causes"],
        params: Strict({ key: Text({ description: "Your name of it" }) }),
        body: ref(RootCauseInputSchema),
        response: {
          200: { description: "As it is now", ...ref(RootCauseSchema) },
          201: { description: "Made", ...ref(RootCauseSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { rootCause, isNew } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        putRootCause(tx, request.params.key, request.body),
      );
      return reply.code(isNew ? 201 : 200).send(rootCause);
    },
  );

  app.get(
    "/v1/root-causes",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "listRootCauses",
        summary: "List root causes, in the order of their keys",
        description: "All of them; `parentKey` makes the tree.",
        tags: ["Causes"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of root causes", ...ref(RootCausePage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, BY_KEY, "cursor", "text")?.value;
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listRootCausesPage(tx, limit, after), limit, ({ key }) => ({
          order: BY_KEY,
          value: key,
          id: NO_ID,
        })),
      );
    },
  );
}

function registerImprovements(app: Server, tenancy: Tenancy, steps: ImprovementSteps): void {
  const answers = { 200: { description: "As it is now", ...ref(ImprovementSchema) } };

  app.post(
    "/v1/improvements",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "createImprovement",
        summary: "Propose an improvement over root causes",
        description:
          "It starts as PROPOSED. Its audience is everybody whose case names one of its root causes, or a kind of one, or is parked on it.",
        tags: ["Causes"],
        headers: IdempotencyHeaders,
        body: ref(ImprovementInputSchema),
        response: {
          201: { description: "Proposed", ...ref(ImprovementSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) =>
      answerCreation(request, reply, tenancy, async (tx) => ({
        status: 201,
        resource: await createImprovement(tx, request.body),
        personIds: [],
      })),
  );

  app.get(
    "/v1/improvements",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "listImprovements",
        summary: "List improvements, newest first",
        description: "Those proposed last first; by `status` only those that are so far.",
        tags: ["Causes"],
        querystring: Strict({
          status: AnyOf(OneOf(IMPROVEMENT_STATUSES, { description: "In this status" })),
          ...PageQuery,
        }),
        response: { 200: { description: "A page of improvements", ...ref(ImprovementPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, status } = request.query;
      const after = decodeCursor(cursor, NEWEST, "cursor");
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listImprovements(tx, status, { limit, after }), limit, ({ id, createdAt }) => ({
          order: NEWEST,
          value: createdAt,
          id,
        })),
      );
    },
  );

  app.get(
    "/v1/improvements/:id",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "getImprovement",
        summary: "Read one improvement",
        description: "How far it is, and the root causes it is to remove.",
        tags: ["Causes"],
        params: IdParams,
        response: { 200: { description: "The improvement", ...ref(ImprovementSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), (tx) => getImprovement(tx, request.params.id)),
  );

  app.post(
    "/v1/improvements/:id/status",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "setImprovementStatus",
        summary: "Move an improvement; cases parked on it come back when it ships or is dropped",
        description:
          "SHIPPED tells endpoints `improvement.shipped`, so that its audience can be told. Said again, it changes nothing.",
        tags: ["Causes"],
        params: IdParams,
        body: ref(ImprovementStatusInputSchema),
        response: { ...answers, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), (tx) =>
        setImprovementStatus(tx, request.params.id, request.body.status, steps),
      ),
  );

  app.post(
    "/v1/improvements/:id/told",
    {
      config: { scope: "cases:write" },
      schema: {
        operationId: "markTold",
        summary: "Record who was told of an improvement; can be sent again blindly",
        description: "All of these people or, where one is not known, none of them: 404. Whoever was told stays told.",
        tags: ["Causes"],
        params: IdParams,
        body: ref(ToldInputSchema),
        response: { ...answers, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), (tx) => markTold(tx, request.params.id, request.body.personIds)),
  );
}

import { Type } from "@sinclair/typebox";
import type { FastifyRequest } from "fastify";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { refuseIdempotencyKey } from "../platform/keylessRoute.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import {
  CreatedSourceSchema,
  DefaultsSchema,
  MappingPatchSchema,
  MappingSchema,
  type Source,
  SourceInputSchema,
  SourcePatchSchema,
  SourceSchema,
} from "./model.ts";
import { findSource, listSources } from "./queries.ts";
import type { Intake } from "./receiving.ts";
import { changeSource, createSource, deleteSource, requireSource } from "./service.ts";
import type { SourceRow } from "./table.ts";

const SourcePage = PageOf(ref(SourceSchema), "SourcePage");
const IdParams = Strict({ id: Id("The source's id") });
const ORDER = "NEWEST";

/** The sources: survey tools that send answers. */
export function registerSourceRoutes(app: Server, { tenancy, secrets, publicUrl }: Intake): void {
  for (const schema of [
    MappingSchema,
    MappingPatchSchema,
    DefaultsSchema,
    SourceInputSchema,
    SourcePatchSchema,
    SourceSchema,
    CreatedSourceSchema,
    SourcePage,
  ]) {
    app.addSchema(schema);
  }
  const shown = (source: SourceRow, request: FastifyRequest) => toSource(source, publicUrl ?? originOf(request));

  app.post(
    "/v1/sources",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "createSource",
        summary: "Make a source: a survey tool that sends answers by signed webhook",
        description: "The answer may show a secret, so an `Idempotency-Key` is refused.",
        tags: ["Sources"],
        body: ref(SourceInputSchema),
        response: { 201: { description: "Made", ...ref(CreatedSourceSchema) }, ...problems(400, "conflict", 413, 415) },
      },
    },
    async (request, reply) => {
      refuseIdempotencyKey(request);
      const { source, secret } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        createSource(tx, request.body, secrets),
      );
      return reply.code(201).send({ ...shown(source, request), ...(secret === undefined ? {} : { secret }) });
    },
  );

  app.get(
    "/v1/sources",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "listSources",
        summary: "List sources, newest first",
        description: "Without their secrets.",
        tags: ["Sources"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of sources", ...ref(SourcePage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "id")?.id;
      const rows = await tenancy.readWorkspace(callerOf(request), (tx) => listSources(tx, limit, after));
      const page = toPage(rows, limit, ({ id }) => ({ order: ORDER, value: id, id }));
      return { ...page, data: page.data.map((source) => shown(source, request)) };
    },
  );

  app.get(
    "/v1/sources/:id",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "getSource",
        summary: "Read one source",
        description: "Without its secret. `previousSecretUntil` says how long the one before is still taken.",
        tags: ["Sources"],
        params: IdParams,
        response: { 200: { description: "The source", ...ref(SourceSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const found = await tenancy.readWorkspace(callerOf(request), (tx) => findSource(tx, request.params.id));
      return shown(requireSource(found), request);
    },
  );

  app.patch(
    "/v1/sources/:id",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "changeSource",
        summary: "Change a source",
        description:
          "A new `secret` does not end the one before: for 24 hours deliveries by either are taken, until `previousSecretUntil`, so that none is lost while the survey tool is changed. `null` takes both away at once.",
        tags: ["Sources"],
        params: IdParams,
        body: ref(SourcePatchSchema),
        response: { 200: { description: "As it is now", ...ref(SourceSchema) }, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) => {
      const source = await tenancy.inWorkspace(callerOf(request), (tx) =>
        changeSource(tx, request.params.id, request.body, secrets),
      );
      return shown(source, request);
    },
  );

  app.delete(
    "/v1/sources/:id",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "deleteSource",
        summary: "Delete a source with its receipts; what it recorded stays",
        description: "Deliveries to its address are 401 from then on.",
        tags: ["Sources"],
        params: IdParams,
        response: { 204: Type.Null({ description: "Deleted" }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      await tenancy.inWorkspace(callerOf(request), (tx) => deleteSource(tx, request.params.id));
      return reply.code(204).send(null);
    },
  );
}

function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`;
}

function toSource(row: SourceRow, origin: string): Source {
  const { id, name, key, vendor, tokenHeader, mapping, defaults, partial, previousSecretUntil } = row;
  return {
    id,
    name,
    key,
    vendor,
    url: `${origin}/v1/intake/${id}`,
    hasSecret: row.secret !== null,
    previousSecretUntil: previousSecretUntil?.toISOString() ?? null,
    tokenHeader,
    mapping,
    defaults,
    partial,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

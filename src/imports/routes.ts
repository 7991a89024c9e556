import { Type } from "@sinclair/typebox";
import type { FastifyRequest } from "fastify";
import { callerOf } from "../platform/auth.ts";
import { AppError } from "../platform/errors.ts";
import { requireReadable, type Server, validatorsWith } from "../platform/http.ts";
import { refuseIdempotencyKey } from "../platform/keylessRoute.ts";
import { decodeCursor, LIMIT_DEFAULT, NO_ID, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, OneOf, ref, Strict, Text } from "../platform/schema.ts";
import { slowBody } from "../platform/slowBody.ts";
import type { Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { FOLLOW_UPS } from "../responses/index.ts";
import { FIELDS } from "./fields.ts";
import { type ImportFormat, ImportSchema, RejectionSchema } from "./model.ts";
import { toImportOptions } from "./options.ts";
import { findImport, listImports, listRejections } from "./queries.ts";
import { receiveImport } from "./receiving.ts";

const FORMATS: Record<string, ImportFormat> = { "text/csv": "CSV", "application/x-ndjson": "NDJSON" };
/** Only described: the file is a stream, and each row is looked at when it is recorded. */
const FILE = {
  content: {
    "text/csv": { schema: { type: "string", description: "A header, and a row for each answer" } },
    "application/x-ndjson": { schema: { type: "string", description: "A line of JSON for each answer" } },
  },
};
const IdParams = Strict({ id: Id("The import's id") });
const ImportPage = PageOf(ref(ImportSchema), "ImportPage");
const RejectionPage = PageOf(ref(RejectionSchema), "ImportRejectionPage");
const [NEWEST, BY_LINE] = ["NEWEST", "LINE"];

const Column = (name: string) => Type.Optional(Text({ description: `The column that is \`${name}\`` }));

const ImportQuery = Type.Object(
  {
    source: Type.Optional(Text({ description: "Of rows that name none" })),
    timestampFormat: Type.Optional(
      Text({
        description:
          "How `respondedAt` is written: RFC 3339 when absent, UNIX_SECONDS, EXCEL_SERIAL, or a pattern like `M/d/yyyy H:mm:ss`",
      }),
    ),
    timeZone: Type.Optional(Text({ description: "IANA time zone of times without an offset; UTC when absent" })),
    followUp: Type.Optional(OneOf(FOLLOW_UPS, { description: "NONE: opens no case, now or by a later change" })),
    events: Type.Optional(Type.Boolean({ description: "false: no event is written about these answers" })),
    again: Type.Optional(Type.Boolean({ description: "true: also where the same file was imported the same way" })),
    ...Object.fromEntries([...FIELDS.keys()].map((name) => [`map.${name}`, Column(name)])),
  },
  { additionalProperties: false, patternProperties: { "^map\\.(person\\.)?properties\\..": Text() } },
);

/** Files of answers: taken in as a stream, and what became of each. */
export async function registerImportRoutes(app: Server, tenancy: Tenancy): Promise<void> {
  for (const schema of [ImportSchema, ImportPage, RejectionSchema, RejectionPage]) app.addSchema(schema);

  // In a room of its own, because only here a body is a stream.
  await app.register(async (room) => {
    const own = room as unknown as Server;
    own.removeAllContentTypeParsers();
    own.addContentTypeParser(Object.keys(FORMATS), async (request: FastifyRequest) => {
      requireReadable(request);
      return undefined;
    });
    own.addContentTypeParser("*", async () => {
      throw wrongFormat();
    });
    own.post(
      "/v1/imports",
      {
        config: { scope: "responses:write" },
        onRequest: async (request) => refuseIdempotencyKey(request, "a file is known by its bytes"),
        // The body has not been read yet.
        validatorCompiler: validatorsWith(app, () => true),
        schema: {
          operationId: "importResponses",
          summary: "Import a file of answers, of any size; what becomes of it is told by the import",
          description:
            "CSV has a header: its columns are fields by their names (`score`, `person.email`, `properties.plan`) or by `map.<field>=<column>`. A line of NDJSON is the body of POST /v1/responses. A file is known by its bytes: an `Idempotency-Key` is refused.",
          tags: ["Imports"],
          body: FILE,
          querystring: ImportQuery,
          moreParameters: {
            name: "columns",
            description:
              "Of properties: each member is a parameter of its own, `map.properties.<name>` or `map.person.properties.<name>`, and says which column it is",
            example: { "map.properties.plan": "Plan" },
          },
          response: {
            200: { description: "The same file was imported the same way: that import", ...ref(ImportSchema) },
            202: { description: "All of it is here, and is being recorded", ...ref(ImportSchema) },
            ...problems(400, 415),
          },
        },
      },
      async (request, reply) => {
        const type = String(request.headers["content-type"]).split(";")[0]?.trim().toLowerCase() ?? "";
        const format = Object.hasOwn(FORMATS, type) ? FORMATS[type] : undefined;
        if (format === undefined) throw wrongFormat();
        const upload = { format, options: toImportOptions(request.query, format), again: request.query.again ?? false };
        const received = await receiveImport(tenancy, callerOf(request), upload, slowBody(request));
        return reply.code(received.isNew ? 202 : 200).send(received.import);
      },
    );
  });

  app.get(
    "/v1/imports",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "listImports",
        summary: "List imports, newest first",
        description: "Each with its status and counts, those sent last first.",
        tags: ["Imports"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of imports", ...ref(ImportPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, NEWEST, "cursor");
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listImports(tx, { limit, after }), limit, ({ id, createdAt }) => ({
          order: NEWEST,
          value: createdAt,
          id,
        })),
      );
    },
  );

  app.get(
    "/v1/imports/:id",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "getImport",
        summary: "Read what became of an import",
        description: "Ask again until it is DONE or FAILED. The counts grow while it is recorded.",
        tags: ["Imports"],
        params: IdParams,
        response: { 200: { description: "The import", ...ref(ImportSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), (tx) => getImport(tx, request.params.id)),
  );

  app.get(
    "/v1/imports/:id/rejections",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "listImportRejections",
        summary: "List the rows that could not be recorded, in the order of the file",
        description:
          "Each with its line and what is wrong with it. The other rows are recorded: mend these and import them by themselves.",
        tags: ["Imports"],
        params: IdParams,
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of rejections", ...ref(RejectionPage) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const place = decodeCursor(cursor, BY_LINE, "cursor", "place");
      const after = place && Number(place.value);
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const { id } = await getImport(tx, request.params.id);
        return toPage(await listRejections(tx, id, { limit, after }), limit, ({ line }) => ({
          order: BY_LINE,
          value: String(line),
          id: NO_ID,
        }));
      });
    },
  );
}

function wrongFormat(): AppError {
  return new AppError("unsupported_media_type", "Send the file as text/csv or application/x-ndjson.");
}

async function getImport(tx: WorkspaceTx, id: string) {
  const found = await findImport(tx, id);
  if (found === undefined) throw new AppError("not_found", "There is no import with this id.");
  return found;
}

import { SerializerSelector } from "@fastify/fast-json-stringify-compiler";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { AnySchema } from "ajv";
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from "fastify";
import { AppError } from "./errors.ts";
import { newId } from "./ids.ts";
import { parseJson } from "./json.ts";
import type { Logger } from "./logger.ts";
import { observeRequest } from "./metrics.ts";
import { answerClientError, ProblemSchema, registerProblems, sendProblem } from "./problem.ts";
import { compileQuery } from "./queryString.ts";
import { FORMAT_TESTS, Strict } from "./schema.ts";
import { createAjv } from "./validation.ts";

/** A Fastify whose handlers are typed by the TypeBox schemas of their routes. */
export type Server = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

const BODY_BYTES_MAX = 256 * 1024;
/** Longer than any we take, so that it is refused by its schema and named. */
const PARAM_LENGTH_MAX = 4_000;
/** A request must be here in full after so long, but for what is read as a slow body. */
const REQUEST_TIMEOUT_MS = 15_000;
/** What still runs this long after the server was told to stop is cut off; the process has 10 s in all. */
const DRAIN_TIMEOUT_MS = 8_000;
/** Longer than load balancers keep an idle connection (60 s), so that they close it and not we under their hands. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/**
 * After what callers are told in `Keep-Alive`: who has just been held up, and is late to close a connection by that, sends
 * into one that is still open.
 */
const KEEP_ALIVE_BUFFER_MS = 15_000;

const NoParameters = Strict({});

/** What an installation may say of its server. */
export interface ServerSettings {
  /** How long a request may take to come in, in milliseconds. */
  requestTimeout?: number | undefined;
  /** Networks of proxies that are believed whom they send for. */
  trustedProxies?: string[] | undefined;
}

/** An HTTP server without routes: strict JSON, problem documents, one log line per request. */
export function createServer(
  logger: Logger,
  { requestTimeout = REQUEST_TIMEOUT_MS, trustedProxies = [] }: ServerSettings = {},
): Server {
  const loggerInstance: FastifyBaseLogger = logger;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    genReqId: newId,
    requestIdHeader: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout,
    // Of anybody else the headers would be the caller's own word for who it is.
    trustProxy: trustedProxies.length === 0 ? false : trustedProxies,
    // Node looks for those that are late at this interval; while it allows the headers longer than the whole, as it does
    // when nobody says otherwise, it takes one for the other.
    http: {
      connectionsCheckingInterval: requestTimeout,
      headersTimeout: requestTimeout,
      keepAliveTimeoutBuffer: KEEP_ALIVE_BUFFER_MS,
    },
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: "idle",
    // What comes in on an open connection while we stop is still served, and its answer says it is the last.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX, ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => {
      void sendProblem(error, request, reply);
    },
    clientErrorHandler: answerClientError,
    // The serializer looks into schemas where an answer has a choice; it must know our formats as well.
    serializerOpts: { ajv: { formats: FORMAT_TESTS } },
    schemaController: {
      compilersFactory: {
        buildValidator: oncePerSchemas(buildValidator) as never,
        buildSerializer: oncePerSchemas(buildSerializer) as never,
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  registerProblems(app);

  // Handlers would get text/plain without validation, so it does not exist here.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    ["application/json", "application/merge-patch+json"],
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      requireReadable(request);
      // Many clients name the type of a body that they do not have: a command needs none.
      return body.length === 0 ? undefined : parseJson(body);
    },
  );
  // A route that names no query parameters takes none.
  app.addHook("onRoute", (route) => {
    route.schema = { querystring: NoParameters, ...route.schema };
  });
  app.addSchema(ProblemSchema);

  app.addHook("onResponse", async (request, reply) => {
    observeRequest(request, reply);
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        workspace_id: request.principal?.workspaceId ?? null,
        actor: request.principal === null ? null : `${request.principal.actor.kind}:${request.principal.actor.id}`,
      },
      "request",
    );
  });
  closeConnectionsWhenStopping(app);
  return app;
}

/**
 * Stopping ends idle connections at once, but one that has a request under way would be kept alive
 * after its answer and hold the process: so its answer is also told to be its last.
 */
function closeConnectionsWhenStopping(app: Server): void {
  let isStopping = false;
  app.addHook("preClose", async () => {
    isStopping = true;
    setTimeout(() => app.server.closeAllConnections(), DRAIN_TIMEOUT_MS).unref();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) void reply.header("connection", "close");
  });
}

/** Fastify asks for a compiler anew with every route, though the registered schemas are the same. */
function oncePerSchemas<Built>(build: (registered: Record<string, AnySchema>, options: object) => Built) {
  const built = new Map<string, Built>();
  return (registered: Record<string, AnySchema>, options: object) => {
    const names = Object.keys(registered).join();
    const found = built.get(names) ?? build(registered, options);
    built.set(names, found);
    return found;
  };
}

/** One validator for all; it knows every registered schema by its `$id`. */
function buildValidator(registered: Record<string, AnySchema>) {
  const ajv = createAjv();
  for (const schema of Object.values(registered)) ajv.addSchema(schema);
  return ({ schema, httpPart }: { schema: AnySchema; httpPart?: string }) => {
    const validator = later(() => ajv.compile(schema));
    if (httpPart === "querystring") return compileQuery(schema, validator);
    return (value: unknown) => {
      const validate = validator();
      return validate(value) ? true : { error: validate.errors };
    };
  };
}

/** The server's validators for a route, but with one of its own for the body. */
export function validatorsWith<Validate>(app: Pick<Server, "validatorCompiler">, body: Validate) {
  return ({ httpPart, schema }: { httpPart?: string | undefined; schema: unknown }) => {
    if (httpPart === "body") return body;
    const compiled = app.validatorCompiler?.({ httpPart, schema } as never);
    if (compiled === undefined) throw new Error("the server has no validator");
    return compiled;
  };
}

/** One serializer for all answers of one schema: nearly every answer can also be a problem. */
function buildSerializer(registered: Record<string, AnySchema>, options: object) {
  const compile = SerializerSelector()(registered, options);
  const made = new Map<string, () => ReturnType<typeof compile>>();
  return (route: Parameters<typeof compile>[0]) => {
    const text = JSON.stringify(route.schema);
    const serializer = made.get(text) ?? later(() => compile(route));
    made.set(text, serializer);
    return (answer: unknown) => serializer()(answer);
  };
}

/** Made when it is first asked for: to compile what validates and writes of every operation was a fifth of each start. */
function later<Made extends object>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Compressed bodies and other character sets are nothing we read; to guess would be to misread. */
export function requireReadable({ headers }: FastifyRequest): void {
  const encoding = headers["content-encoding"] ?? "identity";
  const charset = /charset="?([^\s;"]+)/i.exec(headers["content-type"] ?? "")?.[1] ?? "utf-8";
  if (encoding !== "identity" || !/^utf-?8$/i.test(charset)) {
    throw new AppError("unsupported_media_type", "Send the body uncompressed, in UTF-8.");
  }
}

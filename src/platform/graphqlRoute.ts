import { Type } from "@sinclair/typebox";
import type { FastifyBaseLogger, FastifyReply } from "fastify";
import type { ExecutionResult, GraphQLSchema } from "graphql";
import { GraphQLError, getOperationAST, Kind, OperationTypeNode, parse } from "graphql";
import mercurius from "mercurius";
import { callerOf, type Principal, principalOf } from "./auth.ts";
import { asAppError, isRetryable } from "./database.ts";
import { AppError, invalidRequest } from "./errors.ts";
import type { GraphqlContext } from "./graphql.ts";
import {
  BODY_BYTES_MAX,
  DOCUMENTS_MAX,
  limitShape,
  requireAffordable,
  requireWritten,
  TOKENS_MAX,
  withoutSuggestions,
} from "./graphqlLimits.ts";
import type { Server } from "./http.ts";
import { given } from "./json.ts";
import { POSITION_HEADER } from "./position.ts";
import { problems, toAppError } from "./problem.ts";
import { Nullable, Strict } from "./schema.ts";
import type { Tenancy, WorkspaceTx } from "./tenancy.ts";

const GraphqlRequest = Strict({
  query: Type.String({ minLength: 1, description: "The document" }),
  variables: Type.Optional(
    Nullable(Type.Record(Type.String(), Type.Unknown(), { description: "Values of its variables, by their names" })),
  ),
  operationName: Type.Optional(Nullable(Type.String({ description: "Which of its operations, where it has several" }))),
  extensions: Type.Optional(Nullable(Type.Record(Type.String(), Type.Unknown(), { description: "Is not looked at" }))),
});

/** A document that is not executed is answered as GraphQL answers: by `errors`, and without `data`. */
const NOT_EXECUTED = {
  description: "The document was not executed",
  content: { "application/json": { schema: Type.Object({}, { additionalProperties: true }) } },
};

/** `POST /graphql`: one operation a request, as JSON only, which no foreign web page can send. */
export async function registerGraphql(app: Server, tenancy: Tenancy, schema: GraphQLSchema): Promise<void> {
  await app.register(mercurius, {
    schema,
    routes: false,
    allowBatchedQueries: false,
    cache: DOCUMENTS_MAX,
    validationRules: [limitShape],
    graphql: { parseOptions: { maxTokens: TOKENS_MAX } },
    errorFormatter: ({ data, errors }, context) => ({
      statusCode: 200,
      response: { data: data ?? null, errors: errors.map((error) => toPublicError(error, contextOf(context))) },
    }),
  });

  app.graphql.addHook("preValidation", async (_schema, document) => requireWritten(document));
  app.graphql.addHook("preExecution", async (_schema, document, context, variables) =>
    requireAffordable(schema, document, contextOf(context), variables),
  );

  app.post(
    "/graphql",
    {
      config: { scope: "authenticated" },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        operationId: "graphql",
        summary: "Ask by GraphQL; the schema is at /schema.graphql",
        description:
          "Questions over responses, cases, people and accounts, scores with their intervals, trends, breakdowns and changes, and the commands on cases as mutations. Each field asks for the scope of what it shows. A document is limited in depth, aliases, tokens and cost before it is executed; where a field fails, the answer is 200 with `errors`, whose `extensions.code` is a code of the problems.",
        tags: ["GraphQL"],
        body: GraphqlRequest,
        response: {
          200: {
            description: "Data, and errors where a field failed",
            ...Type.Object({}, { additionalProperties: true }),
          },
          ...problems(413, 415),
          400: NOT_EXECUTED,
          403: NOT_EXECUTED,
        },
      },
    },
    async (request, reply) => {
      const { query, variables, operationName } = request.body;
      const principal = principalOf(request);
      const execute = async (tx: WorkspaceTx) => {
        const { context, rethrow } = createContext(tx, principal, request.log, operationName ?? undefined);
        const executed = await app
          .graphql(query, context as never, variables ?? {}, operationName ?? undefined)
          .catch((error) => refusal(error, principal));
        rethrow();
        return executed;
      };
      const caller = callerOf(request);
      const isWrite = isMutation(query, operationName);
      const result = isWrite
        ? await tenancy.inWorkspace(caller, async (tx) => allOrNothing(await execute(tx))).catch(undone)
        : await tenancy.readWorkspace(caller, execute);
      if (isWrite) void reply.header(POSITION_HEADER, tenancy.position());
      // Without data nothing was executed: the document itself is at fault.
      if (result.data === undefined) return (reply as FastifyReply).code(statusOf(result)).send(result);
      return reply.send(result);
    },
  );
}

/** Of one request: beyond, a chain of cases and their answers would go on as long as memory lasts. */
const CASES_ANSWERS_MAX = 20_000;

/** What resolvers get, and which of the document's operations is asked for. */
interface RequestContext extends GraphqlContext {
  operationName: string | undefined;
}

/** What we gave to mercurius comes back from it typed as its own. */
function contextOf(context: unknown): RequestContext {
  return context as RequestContext;
}

/** The result of mutations that are not to be kept. */
class Undone extends Error {
  readonly result: ExecutionResult;

  constructor(result: ExecutionResult) {
    super("a mutation failed");
    this.result = result;
  }
}

/** Where anything fails, be it only a field of what a mutation answers, nothing is kept, and the answer has no data. */
function allOrNothing(result: ExecutionResult): ExecutionResult {
  if (result.data && result.errors === undefined) return result;
  throw new Undone({ ...result, ...(result.data ? { data: null } : {}) });
}

function undone(error: unknown): ExecutionResult {
  if (error instanceof Undone) return error.result;
  throw error;
}

/** A document that cannot be parsed is none: mercurius says what is wrong with it. */
function isMutation(query: string, operationName: string | null | undefined): boolean {
  if (!query.includes("mutation")) return false;
  try {
    return (
      getOperationAST(parse(query, { maxTokens: TOKENS_MAX }), operationName)?.operation === OperationTypeNode.MUTATION
    );
  } catch {
    return false;
  }
}

/**
 * What resolvers get. One statement runs after the other: a transaction has one connection, resolvers run
 * side by side. GraphQL catches what a field throws, but where somebody else was quicker the transaction
 * must run again as a whole, so that failure is kept and thrown after the execution.
 */
function createContext(
  tx: WorkspaceTx,
  principal: Principal,
  log: FastifyBaseLogger,
  operationName: string | undefined,
) {
  let last: Promise<unknown> = Promise.resolve();
  let contended: unknown;
  const inTurn = <T>(work: (tx: WorkspaceTx) => Promise<T>): Promise<T> => {
    const next = last.then(() => work(tx));
    last = next.catch(() => undefined);
    return next;
  };
  const noting = <T>(work: (tx: WorkspaceTx) => Promise<T>): Promise<T> =>
    inTurn(async () => {
      try {
        return await work(tx);
      } catch (error) {
        if (isRetryable(error)) contended ??= error;
        throw error;
      }
    });
  const context: RequestContext = {
    principal,
    operationName,
    log,
    generation: {},
    casesAnswersLeft: CASES_ANSWERS_MAX,
    // On a replica what is replayed may be in the way of what is read.
    read: (work) => noting(work),
    write: (work) =>
      noting(work).finally(() => {
        context.generation = {};
      }),
  };
  const rethrow = () => {
    if (contended !== undefined) throw contended;
  };
  return { context, rethrow };
}

/** A document that mercurius would not execute: its errors, as a result without data. */
function refusal(
  error: Error & { errors?: readonly GraphQLError[]; statusCode?: number },
  principal: Principal,
): ExecutionResult {
  if (error instanceof AppError) return { errors: [withExtensions(new GraphQLError(error.message), error)] };
  if (error.statusCode !== 400) throw error;
  const mistakes = error.errors ?? [new GraphQLError(error.message)];
  return { errors: mistakes.map((mistake) => describeMistake(mistake, principal)) };
}

function statusOf({ errors }: ExecutionResult): number {
  return errors?.[0]?.extensions["code"] === "forbidden" ? 403 : 400;
}

function describeMistake(mistake: GraphQLError, principal: Principal): GraphQLError {
  return withExtensions(mistake, new AppError("invalid_request", withoutSuggestions(mistake.message, principal)));
}

/** Our own errors with their code, the caller's mistakes as GraphQL words them, and nothing of what is inside. */
function toPublicError(error: GraphQLError, { log, principal }: RequestContext): GraphQLError {
  const { originalError } = error;
  if (originalError === undefined || originalError instanceof GraphQLError) return describeMistake(error, principal);
  const shown = asWritten(toAppError(asAppError(originalError)), error);
  if (shown.code === "internal" || shown.code === "unavailable") {
    // Not its path, which has the names that the caller gave to fields.
    const field = error.nodes?.find((node) => node.kind === Kind.FIELD)?.name.value;
    log.error({ err: shown.cause ?? originalError, field }, shown.code);
  }
  return withExtensions(error, shown);
}

/** Fields of the input are named as the caller wrote them, also by what knows them as the body of a REST call. */
function asWritten(shown: AppError, { nodes }: GraphQLError): AppError {
  const field = nodes?.find((node) => node.kind === Kind.FIELD);
  const written = new Set(field?.arguments?.map(({ name }) => name.value));
  if (shown.invalidParams === undefined || !written.has("input")) return shown;
  const invalidParams = shown.invalidParams.map(({ name, reason }) => {
    const isArgument = written.has(name.split(".", 1)[0] ?? "");
    return { name: isArgument ? name : `input.${name}`, reason };
  });
  // Its message names them too.
  if (shown.code === "invalid_request") return invalidRequest(invalidParams);
  const { code, message, existingId, allowedMoves, cause } = shown;
  return new AppError(code, message, { ...given({ existingId, allowedMoves }), invalidParams, cause });
}

function withExtensions({ nodes, source, positions, path }: GraphQLError, error: AppError) {
  const { message, code, invalidParams, existingId, allowedMoves } = error;
  const details = Object.entries({ invalidParams, existingId, allowedMoves }).filter(
    ([, value]) => value !== undefined,
  );
  const extensions = { code, ...Object.fromEntries(details) };
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
}

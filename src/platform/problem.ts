import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Type } from "@sinclair/typebox";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AppError, ERROR_STATUS, type ErrorCode, invalidRequest } from "./errors.ts";
import { OneOf, ref, Strict } from "./schema.ts";
import { isSlow } from "./slowBody.ts";
import { toInvalidParams } from "./validation.ts";

/** Every error answer (RFC 9457). `type` stays `about:blank`: what happened is told by `code`. */
export const ProblemSchema = Strict(
  {
    type: Type.String({ description: "Always `about:blank`; branch on `code`" }),
    title: Type.String({ description: "The phrase of the HTTP status" }),
    status: Type.Integer({ description: "The HTTP status" }),
    detail: Type.String({ description: "What went wrong here, and how to mend it" }),
    instance: Type.String({ description: "The path that was asked for" }),
    code: OneOf(Object.keys(ERROR_STATUS) as ErrorCode[], { description: "What happened, from a closed list" }),
    requestId: Type.String({ description: "Names this request in the server's log" }),
    invalidParams: Type.Optional(
      Type.Array(
        Strict({
          name: Type.String({ description: "The field or parameter, by its path: `person.email`" }),
          reason: Type.String({ description: "What is wrong with it, and how to mend it" }),
        }),
        { description: "The fields that are wrong" },
      ),
    ),
    existingId: Type.Optional(Type.String({ description: "With `conflict`: what is already there" })),
    allowedMoves: Type.Optional(
      Type.Array(Type.String(), {
        description:
          "With `invalid_transition`: what can be called instead, by the ends of the paths, `contact` for `/contacts`: contact, parking, resolution, verification, closure, reopening",
      }),
    ),
  },
  { $id: "Problem", description: "An error (RFC 9457)" },
);

/** The codes that have their status for themselves, by it: the others are named as what they are. */
const SOLE_CODES = {
  400: "invalid_request",
  404: "not_found",
  413: "payload_too_large",
  415: "unsupported_media_type",
  503: "unavailable",
} as const;

/**
 * What a route of ours answers when it fails, as `describing.ts` documents it: these codes, and those that follow
 * from what the route is (who may call it, which headers it takes).
 */
export function problems(...kinds: (keyof typeof SOLE_CODES | ErrorCode)[]) {
  const codes = kinds.map((kind) => (typeof kind === "number" ? SOLE_CODES[kind] : kind));
  const content = { "application/problem+json": { schema: ref(ProblemSchema) } };
  return Object.fromEntries(
    [...Map.groupBy(codes, (code) => ERROR_STATUS[code])].map(([status, ofStatus]) => [
      status,
      { description: STATUS_CODES[status] ?? "", content, codes: ofStatus },
    ]),
  );
}

export const PROBLEM_CONTENT_TYPE = "application/problem+json; charset=utf-8";

const EXTRA_HEADERS: Partial<Record<ErrorCode, Record<string, string>>> = {
  unavailable: { "retry-after": "1" },
  unauthenticated: { "www-authenticate": "Bearer" },
  idempotency_in_progress: { "retry-after": "1" },
};

/** Fastify's own failures in our words. Anything else of its 4xx is an invalid request. */
const FRAMEWORK_ERRORS: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["unsupported_media_type", "Send the body as application/json."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["invalid_request", "The body's size is not what Content-Length says."],
  FST_ERR_BAD_URL: ["invalid_request", "The path is not a valid URL."],
  FST_ERR_MAX_PARAM_LENGTH: ["not_found", "There is nothing at this path."],
};

/** Any thrown thing as the error to show. What is not meant for the caller becomes `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { code, statusCode, validation } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const invalidParams = toInvalidParams(validation as Parameters<typeof toInvalidParams>[0]);
    return invalidRequest(invalidParams);
  }
  const known = FRAMEWORK_ERRORS[code ?? ""];
  if (known !== undefined) return new AppError(...known);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError("invalid_request", "The request cannot be read.", { cause: error });
  }
  return new AppError("internal", "Something went wrong here. It was logged under the request id.", { cause: error });
}

/** The error as the body of its answer. @param request its path without the query, and its id */
export function toProblem(error: AppError, request: { path: string; id: string }) {
  const status = ERROR_STATUS[error.code];
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: error.message,
    instance: request.path,
    code: error.code,
    requestId: request.id,
    ...(error.invalidParams === undefined ? {} : { invalidParams: error.invalidParams }),
    ...(error.existingId === undefined ? {} : { existingId: error.existingId }),
    ...(error.allowedMoves === undefined ? {} : { allowedMoves: error.allowedMoves }),
  };
}

function bodyTooLarge(bytesMax: number): AppError {
  return new AppError("payload_too_large", `The body is larger than ${bytesMax / 1024} kB: send less in one call.`);
}

/** Answers with the problem, and logs once what is our fault. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isTooLarge = (thrown as Partial<FastifyError>).code === "FST_ERR_CTP_BODY_TOO_LARGE";
  const error = isTooLarge ? bodyTooLarge(request.routeOptions.bodyLimit) : toAppError(thrown);
  if (error.code === "internal" || error.code === "unavailable") {
    request.log.error({ err: error.cause ?? thrown }, error.code);
  }
  const path = request.url.split("?", 1)[0] ?? "/";
  return reply
    .code(ERROR_STATUS[error.code])
    .headers({ "content-type": PROBLEM_CONTENT_TYPE, ...EXTRA_HEADERS[error.code] })
    .serializer(JSON.stringify)
    .send(toProblem(error, { path, id: request.id }));
}

/** Whatever is thrown, and a path that is none, is answered by a problem. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler(async (error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler(async (request, reply) =>
    sendProblem(new AppError("not_found", "There is nothing at this path, or not with this method."), request, reply),
  );
}

/** What could not even be parsed as HTTP is told so on the bare socket. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return;
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && isSlow(socket)) return;
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const status = tooLarge ? 431 : 400;
  const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const detail = tooLarge
    ? "The headers are too large."
    : isLate
      ? "The request did not come in within the time that it has. Send it again, faster or in smaller parts."
      : "This is not a valid HTTP request.";
  const problem = { ...toProblem(new AppError("invalid_request", detail), { path: "/", id: "" }), status };
  const body = JSON.stringify({ ...problem, title: STATUS_CODES[status] });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

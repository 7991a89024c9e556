import { Type } from "@sinclair/typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { callerOf } from "./auth.ts";
import { AppError, ERROR_STATUS } from "./errors.ts";
import { answerOnce, type GivenAnswer, type KeyedAnswer, type KeyedRequest } from "./idempotency.ts";
import { PreconditionError } from "./precondition.ts";
import { PROBLEM_CONTENT_TYPE, toProblem } from "./problem.ts";
import type { Tenancy, WorkspaceTx } from "./tenancy.ts";

/** The header of every POST that adds something. */
export const IdempotencyHeader = {
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      format: "printable",
      description: "Names this attempt: the same key and body again give the first answer again, for 72 hours",
    }),
  ),
};
export const IdempotencyHeaders = Type.Object(IdempotencyHeader);

/**
 * Answers a POST that adds something, by `Idempotency-Key` where the caller sent one. `work` gives the
 * status and the resource, or the verb's own refusal, given or thrown, which is kept like a success.
 */
export async function answerCreation(
  request: FastifyRequest,
  reply: FastifyReply,
  tenancy: Tenancy,
  work: (tx: WorkspaceTx) => Promise<Creation | Start>,
): Promise<FastifyReply> {
  const keyed = keyOf(request);
  const answer = await tenancy.inWorkspace(callerOf(request), async (tx) => {
    const run = async () => toKeyedAnswer(await work(tx), request);
    if (keyed === undefined) return { ...(await run()), isReplay: false };
    return answerOnce(tx, keyed, () =>
      // What a refused verb had written is undone; that it was refused is kept.
      tx.attempt(run).catch((error: unknown) => {
        if (error instanceof AppError) return toKeyedAnswer({ error }, request);
        throw error;
      }),
    );
  });
  return sendAnswer(reply, answer);
}

/** The attempt that the caller named; undefined where they named none. */
export function keyOf(request: FastifyRequest): KeyedRequest | undefined {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return undefined;
  return { route: `${request.method} ${request.routeOptions.url}`, key, body: whatIsAsked(request) };
}

export function sendAnswer(reply: FastifyReply, answer: GivenAnswer): FastifyReply {
  const isProblem = answer.status >= 400;
  return reply
    .code(answer.status)
    .headers({
      "content-type": isProblem ? PROBLEM_CONTENT_TYPE : "application/json; charset=utf-8",
      ...(answer.isReplay ? { "idempotent-replayed": "true" } : {}),
    })
    .serializer(String)
    .send(answer.text);
}

export type Creation = { status: 200 | 201; resource: object; personIds: string[] } | { error: AppError };
/** What goes on in the background. */
export type Start = { status: 202; resource: object; personIds: string[] };

/** The body, and where the path says what it is about, that too: the same note on another case is another. */
function whatIsAsked({ params, body }: FastifyRequest): unknown {
  return Object.keys(params as object).length === 0 ? body : { params, body };
}

/** @throws {AppError} a refusal that the caller can mend: it is not kept */
export function toKeyedAnswer(creation: Creation | Start, request: FastifyRequest): KeyedAnswer {
  if (!("error" in creation)) {
    return { status: creation.status, text: JSON.stringify(creation.resource), personIds: creation.personIds };
  }
  const { error } = creation;
  const status = ERROR_STATUS[error.code];
  if (error instanceof PreconditionError) throw error;
  // Kept is what a later identical request must also be told; what it must mend is thrown, and forgotten.
  if (status !== 409 && status !== 422) throw error;
  const path = request.url.split("?", 1)[0] ?? "/";
  return { status, text: JSON.stringify(toProblem(error, { path, id: request.id })), personIds: [] };
}

import { Type } from "@sinclair/typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { callerOf } from "./auth.ts";
import { AppError, ERROR_STATUS } from "./errors.ts";
import { answerOnce, type KeyedAnswer } from "./idempotency.ts";
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
  work: (tx: WorkspaceTx) => Promise<Creation>,
): Promise<FastifyReply> {
  const key = request.headers["idempotency-key"];
  const route = `${request.method} ${request.routeOptions.url}`;
  const caller = callerOf(request);
  const answer = await tenancy.inWorkspace(caller, async (tx) => {
    const run = async () => toAnswer(await work(tx), request);
    if (typeof key !== "string") return { ...(await run()), isReplay: false };
    return answerOnce(tx, { route, key, body: whatIsAsked(request) }, () =>
      // What a refused verb had written is undone; that it was refused is kept.
      tx.attempt(run).catch((error: unknown) => {
        if (error instanceof AppError) return toAnswer({ error }, request);
        throw error;
      }),
    );
  });
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

/** The body, and where the path says what it is about, that too: the same note on another case is another. */
function whatIsAsked({ params, body }: FastifyRequest): unknown {
  return Object.keys(params as object).length === 0 ? body : { params, body };
}

function toAnswer(creation: Creation, request: FastifyRequest): KeyedAnswer {
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

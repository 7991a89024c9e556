import type { FastifyRequest } from "fastify";
import { invalidRequest } from "./errors.ts";

/**
 * Of a POST that keeps no answers: a key passed over in silence would promise a repetition that changes nothing.
 * @param why it keeps none, for people to read
 * @throws {AppError} `invalid_request` where the request brings an `Idempotency-Key`
 */
export function refuseIdempotencyKey(
  { headers }: FastifyRequest,
  why = "the answer shows a secret, which is not kept",
): void {
  if (headers["idempotency-key"] === undefined) return;
  throw invalidRequest([{ name: "idempotency-key", reason: `is not taken here: ${why}; leave it out` }]);
}

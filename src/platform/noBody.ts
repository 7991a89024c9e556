import type { FastifyRequest } from "fastify";
import { Strict } from "./schema.ts";

/** The body of a command that says all in its path. */
export const NoFields = Strict({});

/** As `preValidation` of such a command: it needs no body, and takes an empty one. */
export async function allowNoBody(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {};
}

import type { FastifyInstance } from "fastify";
import type { PoolClient } from "pg";
import { ABORTED } from "./database.ts";
import { invalidRequest } from "./errors.ts";
import type { Tenancy } from "./tenancy.ts";

/** The header by which a read sees at least what an earlier write has made. */
export const POSITION_HEADER = "afterscore-position";

/** A place in the write-ahead log, as PostgreSQL writes one: two hexadecimal halves. */
const POSITION = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

declare module "fastify" {
  interface FastifyRequest {
    /**
     * For a read: after which position it must see everything; null where any will do. Undefined for what changes
     * something, which looks at nothing but the primary.
     */
    readsAfter: string | null | undefined;
  }
}

/**
 * Writes answer `Afterscore-Position`: at or behind the commit of all they did. A read that sends it sees at least that.
 * The position is that of the process, so it may lie further than the caller's own write, and never short of it.
 */
export function registerPosition(app: FastifyInstance, tenancy: Pick<Tenancy, "position">): void {
  app.decorateRequest("readsAfter", undefined);

  app.addHook("onRequest", async (request) => {
    const sent = request.headers[POSITION_HEADER];
    if (sent !== undefined && !POSITION.test(String(sent))) {
      throw invalidRequest([{ name: "Afterscore-Position", reason: "must be as a write answered it, like 0/16B3748" }]);
    }
    if (isRead(request.method, request.routeOptions.url)) request.readsAfter = sent === undefined ? null : String(sent);
  });

  app.addHook("onSend", async (request, reply) => {
    // A mutation is told where it is executed: here it looks like a query.
    if (reply.statusCode >= 300 || isRead(request.method, request.routeOptions.url)) return;
    const position = tenancy.position();
    if (position !== undefined) void reply.header(POSITION_HEADER, position);
  });
}

const SENT = {
  name: "Afterscore-Position",
  in: "header",
  required: false,
  description: "As a write answered it: what is read holds at least that write. Without it a replica may lag behind.",
  schema: { type: "string", pattern: POSITION.source },
};
const ANSWERED = {
  description: "At or behind all that this call did: a read that sends it sees that.",
  schema: { type: "string", pattern: POSITION.source },
};

/** What of an OpenAPI document it takes to name the header. */
interface Described {
  paths?: Record<
    string,
    Record<string, { security?: unknown[]; parameters?: unknown[]; responses?: Record<string, { headers?: object }> }>
  >;
}

/** Names the header in the document: where what is read may lag, and where something is written. */
export function describePosition<Document extends object>(document: Document): Document {
  for (const [path, operations] of Object.entries((document as Described).paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      // Of those without a credential nobody reads what they wrote.
      if (operation.security?.length === 0) continue;
      const isReading = isRead(method.toUpperCase(), path);
      if (isReading) operation.parameters = [...(operation.parameters ?? []), SENT];
      // A mutation is a read by its path, and answers it.
      if (isReading && path !== "/graphql") continue;
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        if (status < "300") response.headers = { ...response.headers, "Afterscore-Position": ANSWERED };
      }
    }
  }
  return document;
}

function isRead(method: string, route: string | undefined): boolean {
  return method === "GET" || method === "HEAD" || route === "/graphql";
}

/** @returns the one that lies further, for transactions may end in another order than we hear of it */
export function laterOf(position: string | undefined, other: string): string {
  return position !== undefined && placeOf(position) > placeOf(other) ? position : other;
}

function placeOf(position: string): bigint {
  const [, high = "0", low = "0"] = POSITION.exec(position) ?? [];
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Ends a transaction. @returns how far the log was written down when it had ended, asked in the same round trip */
export async function commitAndLocate(client: PoolClient): Promise<string> {
  const results = (await client.query("commit; select pg_current_wal_flush_lsn() as position")) as unknown as {
    command: string;
    rows: { position: string }[];
  }[];
  // PostgreSQL takes COMMIT for what has failed as well, and undoes it: as it says to all other statements after a failure.
  if (results[0]?.command !== "COMMIT") {
    throw Object.assign(new Error("the transaction had failed, and was undone at its end"), { code: ABORTED });
  }
  return results[1]?.rows[0]?.position ?? "0/0";
}

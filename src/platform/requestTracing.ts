import type { Span } from "@opentelemetry/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { currentTracing, markFailed } from "./tracing.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Of the request; undefined where nothing is traced. */
    span: Span | undefined;
  }
}

/** Asked every few seconds, by nobody who would look for it. */
const UNTRACED = new Set(["/livez", "/readyz"]);

/**
 * A span for each request, in the trace that its caller names, and `trace_id` in its log lines. It is named by the route's
 * template, and has what the log has: neither path nor query string, nor who sent it.
 */
export function registerRequestTracing(app: FastifyInstance): void {
  app.decorateRequest("span", undefined);
  const tracing = currentTracing();
  if (tracing === undefined) return;

  app.addHook("onRequest", (request, reply, done) => {
    const { method, headers, id } = request;
    const route = request.routeOptions.url;
    if (UNTRACED.has(route ?? "")) return done();
    const attributes = {
      "http.request.method": method,
      // What a proxy says of it is whatever its caller said.
      "url.scheme": request.protocol === "https" ? "https" : "http",
      ...(route === undefined ? {} : { "http.route": route }),
      "afterscore.request.id": id,
    };
    const name = route === undefined ? method : `${method} ${route}`;
    const { traceparent } = headers;
    const parent = typeof traceparent === "string" ? traceparent : undefined;
    const span = tracing.begin({ name, kind: "SERVER", attributes }, parent);
    request.span = span;
    request.log = request.log.child({ trace_id: span.spanContext().traceId });
    reply.log = request.log;
    // After the last byte, or when the caller has gone.
    reply.raw.once("close", () => end(span, request, reply));
    tracing.within(span, done);
  });
  // The body came in by events of the socket, which is in no request's trace.
  app.addHook("preValidation", (request, _reply, done) => {
    if (request.span === undefined) done();
    else tracing.within(request.span, done);
  });
}

function end(span: Span, request: FastifyRequest, { raw }: FastifyReply): void {
  if (request.principal !== null) span.setAttribute("afterscore.workspace.id", request.principal.workspaceId);
  if (raw.headersSent) span.setAttribute("http.response.status_code", raw.statusCode);
  if (raw.headersSent && raw.statusCode >= 500) markFailed(span, String(raw.statusCode));
  else if (!raw.writableFinished) span.setAttribute("error.type", "aborted");
  span.end();
}

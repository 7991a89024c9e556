import type { Span } from "@opentelemetry/api";
import type { Environment } from "./config.ts";
import type { Logger } from "./logger.ts";

/**
 * Facts of a span: ids of ours, templates, statuses and counts. Nothing that anybody wrote ever gets here, and no URL,
 * address, statement or message of an error, which may quote it.
 */
export type SpanAttributes = Record<string, string | number>;

export interface SpanStart {
  /** One of few: what callers choose must not make names. */
  name: string;
  kind: "SERVER" | "CLIENT" | "CONSUMER";
  attributes?: SpanAttributes;
}

/** What there is while spans are sent. */
export interface Tracing {
  /** @param parent a span of ours, or the W3C `traceparent` of a caller; without it a trace begins, as it does with one that is none */
  begin(start: SpanStart, parent: Span | string | undefined): Span;
  /** Runs `work`, and what that calls, inside of it. */
  within<T>(span: Span, work: () => T): T;
  /** Runs `work` in a span of its own, which ends with it and says of what kind its failure was. */
  run<T>(start: SpanStart, parent: Span | undefined, work: (span: Span) => Promise<T>): Promise<T>;
  /** The span that this is called in. */
  active(): Span | undefined;
  /** Sends what has ended, for a second at the most. */
  stop(): Promise<void>;
}

let tracing: Tracing | undefined;

/**
 * From here on spans are sent by OTLP, where OTEL_EXPORTER_OTLP_ENDPOINT is set. Otherwise not one module of
 * OpenTelemetry is loaded, and what is traced merely runs.
 * @returns what ends it
 */
export async function startTracing(environment: Environment, logger: Logger): Promise<() => Promise<void>> {
  if (environment.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return async () => undefined;
  const { createTracing } = await import("./openTelemetry.ts");
  const started = createTracing(environment, logger);
  tracing = started;
  return () => started.stop();
}

/** What there is to trace with, if anything. */
export function currentTracing(): Tracing | undefined {
  return tracing;
}

/** Runs what begins by itself in a trace of its own. */
export function traced<T>(start: SpanStart, work: (span?: Span) => Promise<T>): Promise<T> {
  return tracing === undefined ? work() : tracing.run(start, undefined, work);
}

/** Runs a part of what is traced in a span below it; by itself it makes none. @param parent where that is told */
export function tracedInside<T>(start: SpanStart, parent: Span | undefined, work: () => Promise<T>): Promise<T> {
  const above = parent ?? tracing?.active();
  return tracing === undefined || above === undefined ? work() : tracing.run(start, above, work);
}

/** The fields by which a log line is found from a trace; none outside of one. */
export function traceFields(): { trace_id?: string } {
  const span = tracing?.active();
  return span === undefined ? {} : { trace_id: span.spanContext().traceId };
}

/** Names what a request waited for where that is in the trace of another: the span that this is called in. */
export function linkToActive(span: Span | undefined): void {
  const active = tracing?.active()?.spanContext();
  if (span !== undefined && active !== undefined && active.traceId !== span.spanContext().traceId) {
    span.addLink({ context: active });
  }
}

/** @param type a word of ours, a code or a class; never a message */
export function markFailed(span: Span | undefined, type: string): void {
  // SpanStatusCode.ERROR: to import its name would load its module.
  span?.setAttribute("error.type", type).setStatus({ code: 2 });
}

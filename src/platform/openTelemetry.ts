import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT_CONTEXT, type Span, SpanKind, trace } from "@opentelemetry/api";
import { parseTraceParent, setGlobalErrorHandler } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Environment } from "./config.ts";
import { AppError, ERROR_STATUS } from "./errors.ts";
import { newId } from "./ids.ts";
import { type Logger, serializers } from "./logger.ts";
import { markFailed, type SpanStart, type Tracing } from "./tracing.ts";

/** What a collector has not taken by then is lost: the process has to end. */
const FLUSH_TIMEOUT_MS = 1_000;
const WARN_INTERVAL_MS = 60_000;

/**
 * The SDK of OpenTelemetry, with spans that we begin ourselves at a few places: what instruments modules by itself would
 * have to be loaded before all others, and records statements, URLs and addresses. Where to send, with which headers,
 * certificates and time-out, the exporter reads from its own variables. Nothing is registered for the whole process.
 */
export function createTracing(environment: Environment, logger: Logger): Tracing {
  warnRarely(logger);
  const provider = new TracerProvider({
    resource: resourceOf(environment),
    sampler: samplerOf(environment),
    // Ended spans wait in memory, 2,048 at the most; beyond that they are dropped, and hold up nobody.
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer("afterscore");
  const storage = new AsyncLocalStorage<Span>();

  const begin = ({ name, kind, attributes = {} }: SpanStart, parent: Span | string | undefined): Span =>
    tracer.startSpan(name, { kind: SpanKind[kind], attributes }, contextOf(parent));

  return {
    begin,
    within: (span, work) => storage.run(span, work),
    run: async (start, parent, work) => {
      const span = begin(start, parent);
      try {
        return await storage.run(span, () => work(span));
      } catch (error) {
        describeFailure(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    active: () => storage.getStore(),
    stop: async () => {
      const flushed = provider.shutdown().catch((error: unknown) => logger.warn({ err: error }, UNSENT));
      await Promise.race([flushed, sleep(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

function contextOf(parent: Span | string | undefined) {
  if (parent === undefined) return ROOT_CONTEXT;
  if (typeof parent !== "string") return trace.setSpan(ROOT_CONTEXT, parent);
  // Without `tracestate` and baggage, in which a caller may write anything.
  const caller = parseTraceParent(parent);
  return caller === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...caller, isRemote: true });
}

/** What a caller has to mend is a result, and no failure of ours. */
function describeFailure(span: Span, error: unknown): void {
  if (error instanceof AppError && ERROR_STATUS[error.code] < 500) {
    span.setAttribute("error.type", error.code);
    return;
  }
  const { code, type } = serializers.err(error);
  markFailed(span, String(code ?? type));
}

function resourceOf({ OTEL_SERVICE_NAME }: Environment) {
  return defaultResource()
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }))
    .merge(resourceFromAttributes({ "service.name": OTEL_SERVICE_NAME, "service.instance.id": newId() }));
}

function samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio }: Environment): Sampler {
  const root = name.endsWith("always_off")
    ? new AlwaysOffSampler()
    : name.endsWith("traceidratio")
      ? new TraceIdRatioBasedSampler(ratio)
      : new AlwaysOnSampler();
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

const UNSENT = "traces cannot be sent";

/** A collector that is away is worth a line a minute, and nothing else. */
function warnRarely(logger: Logger): void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  setGlobalErrorHandler((error) => {
    if (performance.now() - warnedAt < WARN_INTERVAL_MS) return;
    warnedAt = performance.now();
    logger.warn({ err: error }, UNSENT);
  });
}

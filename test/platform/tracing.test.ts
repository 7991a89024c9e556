import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { readEnvironment } from "../../src/platform/config.ts";
import { createPool } from "../../src/platform/database.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { createTracing } from "../../src/platform/openTelemetry.ts";
import { createTenancy } from "../../src/platform/tenancy.ts";
import { createWorkspace } from "../../src/workspaces/index.ts";
import { listening, type Program, startProgram } from "../support/program.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { cloneDatabase } from "../support/server.ts";

/** As OTLP writes one in JSON. */
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
}

const SERVER = 2;
const CLIENT = 3;
const CONSUMER = 5;
const ERROR = 2;

function spansOf({ received }: Receiver): Span[] {
  return received.flatMap(({ body }) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    ),
  );
}

function attributesOf({ attributes }: Pick<Span, "attributes">) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}

/** Names each module of OpenTelemetry, and ours that loads them, as it is loaded. */
const WATCH_LOADING = `import{registerHooks}from'node:module';registerHooks({load(url,context,next){
  if(/opentelemetry/i.test(url))console.log('loaded '+url);return next(url,context)}})`.replaceAll(/\s+/g, " ");

async function start(t: Test, env: Record<string, string>) {
  const program = startProgram(["serve"], {
    env: {
      DATABASE_URL: database.url,
      PORT: "0",
      SECRETS_KEY: randomBytes(32).toString("base64"),
      OUTBOUND_ALLOWED_NETWORKS: "127.0.0.1/32",
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WATCH_LOADING)}`,
      ...env,
    },
  });
  t.teardown(() => program.child.kill("SIGKILL"));
  return { program, url: await listening(program) };
}

/** @returns for how long it took to stop, in milliseconds */
async function stop(t: Test, { child, exit, output }: Program): Promise<number> {
  const startedAt = performance.now();
  child.kill("SIGTERM");
  t.equal(await exit, 0, output().slice(-2_000));
  return performance.now() - startedAt;
}

const database = await cloneDatabase();
t.teardown(database.drop);
const pool = createPool({ connectionString: database.url, max: 1, logger: createLogger("silent") });
const { apiKey } = await createWorkspace(createTenancy(pool), { name: "traced", timeZone: "UTC" });
await pool.end();

const asking =
  (url: string) =>
  (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

t.test("what a process does is sent as spans, in the traces of its callers", async (t) => {
  const collector = await startReceiver(t, (response) => response.writeHead(200).end("{}"));
  const endpoint = await startReceiver(t, (response) => response.writeHead(500).end());
  const { program, url } = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=nps",
    OTEL_SERVICE_NAME: "nps of the test",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
  const ask = asking(url);
  const hook = await ask("/v1/webhook-endpoints", { url: endpoint.url, eventTypes: ["response.recorded"] });
  t.equal(hook.status, 201);

  const callers = Array.from({ length: 16 }, () => ({
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
  }));
  const answers = await Promise.all(
    callers.map(({ traceId, spanId }, n) =>
      ask(
        "/v1/responses",
        { score: n % 11 },
        { traceparent: `00-${traceId}-${spanId}-01`, tracestate: "vendor=anything" },
      ),
    ),
  );
  t.same(
    answers.map(({ status }) => status),
    callers.map(() => 201),
  );
  const { id } = (await Promise.all(answers.map((answer) => answer.json())))[0] as { id: string };
  const unsampled = "0af7651916cd43dd8448eb211c80319c";
  await ask(`/v1/responses/${id}`);
  await ask(`/v1/responses/${id}`, undefined, { traceparent: `00-${unsampled}-b7ad6b7169203331-00` });
  await ask("/v1/responses", { score: 11 }, { traceparent: "none that anybody could read" });
  await ask("/graphql", { query: "{ nps { nps } }" });
  await ask("/v1/nowhere?email=ana@example.com");
  await ask("/livez");
  await ask("/v1/imports", undefined);
  const imported = await fetch(`${url}/v1/imports`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/x-ndjson" },
    body: `${JSON.stringify({ score: 9 })}\n`,
  });
  t.equal(imported.status, 202);
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (/"job":"imports".*"job done"/.test(program.output()) && endpoint.received.length > 0) break;
    await sleep(50);
  }
  // What has just been received is still to be answered, and that to be written down.
  await sleep(1_000);
  t.ok((await stop(t, program)) < 5_000);

  const spans = spansOf(collector);
  const of = (name: string) => spans.filter((span) => span.name === name);
  const within = (parent: Span | undefined) => spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId);

  t.equal(collector.received[0]?.headers["x-tenant"], "nps");
  const resource = attributesOf(JSON.parse(collector.received[0]?.body ?? "").resourceSpans[0].resource);
  t.match(resource, { "service.name": "nps of the test", "deployment.environment.name": "test" });

  const posts = of("POST /v1/responses");
  const recordings = callers.map(({ traceId }) => posts.find((span) => span.traceId === traceId));
  for (const [index, recording] of recordings.entries()) {
    t.match(recording, { kind: SERVER, parentSpanId: callers[index]?.spanId, name: "POST /v1/responses", status: {} });
    t.match(recording && attributesOf(recording), {
      "http.request.method": "POST",
      "http.route": "/v1/responses",
      "http.response.status_code": 201,
      "afterscore.workspace.id": /^[0-9a-f-]{36}$/,
    });
    // A transaction is below the first answer it records, and the others name it.
    const [own] = within(recording);
    const [linked] = recording?.links ?? [];
    t.ok((own === undefined) !== (linked === undefined), "one of both");
    const transaction = own ?? spans.find(({ spanId }) => spanId === linked?.spanId);
    t.match(transaction, { name: "transaction", kind: CLIENT });
    t.ok(recordings.some((other) => other?.spanId === transaction?.parentSpanId));
  }
  t.ok(recordings.some((recording) => within(recording).length > 0));
  t.ok(recordings.some((recording) => recording?.links !== undefined && recording.links.length > 0));

  const refused = posts.find((span) => attributesOf(span)["http.response.status_code"] === 400);
  t.equal(refused?.parentSpanId, undefined, "what is no traceparent begins a trace");
  t.notSame(refused?.status.code, ERROR, "what the caller has to mend is no failure");
  t.equal(of("GET /v1/responses/:id").length, 1, "the other is not wanted by its caller");
  t.match(
    within(of("GET /v1/responses/:id")[0]).map(({ name }) => name),
    ["read transaction"],
  );
  t.match(
    within(of("POST /graphql")[0]).map(({ name }) => name),
    ["read transaction"],
  );
  t.equal(of("GET").length, 1, "at no route");
  t.same(
    spans
      .filter((span) => span.parentSpanId === undefined && span.kind !== SERVER)
      .map(({ name }) => name)
      .filter((name) => !/^(job|deliver) /.test(name)),
    [],
    "nothing that is looked for again and again",
  );
  t.same(of("GET /livez"), []);

  const [job] = of("job imports");
  t.match(job, { kind: CONSUMER, status: {} });
  t.ok(within(job).some(({ name }) => name === "transaction"));
  const deliveries = of("deliver webhook");
  // An endpoint that fails is sent to less often: how many there are is a matter of time.
  t.ok(deliveries.length > 0);
  t.match(deliveries[0], { kind: CLIENT, status: { code: ERROR } });
  t.match(deliveries[0] && attributesOf(deliveries[0]), {
    "http.response.status_code": 500,
    "error.type": "500",
    "afterscore.event.type": "response.recorded",
    "afterscore.delivery.outcome": "PENDING",
  });
  t.notOk(
    endpoint.received.some(({ headers }) => "traceparent" in headers),
    "a stranger is told nothing of it",
  );
  t.notMatch(collector.received.map(({ body }) => body).join("\n"), /ana@|nowhere|vendor|127\.0\.0\.1|select |"score/);

  const lines = program
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  const logged = new Set(lines.filter(({ msg }) => msg === "request").map((line) => line.trace_id));
  for (const { traceId } of callers) t.ok(logged.has(traceId), "its log line is found by it");
  t.ok(logged.has(unsampled), "also where no span is kept");
  t.ok(lines.some((line) => line.msg === "job done" && line.trace_id === job?.traceId));
  t.match(program.output(), /loaded .*@opentelemetry\/sdk-trace/);
});

t.test("whose traces are kept", (t) => {
  const traceparent = (flag: string) => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flag}`;
  for (const [name, ratio, alone, wanted, unwanted] of [
    ["always_on", "0", 100, 100, 100],
    ["always_off", "1", 0, 0, 0],
    // By the id alone, whatever its caller wants.
    ["traceidratio", "0.5", [25, 75], 0, 0],
    ["parentbased_always_on", "0", 100, 100, 0],
    ["parentbased_always_off", "1", 0, 100, 0],
    ["parentbased_traceidratio", "0.5", [25, 75], 100, 0],
  ] as const) {
    const environment = readEnvironment({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio });
    const tracing = createTracing(environment, createLogger("silent"));
    const kept = (parent?: string) =>
      Array.from({ length: 100 }, () => tracing.begin({ name: "one", kind: "SERVER" }, parent)).filter((span) =>
        span.isRecording(),
      ).length;
    const [from, to] = typeof alone === "number" ? [alone, alone] : alone;
    const count = kept();
    t.ok(count >= from && count <= to, `${name} keeps ${count} of 100`);
    t.same([kept(traceparent("01")), kept(traceparent("00"))], [wanted, unwanted], name);
  }
  t.end();
});

t.test("a collector that never answers slows and breaks nothing", async (t) => {
  const collector = await startReceiver(t, () => undefined);
  const { program, url } = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    RATE_LIMIT_ADDRESS_PER_SECOND: "0",
  });
  const ask = asking(url);
  // More than one lot of 512, so that one is under way while the process stops.
  for (let round = 0; round < 30; round += 1) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("/v1/nowhere")));
    t.ok(answers.every(({ status }) => status === 404));
  }
  t.ok(collector.received.length > 0, "it was sent something");
  const tookMs = await stop(t, program);
  t.ok(tookMs < 4_000, `it stopped after ${Math.round(tookMs)} ms`);
});

t.test("without a collector not one module of it is loaded, and nothing is traced", async (t) => {
  const { program, url } = await start(t, { OTEL_TRACES_SAMPLER: "always_on" });
  const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  t.equal((await asking(url)("/v1/responses", { score: 1 }, headers)).status, 201);
  await stop(t, program);
  t.match(program.output(), /"route":"\/v1\/responses"/);
  // What stands between metrics and traces, and does nothing, is there all the same: prom-client asks for it.
  t.notMatch(program.output(), /loaded (?!.*\/@opentelemetry\/api\/)|trace_id/);
});

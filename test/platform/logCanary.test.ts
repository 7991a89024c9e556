import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import t from "tap";
import { createPool } from "../../src/platform/database.ts";
import { newId } from "../../src/platform/ids.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { createTenancy, type Tenancy } from "../../src/platform/tenancy.ts";
import { createApiKey, createWorkspace } from "../../src/workspaces/index.ts";
import { type Call, callOf, isRead } from "../support/matrix/asking.ts";
import { fieldCallOf } from "../support/matrix/fieldCalls.ts";
import { FIELDS } from "../support/matrix/fields.ts";
import { OPERATIONS } from "../support/matrix/operations.ts";
import { answerOf, done, NDJSON, names } from "../support/matrix/things.ts";
import { listening, startProgram } from "../support/program.ts";
import { startReceiver } from "../support/receiver.ts";
import { cloneDatabase, rowsOf, withClient } from "../support/server.ts";
import type { Client } from "../support/service.ts";

/** A credential that is wrong is sent with each call. */
const UNLIMITED = { RATE_LIMIT_PER_SECOND: "0", RATE_LIMIT_ADDRESS_PER_SECOND: "0", AUTH_FAILURES_PER_MINUTE: "0" };

const NAME = "Canaria Verdigris";
const PHONE = "+49 30 4711 0815";
/** Like those of an identity provider. */
const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJlbWFpbCI6ImNhbmFyaWFAZXhhbXBsZS5jb20ifQ.Y2FuYXJpYQ";
const TRACE_HEADERS = {
  // Of a later version, which may say more than its ids.
  traceparent: `cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-${NAME}`,
  tracestate: "canaria=verdigris",
  baggage: "name=Canaria",
};
const BAD_BODIES: [string, string][] = [
  ["broken", `{"comment": "${NAME}`],
  ["with a field of that name", `{"${NAME}": "canaria@example.com"}`],
  [
    "of the wrong types",
    JSON.stringify({ score: NAME, comment: 1, email: NAME, phone: PHONE, person: NAME, name: [NAME] }),
  ],
  ["a list", JSON.stringify([NAME])],
  ["too big", JSON.stringify({ [NAME]: NAME.repeat(16_000) })],
];

/** What is sent holds a canary wherever somebody writes, or keeps a secret. */
const plant = (json: string, receiver: string) =>
  json
    .replaceAll(
      /"(comment|text|note|reason|resolution|label|title|name|description)":"[^"/]*[a-z][^"/]*"/g,
      `"$1":"${NAME}"`,
    )
    .replaceAll('"email":"ana-', `"phone":"${PHONE}","email":"canaria-`)
    .replaceAll('"secret":"secret-', '"secret":"canaria-')
    .replaceAll(/"assignee":"[^"]+"/g, '"assignee":"canaria@example.com"')
    .replaceAll("https://example.com/hook", `${receiver}canaria?token=verdigris`);

async function withTenancy<T>(connectionString: string, work: (tenancy: Tenancy) => Promise<T>): Promise<T> {
  const pool = createPool({ connectionString, max: 1, logger: createLogger("silent") });
  try {
    return await work(createTenancy(pool));
  } finally {
    await pool.end();
  }
}

t.test("nothing that anybody sends is in the log or in traces, whatever becomes of it", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const receiver = await startReceiver(t, (response) => response.writeHead(500).end(NAME));
  const settings = { DATABASE_URL: database.url, PORT: "0", SECRETS_KEY: randomBytes(32).toString("base64") };
  const { workspaceId, apiKey, revokedKey } = await withTenancy(database.url, async (tenancy) => {
    const made = await createWorkspace(tenancy, { name: NAME, timeZone: "UTC" });
    const { id } = made.workspace;
    return { workspaceId: id, apiKey: made.apiKey, revokedKey: await createApiKey(tenancy, id, "revoked") };
  });
  const wrongKey = `${apiKey.slice(0, -7)}${apiKey.at(-7) === "a" ? "b" : "a"}${apiKey.slice(-6)}`;
  const revoke = "update api_keys set revoked_at = now() where name = 'revoked'";
  await rowsOf({ databaseUrl: database.url, workspaceId }, revoke);

  const options = { LOG_LEVEL: "trace", OUTBOUND_ALLOWED_NETWORKS: "127.0.0.1/32", DELIVERY_RETRY_SECONDS: "0,1" };
  const collector = await startReceiver(t, (response) => response.writeHead(200).end("{}"));
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: "always_on" };
  const program = startProgram(["serve"], { env: { ...settings, ...options, ...tracing, ...UNLIMITED } });
  t.teardown(() => program.child.kill("SIGKILL"));
  const url = await listening(program);

  const secrets: string[] = [];
  const send = async ({ method, url: path, body, headers }: Call, key: string | null = apiKey) => {
    const token = headers?.["x-webhook-token"];
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        "user-agent": NAME,
        ...headers,
        ...(token === undefined ? {} : { "x-webhook-token": token.replace("secret-", "canaria-") }),
      },
      ...(body === undefined
        ? {}
        : { body: plant(typeof body === "string" ? body : JSON.stringify(body), receiver.url) }),
    });
    const text = await answer.text();
    secrets.push(...Array.from(text.matchAll(/"(?:secret|apiKey)":"([^"]+)"/g), ([, secret = ""]) => secret));
    return { status: answer.status, headers: {}, text };
  };
  const by =
    (method: string) =>
    async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const { text, ...answer } = await send({ method, url: path, body, headers });
      return { ...answer, body: text.startsWith("{") ? JSON.parse(text) : undefined };
    };
  const client = {
    workspaceId,
    apiKey,
    post: by("POST"),
    put: by("PUT"),
    patch: by("PATCH"),
    delete: by("DELETE"),
    get: by("GET"),
  } as unknown as Client;

  /** Operations and fields, each about things of its own. */
  const callsOf = async (isWanted: (name: string) => boolean): Promise<Call[]> => {
    const calls: Call[] = [];
    for (const [name, known] of Object.entries(OPERATIONS)) {
      if (isWanted(name)) calls.push(callOf(name, known, (await known.ids?.(client)) ?? {}));
    }
    for (const [place, { ids }] of Object.entries(FIELDS)) {
      if (isWanted(place)) calls.push(fieldCallOf(place, (await ids?.(client)) ?? {}));
    }
    return calls;
  };
  const isWrite = (name: string) => !isRead(name);
  const [reads, laterWrites] = [await callsOf(isRead), await callsOf(isWrite)];
  const statuses = new Map<number, number>();
  const count = async (call: Call, key?: string | null) => {
    const { status } = await send(call, key);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };

  // What succeeds, and what is refused: by its credential, its path, its query, its headers and its body.
  for (const call of [...(await callsOf(isWrite)), ...reads]) await count(call);
  for (const [name, known] of Object.entries(OPERATIONS)) {
    const call = callOf(name, known, new Proxy({}, { get: () => newId() }));
    const odd = callOf(name, known, new Proxy({}, { get: () => `${NAME} canaria@example.com ${PHONE}` }));
    for (const key of [null, revokedKey, wrongKey, TOKEN]) await count(call, key);
    await count(odd);
    await count({
      ...call,
      url: `${call.url}?email=canaria%40example.com&${encodeURIComponent(NAME)}=1&cursor=${TOKEN}`,
    });
    const headers = {
      cookie: NAME,
      referer: `https://canaria.example/${NAME}`,
      "idempotency-key": NAME,
      "if-match": NAME,
    };
    await count({
      ...call,
      headers: { ...headers, accept: NAME, "x-webhook-token": NAME, "x-forwarded-for": NAME, ...TRACE_HEADERS },
    });
    if (call.method === "GET" || call.method === "DELETE") continue;
    for (const [, body] of BAD_BODIES) await count({ ...call, body });
    await count({ ...call, body: NAME, headers: { "content-type": `text/canaria; boundary=${NAME}` } });
  }
  const ask = (query: string, variables: object = {}) =>
    count({ method: "POST", url: "/graphql", body: { query, variables } });
  await ask(`{ person(email: "canaria@example.com") { id } responses(filter: { search: "${NAME}" }) { totalCount } }`);
  await ask(`{ canaria: nps(filter: { surveyKeys: ["${NAME}"] }) { verdigris } }`);
  await ask(`{ response(id: "${NAME}") { id } person(email: ${NAME}) { id }`);
  await ask(
    "query ($id: ID!, $filter: ResponseFilter) { response(id: $id) { id } responses(filter: $filter) { totalCount } }",
    {
      id: NAME,
      filter: { from: NAME, surveyKeys: [NAME], canaria: NAME },
    },
  );
  const lines = [JSON.stringify(answerOf(names())), `{"score": "${NAME}"}`, `{"comment": "${NAME}`, NAME];
  await done(client.post("/v1/imports", lines.join("\n"), NDJSON));
  await done(
    client.post("/v1/imports?map.score=Canaria", `Canaria,Verdigris\n${NAME},1\n"${NAME}`, {
      "content-type": "text/csv",
    }),
  );
  await done(client.post("/v1/responses/batch", { responses: [answerOf(names()), { score: NAME }] }));
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end(`GET /${NAME} HTTP/1.1\r\nhost: ${NAME}\r\n${NAME}\r\n\r\n`);
  await once(socket.resume(), "close");

  // What fails inside: a write whose row the database quotes, then a read whose parameters the query builder quotes.
  const everyTable = (change: (table: string) => string) =>
    withClient(database.url, async (owner) => {
      const { rows } = await owner.query<{ name: string }>(`select relname::text as name from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
          and relname not in ('workspaces', 'api_keys', 'schema_migrations')`);
      // One by one, or the worker and we would wait for each other's.
      for (const { name } of rows) await owner.query(change(name));
    });
  await everyTable((table) => `alter table ${table} add constraint broken check (false) not valid`);
  for (const call of laterWrites) await count(call);
  await everyTable((table) => `revoke select on ${table} from afterscore_app`);
  for (const call of [...laterWrites, ...reads]) await count(call);
  await ask(`{ canaria: person(email: "canaria@example.com") { id } }`);

  program.child.kill("SIGTERM");
  t.equal(await program.exit, 0);
  const log = program.output();
  for (const status of [200, 201, 202, 204, 400, 401, 404, 413, 415, 500]) {
    t.ok(statuses.has(status), `some were ${status}: ${JSON.stringify([...statuses])}`);
  }
  t.ok(receiver.received.length > 0, "something was delivered, and refused");
  for (const path of new Set(
    Object.keys(OPERATIONS).map((name) => name.split(" ")[1]?.replaceAll(/\{(\w+)\}/g, ":$1")),
  )) {
    t.ok(log.includes(`"route":"${path}"`), `${path} was logged`);
  }
  for (const code of ["23514", "42501"]) t.ok(log.includes(`"code":"${code}"`), `failures with ${code} were logged`);
  t.ok(secrets.length > 4, `${secrets.length} secrets were shown`);
  const traces = [/canaria/i, /verdigris/i, /4711.?0815/, /eyJ[a-z0-9]{6}/i, /Y2FuYXJpY/i, /43616e61726961/i];
  const hidden = [apiKey, revokedKey, wrongKey, ...secrets].map((secret: string) => secret.slice(-20));
  const spans = collector.received.flatMap(({ body }) => body.replaceAll('{"traceId"', '\n{"traceId"').split("\n"));
  t.ok(spans.length > 500, `${spans.length} spans were sent`);
  const leaks = [...log.split("\n"), ...spans].filter(
    (line) => traces.some((trace) => trace.test(line)) || hidden.some((secret) => line.includes(secret)),
  );
  t.same(leaks.slice(0, 5), [], `of ${log.split("\n").length} lines`);
});

import type { ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { answersOf, broken, type Document, type Operation, resolve, valid } from "../support/arbitraries.ts";
import { createValidator, readDocument } from "../support/document.ts";
import { type Answer, type Client, startService } from "../support/service.ts";

const document: Document = await readDocument();
const RUNS = 20;

/** Operations whose body is a resource of ours; files are streams, GraphQL has a language of its own, and tests of its own. */
const withBody = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([, operation]) => operation.requestBody?.content["application/json"] !== undefined && path !== "/graphql")
    .map(([method, operation]) => ({ method, path, operation, name: `${method.toUpperCase()} ${path}` })),
);

const ajv = createValidator(document);

/** By the schema as it stands in the document: to compile one takes longer than all that it is used for. */
const validators = new Map<object, ValidateFunction>();

function compile(schema: object): ValidateFunction {
  const isValid = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));
  validators.set(schema, isValid);
  return isValid;
}

/** Holds an answer to the schema that the document gives for its status. */
function mismatch(operation: Operation, { status, headers, body }: Answer): string | undefined {
  const type = String(headers["content-type"]).split(";")[0] ?? "";
  const { schema, examples } = answersOf(document, operation, status)?.content?.[type] ?? {};
  if (schema === undefined) return `no schema for ${status} ${type}`;
  if (examples !== undefined && !(body.code in examples)) return `${body.code} is not among its errors`;
  const isValid = validators.get(schema) ?? compile(schema);
  return isValid(body) ? undefined : ajv.errorsText(isValid.errors);
}

/** The path with these ids in it, and one that is nobody's for the rest. */
function fill(path: string, ids: Record<string, string> = {}): string {
  const known: Record<string, string> = { key: "a%2Fkey", system: "zendesk", ...ids };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? newId());
}

/** What an operation needs to be there before it can succeed: the ids of its path, and fields that name something. */
interface Prepared {
  ids?: Record<string, string>;
  body?: Record<string, unknown>;
}

async function prepare(client: Client, path: string): Promise<Prepared> {
  if (path.startsWith("/v1/sources")) {
    const { body } = await client.post("/v1/sources", { name: "Tool", vendor: "TALLY" });
    return { ids: { id: body.id } };
  }
  if (path.startsWith("/v1/api-keys")) {
    const { body } = await client.post("/v1/api-keys", { name: "Site", scopes: ["cases:read"] });
    return { ids: { id: body.id } };
  }
  if (path.startsWith("/v1/webhook-")) {
    const endpoint = { url: "https://example.com/", eventTypes: ["case.opened"] };
    const { body } = await client.post("/v1/webhook-endpoints", endpoint);
    if (path.startsWith("/v1/webhook-endpoints")) return { ids: { id: body.id } };
    const { body: test } = await client.post(`/v1/webhook-endpoints/${body.id}/test`, {});
    return { ids: { id: test.id } };
  }
  const { body: response } = await client.post("/v1/responses", { score: path === "/v1/cases" ? 8 : 5 });
  if (path === "/v1/cases") return { body: { responseId: response.id } };
  const { body: improvement } = await client.post("/v1/improvements", { title: "Better", rootCauseKeys: [] });
  if (path.startsWith("/v1/improvements")) return { ids: { id: improvement.id } };
  if (!path.startsWith("/v1/cases/")) return { ids: { id: response.id } };
  const { id } = response.case;
  const post = (call: string, body: object) => client.post(`/v1/cases/${id}/${call}`, body);
  const { body: withCommitment } = await post("commitments", { text: "We call", dueOn: "2026-05-04" });
  const commitmentId = withCommitment.commitments[0].id;
  await post("contacts", { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
  const isAfter = (call: string) => path.endsWith(call);
  if (isAfter("/verification")) await post("resolution", { outcome: "FIXED", resolution: "Mended" });
  if (isAfter("/reopening")) await post("closure", { outcome: "FIXED", reason: "Mended" });
  return { ids: { id, commitmentId }, body: isAfter("/parking") ? { improvementId: improvement.id } : {} };
}

/** What only the rules can refuse, and no schema. */
const REFUSALS = [
  /goes inside person|to be known by|"conflict"|with those kept/,
  /"invalid_transition"|is not the key of a root cause|is nobody's id|must not be before the clock/,
  /calendar/,
  /must have a word/,
  /must be after from/,
  /must be an IANA time zone|expiresAt must be in the future/,
  /vendor JSON only|is of no use here|must be a JSON Pointer|must be whsec_|"mapping\.(score|externalId)","reason":"is required/,
];

async function send(client: Client, method: string, path: string, body: unknown, ids = {}): Promise<Answer> {
  const url = fill(path, ids);
  if (method === "put") return client.put(url, body);
  return method === "patch" ? client.patch(url, body) : client.post(url, body);
}

t.test("whatever the document allows is answered as the document says", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  t.ok(withBody.length >= 25, withBody.map(({ name }) => name).join(", "));
  for (const { method, path, operation, name } of withBody) {
    const schema = resolve(document, operation.requestBody?.content["application/json"]?.schema ?? {});
    const statuses = new Set<number>();
    const known = await prepare(client, path);
    await fc.assert(
      fc.asyncProperty(valid(document, schema), async (any) => {
        const body = { ...(any as object), ...known.body };
        const answer = await send(client, method, path, body, known.ids);
        statuses.add(answer.status);
        const trouble = mismatch(operation, answer);
        if (trouble !== undefined)
          throw new Error(`${name} ${JSON.stringify(body)} → ${JSON.stringify(answer.body)}: ${trouble}`);
        if (answer.status >= 400) {
          // Only what a schema cannot say may still be refused.
          const why = JSON.stringify(answer.body);
          if (!REFUSALS.some((pattern) => pattern.test(why)))
            throw new Error(`${name} ${JSON.stringify(body)} → ${why}`);
        }
      }),
      { numRuns: RUNS },
    );
    t.ok(
      [...statuses].some((status) => status < 300),
      `${name}: ${[...statuses].join(", ")}`,
    );
  }
});

t.test("one field that is wrong is 400 and named, and nothing is stored", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (const { method, path, operation, name } of withBody) {
    const schema = resolve(document, operation.requestBody?.content["application/json"]?.schema ?? {});
    if (path.endsWith("/batch")) continue;
    await fc.assert(
      fc.asyncProperty(broken(document, schema), async ({ value, name: field }) => {
        const answer = await send(client, method, path, value);
        const shown = `${name} ${JSON.stringify(value)} → ${JSON.stringify(answer.body)}`;
        if (answer.status !== 400) throw new Error(shown);
        const trouble = mismatch(operation, answer);
        if (trouble !== undefined) throw new Error(`${shown}: ${trouble}`);
        const names: string[] = answer.body.invalidParams?.map((param: { name: string }) => param.name) ?? [];
        if (!names.includes(field)) throw new Error(`${field} is not named: ${shown}`);
      }),
      { numRuns: RUNS * 3 },
    );
    t.pass(name);
  }
  const schema = document.components.schemas["ResponseInput"] ?? {};
  await fc.assert(
    fc.asyncProperty(fc.array(broken(document, schema), { minLength: 1, maxLength: 5 }), async (rows) => {
      const { status, body } = await client.post("/v1/responses/batch", { responses: rows.map(({ value }) => value) });
      if (status !== 200) throw new Error(JSON.stringify(body));
      for (const [index, { name }] of rows.entries()) {
        const { status: outcome, problem } = body.results[index];
        const isNamed = problem?.invalidParams?.some((param: { name: string }) => param.name === name);
        if (outcome !== "rejected" || !isNamed) throw new Error(`${name}: ${JSON.stringify(body.results[index])}`);
      }
    }),
    { numRuns: RUNS },
  );
  const stored = await client.rows(
    `select (select count(*) from responses) + (select count(*) from people) + (select count(*) from accounts)
       + (select count(*) from surveys) + (select count(*) from cases) + (select count(*) from events)
       + (select count(*) from idempotency_keys) as stored`,
  );
  t.same(stored, [{ stored: 0 }]);
});

const DEEP = `${'{"person":'.repeat(5_000)}1${"}".repeat(5_000)}`;
const HOSTILE: [string, string | Buffer, Record<string, string>?][] = [
  ["broken JSON", '{"score": 3'],
  ["not JSON", "score=3"],
  ["nothing", ""],
  ["a list", "[]"],
  ["a text", '"score"'],
  ["null", "null"],
  ["not UTF-8", Buffer.from('{"score":3,"comment":"\xff"}', "latin1")],
  ["a key twice", '{"score": 3, "externalId": "a", "externalId": "b", "source": "x", "score": 4}'],
  ["__proto__", '{"score": 3, "externalId": "a", "source": "x", "__proto__": {"score": 9}}'],
  ["constructor", '{"score": 3, "externalId": "a", "source": "x", "constructor": {"prototype": {}}}'],
  ["deep nesting", DEEP],
  ["very deep lists", "[".repeat(50_000)],
  [
    "1e400",
    '{"score": 1e400, "externalId": "a", "source": "x", "annualValue": 1e400, "kind": 1e400, "responses": 1e400}',
  ],
  [
    "a comment of 1 MB",
    JSON.stringify({ score: 3, externalId: "a", source: "x", comment: "x".repeat(1 << 20), responses: [], name: 1 }),
  ],
  ["NUL", '{"score": 3, "externalId": "a\\u0000", "source": "x\\u0000", "name": "\\u0000", "query": "\\u0000"}'],
  [
    "half a surrogate",
    '{"score": 3, "externalId": "\\ud800", "source": "\\udc00", "name": "\\ud800", "query": "\\ud800"}',
  ],
  ["text/plain", '{"score": 3}', { "content-type": "text/plain" }],
  ["a form", "score=3", { "content-type": "application/x-www-form-urlencoded" }],
  ["no type", '{"score": 3}', { "content-type": "" }],
  ["compressed", '{"score": 3}', { "content-encoding": "gzip" }],
  ["unknown fields", '{"wrong": 1}'],
];

t.test("a hostile body is a 4xx problem on every route, and nothing of it is stored", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== "get" && method !== "delete")
      .map((method) => ({ path, method })),
  );
  t.ok(routes.length >= 7);
  for (const { path, method } of routes) {
    for (const [what, payload, headers] of HOSTILE) {
      const answer = await service.app.inject({
        method: method.toUpperCase() as "POST",
        url: fill(path),
        headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json", ...headers },
        payload,
      });
      const name = `${method} ${path}, ${what}: ${answer.statusCode} ${answer.body.slice(0, 200)}`;
      t.ok(answer.statusCode >= 400 && answer.statusCode < 500, name);
      if (path === "/graphql" && answer.headers["content-type"]?.toString().startsWith("application/json")) {
        t.match(answer.json().errors, [{ extensions: { code: "invalid_request" } }], name);
      } else t.match(answer.headers["content-type"], /^application\/problem\+json/, name);
    }
  }
  const stored = await client.rows(
    "select (select count(*) from responses) + (select count(*) from people) + (select count(*) from accounts) + (select count(*) from surveys) as stored",
  );
  t.same(stored, [{ stored: 0 }]);
});

t.test("a hostile query or path is a 4xx problem on every route", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const gets = Object.entries(document.paths).filter(
    ([, operations]) => operations["get"]?.security?.length !== 0 && operations["get"],
  );
  t.ok(gets.length >= 6);
  for (const [path, { get }] of gets) {
    const url = fill(path);
    const parameters = get?.parameters?.filter((parameter) => parameter.in === "query") ?? [];
    const queries = ["unknown=1", "__proto__=1", "=1", "%00=1"];
    for (const { name, schema } of parameters) {
      queries.push(`${name}=`, `${name}=%00`, `${name}=nonsense%00`, `${name}[]=1`, `${name}.x=1`);
      // A text may be anything, also "-1".
      const isText = [schema, schema.items].some((one) => one?.format === "filled");
      if (!isText) queries.push(`${name}=-1`, `${name}=1e400`);
    }
    for (const query of queries) {
      const { status, headers, body } = await client.get(`${url}?${query}`);
      t.ok(status === 400, `${path}?${query}: ${status} ${JSON.stringify(body)}`);
      t.match(headers["content-type"], /^application\/problem\+json/);
    }
    if (path.includes("{id}")) {
      for (const id of ["%00", "..%2f", "1", "%ff", "0".repeat(300)]) {
        const { status } = await client.get(path.replace("{id}", id));
        t.ok([400, 404].includes(status), `${path} ${id}: ${status}`);
      }
    }
  }
});

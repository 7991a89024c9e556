import { connect } from "node:net";
import type { InjectOptions } from "fastify";
import t from "tap";
import { startService } from "../support/service.ts";

t.test("every failure is a problem document with a code", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const authorization = `Bearer ${client.apiKey}`;
  const json = { authorization, "content-type": "application/json" };
  const inject = async (request: InjectOptions) => {
    const answer = await service.app.inject(request);
    t.match(answer.headers["content-type"], /^application\/problem\+json/, answer.body);
    const problem = answer.json();
    t.match(problem, {
      type: "about:blank",
      title: String,
      status: answer.statusCode,
      detail: String,
      requestId: /^[0-9a-f-]{36}$/,
    });
    return problem;
  };

  t.test("no such path, method, version or thing: 404", async (t) => {
    for (const [method, url] of [
      ["GET", "/"],
      ["GET", "/v1/nothing?email=ana@example.com"],
      ["DELETE", "/v1/responses"],
      ["GET", "/v1/responses/01a20384-8f34-7616-a3d6-aa384e874811"],
      ["GET", "/graphql"],
    ] as const) {
      const problem = await inject({ method, url, headers: { authorization } });
      t.match(problem, { status: 404, code: "not_found", instance: url.split("?")[0] });
    }
  });

  t.test("a path that is no URL: 400", async (t) => {
    t.match(await inject({ method: "GET", url: "/v1/responses/%zz", headers: { authorization } }), { status: 400 });
  });

  t.test("a body too large: 413", async (t) => {
    const payload = JSON.stringify({ score: 3, comment: "x".repeat(256 * 1024) });
    const problem = await inject({ method: "POST", url: "/v1/responses", headers: json, payload });
    t.match(problem, { status: 413, code: "payload_too_large", detail: /^The body is larger than 256 kB/ });
    const query = `{ nps { nps } } #${"x".repeat(64 * 1024)}`;
    t.match(await inject({ method: "POST", url: "/graphql", headers: json, payload: JSON.stringify({ query }) }), {
      status: 413,
    });
  });

  t.test("a body of another type: 415", async (t) => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/graphql",
      "application/jsonx",
    ]) {
      const headers = { authorization, "content-type": type };
      const problem = await inject({ method: "POST", url: "/v1/responses", headers, payload: '{"score":3}' });
      t.match(problem, { status: 415, code: "unsupported_media_type" }, type);
    }
  });

  t.test("a body that is not JSON, not UTF-8, missing or nested absurdly: 400", async (t) => {
    for (const payload of [
      "{",
      "",
      "nope",
      Buffer.from('{"score":3,"comment":"\xff"}', "latin1"),
      "[".repeat(100_000),
    ]) {
      t.match(await inject({ method: "POST", url: "/v1/responses", headers: json, payload }), { status: 400 });
    }
    const deep = `{"score":3,"properties":${'{"a":'.repeat(50)}1${"}".repeat(50)}}`;
    t.match(await inject({ method: "POST", url: "/v1/responses", headers: json, payload: deep }), { status: 400 });
    for (const payload of ['{"score":3,"__proto__":{"x":1}}', '{"score":3,"properties":{"__proto__":1}}']) {
      t.match(await inject({ method: "POST", url: "/v1/responses", headers: json, payload }), { status: 400 });
    }
  });

  t.test("a body that is compressed or in another character set: 415", async (t) => {
    for (const headers of [{ "content-encoding": "gzip" }, { "content-type": "application/json; charset=latin1" }]) {
      const request = {
        method: "POST",
        url: "/v1/responses",
        headers: { ...json, ...headers },
        payload: '{"score":3}',
      };
      t.match(await inject({ ...request, method: "POST" }), { status: 415 });
    }
  });

  t.test("GraphQL says what is wrong with a document, and nothing of what is inside", async (t) => {
    const ask = async (query: string, variables = {}) => (await client.post("/graphql", { query, variables })).body;
    t.match(await ask("{ nps "), { errors: [{ message: /Syntax Error/, extensions: { code: "invalid_request" } }] });
    t.match(await ask("{ nothing }"), { errors: [{ message: /nothing/, locations: [{ line: 1 }] }] });
    const time = { errors: [{ message: /DateTime.*RFC 3339/s, locations: Array }] };
    t.match(await ask('{ nps(filter: { from: "yesterday" }) { nps } }'), time);
    t.match(await ask("query ($f: DateTime) { nps(filter: { from: $f }) { nps } }", { f: "yesterday" }), time);
    t.match(await ask('{ response(id: "x") { id } }'), {
      data: { response: null },
      errors: [{ extensions: { code: "invalid_request", invalidParams: [{ name: "id" }] } }],
    });
    const cursor = Buffer.from('["PRIORITY","x","01a20384-8f34-7616-a3d6-aa384e874811"]').toString("base64url");
    t.match(await ask(`{ cases(after: "${cursor}") { totalCount } }`), {
      errors: [{ extensions: { invalidParams: [{ name: "after" }] } }],
    });
    const { body } = await client.post("/v1/responses", { score: 1 });
    const query = "query ($id: ID!) { response(id: $id) { id } }";
    t.same((await ask(query, { id: body.id.toUpperCase() })).data, { response: { id: body.id } }, "in any case");
  });

  t.test("no credential, or one that is not valid: 401, whatever is wrong with it", async (t) => {
    const { apiKey } = client;
    const mistyped = apiKey.slice(0, -1) + (apiKey.endsWith("A") ? "B" : "A");
    for (const value of [undefined, "", apiKey, `Basic ${apiKey}`, `Bearer ${mistyped}`, "Bearer nps_x_y"]) {
      const headers: Record<string, string> = value === undefined ? {} : { authorization: value };
      const problem = await inject({ method: "GET", url: "/v1/responses", headers });
      t.match(problem, { status: 401, code: "unauthenticated" }, String(value));
    }
  });

  t.test("a credential without the scope: 403, and GraphQL names the scope of each field", async (t) => {
    const everything = await service.newClient();
    const limited = await everything.withScopes("responses:read");
    const forbidden = { status: 403, body: { code: "forbidden", detail: /responses:write/ } };
    t.match(await limited.post("/v1/responses", { score: 1 }), forbidden);
    t.equal((await limited.get("/v1/responses")).status, 200);
    await everything.post("/v1/responses", { score: 1, person: { email: "ana@example.com" } });
    const ask = async (query: string) => (await limited.post("/graphql", { query })).body;
    t.match(await ask("{ nps { nps } }"), { data: null, errors: [{ message: /aggregates:read/ }] });
    t.match(await ask("{ cases { totalCount } }"), { data: null, errors: [{ message: /cases:read/ }] });
    const { data, errors } = await ask("{ responses { edges { node { score person { email } case { id } } } } }");
    t.same(data.responses.edges, [{ node: { score: 1, person: null, case: null } }]);
    t.match(errors, [{ message: /people:read/ }, { message: /cases:read/, extensions: { code: "forbidden" } }]);
  });

  t.test("what is not even HTTP: 400 on the bare socket", async (t) => {
    const url = new URL(await service.app.listen({ host: "127.0.0.1", port: 0 }));
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => socket.write("NONSENSE\r\n\r\n"));
      let text = "";
      socket.on("data", (chunk) => (text += chunk));
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    t.match(answer, /^HTTP\/1\.1 400 Bad Request/);
    t.match(JSON.parse(answer.split("\r\n\r\n")[1] ?? ""), { code: "invalid_request" });
  });

  t.test("a mistake of ours: 500 that tells nothing, in REST and GraphQL", async (t) => {
    const broken = await startService(t);
    const caller = await broken.newClient();
    await caller.rows("alter table responses rename column comment to secret_name");
    const rest = await caller.post("/v1/responses", { score: 3 });
    t.match(rest, { status: 500, body: { code: "internal" } });
    const graphql = await caller.post("/graphql", { query: "{ responses { edges { node { id } } } }" });
    t.match(graphql.body.errors, [{ extensions: { code: "internal" } }]);
    t.notMatch(JSON.stringify([rest.body, graphql.body]), /select |secret_name|rename|node_modules/);
  });
});

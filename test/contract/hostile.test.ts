import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { InjectOptions } from "fastify";
import t, { type Test } from "tap";
import { newId } from "../../src/platform/ids.ts";
import type { Document, Operation } from "../support/arbitraries.ts";
import { startService } from "../support/service.ts";

const document: Document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
const CODES = document.components.schemas["Problem"]?.properties?.["code"]?.enum ?? [];
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

const MIB = 1024 * 1024;
const limitOf = (path: string) => ({ "/graphql": MIB / 16, "/v1/responses/batch": 5 * MIB })[path] ?? MIB / 4;
const SIDE_BY_SIDE = 16;
const FAULTS_SHOWN = 10;
/** What a second round of everything may leave behind: of what is reachable, and of what the system has given. */
const HEAP_GROWTH_MAX = 8 * MIB;
const RSS_GROWTH_MAX = 128 * MIB;

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`;
const comment = (...codes: number[]) => Buffer.from([...Buffer.from('{"comment":"'), ...codes, ...Buffer.from('"}')]);

/** No call takes any of these. */
const BODIES: Record<string, string | Buffer> = {
  "its own __proto__": '{"__proto__": {"isAdmin": true}}',
  "__proto__, escaped and inside": '{"person": {"\\u005f_proto__": {"isAdmin": true}}}',
  "constructor.prototype": '{"constructor": {"prototype": {"isAdmin": true}}}',
  "names of Object's own": '{"toString": 1, "hasOwnProperty": 2, "valueOf": {}}',
  "arrays 100,000 deep": nested(100_000, "[", "]"),
  "objects 40,000 deep": nested(40_000, '{"a":', "}"),
  "arrays 33 deep": `{"properties": ${nested(33, "[", "]")}}`,
  "a key twice": '{"score": 1, "score": 9}',
  "a key twice, inside and escaped": '{"person": {"account": {"name": "a", "n\\u0061me": "b"}}}',
  "cut off": '{"score": 1',
  "two values": "{}{}",
  "no JSON": "score=1",
  "a comment": '{"score": 1 /* one */}',
  "a number that is none": '{"score": NaN}',
  "white space": "   ",
  "a byte order mark": '\uFEFF{"score": 1}',
  "UTF-16": Buffer.from('{"score": 1}', "utf16le"),
  "overlong UTF-8": comment(0xc0, 0xaf),
  "a surrogate in UTF-8": comment(0xed, 0xa0, 0x80),
  "half a character": comment(0xe2, 0x82),
  "a NUL byte": comment(0x00),
  "NUL, escaped": '{"score": 1, "query": "\\u0000", "text": "\\u0000", "name": "\\u0000"}',
  "lone surrogates": '{"score": 1, "query": "\\ud800", "text": "\\udc00", "name": "\\ud800x"}',
  "giant numbers": '{"score": 1e999, "version": -1e999, "query": 1e308}',
  "a number of 50,000 digits": `{"score": ${"9".repeat(50_000)}}`,
  "an array": "[1, 2, 3]",
  "a string": '"score"',
  null: "null",
  "3,000 fields": JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`f${index}`, index]))),
};

const TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/xml",
  "application/json; charset=utf-16",
  "application/jsonp",
  "json",
  "*/*",
  "application/json, text/plain",
  "x".repeat(4_000),
];

/** For places in the path and in the query: as they stand in the URL. */
const PARTS = [
  "",
  "__proto__",
  "constructor",
  "%00",
  "%ff",
  "%ed%a0%80",
  "%",
  "%2e%2e%2f%2e%2e%2fetc",
  "'%20or%201=1--",
  "%F0%9F%98%80",
  "-1",
  "1e999",
  "99999999999999999999",
  "null",
  "[]",
  "2026-02-30T25:61:00Z",
  "x".repeat(4_001),
  "eyJfX3Byb3RvX18iOnt9fQ",
];
const QUERIES = ["__proto__=1", "__proto__[x]=1", "constructor[prototype][x]=1", "=1", "&&&", "unknown=1", "%=%"];

type Sent = InjectOptions & { url: string };

function urlOf(path: string, fill: (name: string) => string = () => newId()): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill(name));
}

t.test(
  "whatever is sent, the answer is no fault of ours, and says what was wrong in the closed list's words",
  async (t) => {
    const service = await startService(t);
    const client = await service.newClient();
    const authorization = `Bearer ${client.apiKey}`;
    let sent = 0;

    /** @returns what is wrong with the answer to this request; undefined where nothing is */
    async function probe(name: string, options: Sent, expected?: number[]): Promise<string | undefined> {
      sent += 1;
      const answer = await service.app.inject({ ...options, headers: { authorization, ...options.headers } });
      const wrong = faultOf(answer.statusCode, String(answer.headers["content-type"]), answer.body, expected);
      return wrong && `${name}: ${options.method} ${options.url.slice(0, 120)}: ${wrong}`;
    }

    async function probeAll(t: Test, requests: (Sent & { name: string; expected?: number[] | undefined })[]) {
      const faults: string[] = [];
      for (let rest = requests; rest.length > 0; ) {
        // Of exports only a few are taken at once: here each goes by itself.
        const exports = rest.slice(0, SIDE_BY_SIDE).findIndex(({ url }) => url.startsWith("/v1/exports/"));
        const some = rest.slice(0, exports === -1 ? SIDE_BY_SIDE : Math.max(exports, 1));
        rest = rest.slice(some.length);
        const seen = await Promise.all(some.map(({ name, expected, ...options }) => probe(name, options, expected)));
        faults.push(...seen.filter((fault) => fault !== undefined));
      }
      t.same(faults.slice(0, FAULTS_SHOWN), [], `${requests.length} requests, ${faults.length} faults`);
    }

    const takesJson = ({ requestBody }: Operation) => requestBody?.content["application/json"] !== undefined;
    const writes = operations.filter(({ method }) => method !== "GET" && method !== "DELETE");
    const bodies = () =>
      writes.flatMap(({ method, path, operation }) => {
        const request = { method: method as "POST", url: urlOf(path) };
        const refused = takesJson(operation) ? (path === "/graphql" ? [400, 413] : [400]) : undefined;
        const tooLarge = takesJson(operation) ? [413] : undefined;
        const json = { "content-type": "application/json" };
        const beyond = (length: number) => `{"comment":"${"x".repeat(length - 14)}"}`;
        return [
          ...Object.entries(BODIES).map(([name, payload]) => ({
            ...request,
            name,
            payload,
            headers: json,
            expected: refused,
          })),
          ...TYPES.map((type) => ({
            ...request,
            name: type.slice(0, 40),
            payload: "{}",
            headers: { "content-type": type },
            expected: takesJson(operation) ? [415] : undefined,
          })),
          { ...request, name: "no type", payload: "{}", headers: {} },
          { ...request, name: "no body", headers: {} },
          { ...request, name: "an empty body", payload: "", headers: json },
          {
            ...request,
            name: "compressed",
            payload: "x",
            headers: { ...json, "content-encoding": "gzip" },
            expected: tooLarge && [415],
          },
          { ...request, name: "just beyond", payload: beyond(limitOf(path) + 1), headers: json, expected: tooLarge },
          {
            ...request,
            name: "as large as it may be",
            payload: beyond(limitOf(path)),
            headers: json,
            expected: refused,
          },
        ];
      });
    const parts = () =>
      operations.flatMap(({ method, path, operation }) => {
        const request = { method: method as "GET", payload: method === "GET" ? "" : "{}" };
        const headers: Record<string, string> = method === "GET" ? {} : { "content-type": "application/json" };
        const names = (place: string) => (operation.parameters ?? []).filter((parameter) => parameter.in === place);
        const url = urlOf(path);
        return [
          ...(url === path
            ? []
            : PARTS.map((part) => ({ ...request, headers, url: urlOf(path, () => part), name: "path" }))),
          ...QUERIES.map((query) => ({ ...request, headers, url: `${url}?${query}`, name: "query" })),
          ...names("query").flatMap(({ name }) => [
            ...PARTS.map((part) => ({ ...request, headers, url: `${url}?${name}=${part}`, name: "query" })),
            { ...request, headers, url: `${url}?${`${name}=1&`.repeat(800)}`, name: "many" },
            { ...request, headers, url: `${url}?${name}[]=1&${name}[a][b]=1`, name: "brackets" },
          ]),
          ...names("header").flatMap(({ name }) =>
            ["x".repeat(256), "\u00e9", '"1e999"', "W/*", ""].map((value) => ({
              ...request,
              url,
              headers: { ...headers, [name]: value },
              name,
            })),
          ),
        ];
      });

    await t.test("paths, queries and headers", async (t) => probeAll(t, parts()));
    await t.test("bodies", async (t) => probeAll(t, bodies()));

    await t.test("and nothing of it is kept in memory", async (t) => {
      const before = measureMemory();
      await probeAll(t, bodies());
      const after = measureMemory();
      t.ok(
        after.heap - before.heap < HEAP_GROWTH_MAX,
        `${Math.round((after.heap - before.heap) / 1024)} KiB reachable`,
      );
      t.ok(after.rss - before.rss < RSS_GROWTH_MAX, `${Math.round((after.rss - before.rss) / MIB)} MiB resident`);
      t.equal(({} as Record<string, unknown>)["isAdmin"], undefined, "and no prototype was touched");
    });

    await t.test("on the wire: sizes that lie, and bodies without one", async (t) => {
      const { port } = new URL(await service.app.listen({ port: 0, host: "127.0.0.1" }));
      const routes = writes.filter(({ operation }) => takesJson(operation));
      const faults: string[] = [];
      for (const { method, path } of routes) {
        const head = `${method} ${urlOf(path)} HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n`;
        const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
        for (const [name, request, statuses] of [
          ["far beyond, as it says itself", `${head}content-length: 1000000000000\r\n\r\n{`, [413]],
          ["more digits than a number has", `${head}content-length: ${"9".repeat(30)}\r\n\r\n{`, [400]],
          ["less than none", `${head}content-length: -1\r\n\r\n{}`, [400]],
          ["two sizes", `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}x`, [400]],
          ["a size and pieces", `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, [400]],
          ["less than it is", `${head}content-length: 1\r\n\r\n{"score": 1}`, [400]],
          [
            "pieces without end",
            `${head}transfer-encoding: chunked\r\n\r\n${chunk.repeat(limitOf(path) / 0x10000 + 2)}`,
            [413],
          ],
          ["a piece that is none", `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}`, [400]],
        ] as const) {
          const { status, type, body } = await exchange(Number(port), request);
          const fault = faultOf(status, type, body, [...statuses]);
          if (fault !== undefined) faults.push(`${name}: ${method} ${path}: ${fault}`);
        }
      }
      t.same(faults.slice(0, FAULTS_SHOWN), [], `${routes.length} routes, ${faults.length} faults`);
    });

    t.match(await client.post("/v1/responses", { score: 9 }), { status: 201 }, "and it goes on");
    t.comment(`${sent} requests`);
  },
);

function faultOf(status: number, type: string, body: string, expected?: number[]): string | undefined {
  const seen = `${status} ${type} ${body.slice(0, 200)}`;
  if (status >= 500 || (expected !== undefined && !expected.includes(status))) return seen;
  if (status < 400) return undefined;
  if (!type.startsWith("application/problem+json") && !body.startsWith('{"errors":')) return seen;
  const problem = JSON.parse(body);
  const code = problem.errors === undefined ? problem.code : problem.errors[0].extensions.code;
  return CODES.includes(code) ? undefined : seen;
}

/** The first answer to these bytes. */
async function exchange(port: number, bytes: string): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const end = () => {
      socket.destroy();
      const [head = "", body = ""] = text.split("\r\n\r\n", 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
      resolve({
        status: Number(head.split(" ")[1]),
        type: field("content-type"),
        body: body.slice(0, Number(field("content-length"))),
      });
    };
    socket.setTimeout(2_000, end);
    socket.on("data", (data) => {
      text += data;
      const [head = "", body] = text.split("\r\n\r\n", 2);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      if (body !== undefined && Buffer.byteLength(body) >= length) end();
    });
    socket.on("error", end);
    socket.on("close", end);
    socket.write(bytes);
  });
}

/** After the garbage is gone. */
function measureMemory(): { heap: number; rss: number } {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

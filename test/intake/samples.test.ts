import { readdirSync } from "node:fs";
import t, { type Test } from "tap";
import { signBody, signWebhook } from "../../src/platform/signature.ts";
import { type Client, type Service, startService } from "../support/service.ts";
import { readShared } from "../support/shared.ts";

/** The vendors' samples beside the checkout, each as it must be understood. */
interface Expectation {
  vendor: string;
  signature: { secretExample: string; headers: Record<string, string> };
  mappingConfig: object | null;
  expected: Record<string, any>;
  alternatives?: Pick<Expectation, "mappingConfig" | "expected">[];
  file: { contentType: string };
}

const FOLDER = new URL("../../../shared/payloads/", import.meta.url);

function samples(): string[] {
  if (readShared("payloads/README.md") === undefined) return [];
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".expected.json"))
    .map((name) => name.replace(".expected.json", ""))
    .toSorted();
}

const read = (name: string) => readShared(`payloads/${name}`) ?? "";
const expectationOf = (name: string): Expectation => JSON.parse(read(`${name}.expected.json`));
const isTimed = (vendor: string) => vendor === "STANDARD_WEBHOOKS" || vendor === "FORMBRICKS";

/** The headers of the sample; where the time is signed, signed again for now, or for another time. */
function headersOf(
  { vendor, signature }: Expectation,
  body: string,
  { secret = signature.secretExample, late = 0 } = {},
) {
  if (vendor === "JSON") return { "x-webhook-token": secret };
  const buffer = Buffer.from(body);
  if (isTimed(vendor)) {
    const attempt = { id: "msg_sample", timestamp: Math.floor(Date.now() / 1000) - late, body: buffer };
    return {
      "webhook-id": attempt.id,
      "webhook-timestamp": String(attempt.timestamp),
      "webhook-signature": signWebhook(secret, attempt),
    };
  }
  const [name = "", value = ""] = Object.entries(signature.headers)[0] ?? [];
  const algorithm = value.startsWith("sha1=") ? "sha1" : "sha256";
  const encoding = vendor === "TYPEFORM" || vendor === "TALLY" ? "base64" : "hex";
  return { [name]: signBody({ algorithm, encoding, prefix: /^sha\d+=/.exec(value)?.[0] ?? "" }, secret, buffer) };
}

async function newSource(client: Client, { vendor, signature }: Expectation, mapping: object | null) {
  // An id and a score are needed before anything is taken; a sample without them maps neither.
  const { status, body } = await client.post("/v1/sources", {
    name: "s",
    vendor,
    secret: signature.secretExample,
    mapping,
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body;
}

/** Has the service listen, as vendors meet it. @returns what sends over a socket */
async function listen({ app }: Service) {
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  const post = async (path: string, body: string | Buffer, headers: Record<string, string>) => {
    const answer = await fetch(`${address}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    return { status: answer.status, body: (await answer.json()) as any };
  };
  return {
    deliver: (source: any, body: string | Buffer, headers: Record<string, string>) =>
      post(new URL(source.url).pathname, body, headers),
    preview: ({ apiKey }: Client, source: any, body: string) =>
      post(`/v1/sources/${source.id}/preview`, body, { authorization: `Bearer ${apiKey}` }),
  };
}

/** The body with one bit changed: in its first byte, in the middle, and in its last. */
function flips(payload: string): Buffer[] {
  const bytes = Buffer.from(payload);
  return [0, bytes.length >> 1, bytes.length - 1].map((position) =>
    Buffer.from(bytes.map((byte, index) => (index === position ? byte ^ 1 : byte))),
  );
}

function check(t: Test, response: any, expected: Record<string, any>, name: string) {
  const same = (field: string, found: unknown, wanted: unknown) => t.same(found, wanted, `${name}: ${field}`);
  t.equal(response.score, expected["score"], `${name}: score`);
  if ("comment" in expected) same("comment", response.comment?.trim() ?? null, expected["comment"]);
  if ("externalId" in expected) same("externalId", response.externalId, expected["externalId"]);
  if ("respondedAt" in expected) {
    same("respondedAt", Date.parse(response.respondedAt), Date.parse(expected["respondedAt"]));
  }
  if (expected["survey"]) same("survey", response.survey.key, expected["survey"].key);
  if (expected["person"] === null) same("person", response.person, null);
  for (const [field, value] of Object.entries<string>(expected["person"] ?? {})) {
    const found = response.person?.[field];
    same(field, field === "email" ? found?.toLowerCase() : found, field === "email" ? value.toLowerCase() : value);
  }
  for (const [key, value] of Object.entries(expected["properties"] ?? {})) same(key, response.properties[key], value);
}

t.test("what is sent below is signed as the vendors signed it", async (t) => {
  for (const name of samples()) {
    const { vendor, signature } = expectationOf(name);
    const body = Buffer.from(read(`${name}.json`));
    const { "webhook-id": id = "", "webhook-timestamp": time, ...headers } = signature.headers;
    if (vendor === "JSON") t.same(headers, {}, `${name}: a token, and nothing signed`);
    else if (isTimed(vendor)) {
      const attempt = { id, timestamp: Number(time), body };
      t.equal(headers["webhook-signature"], signWebhook(signature.secretExample, attempt), name);
    } else t.same(headersOf(expectationOf(name), body.toString()), headers, name);
  }
});

t.test("each vendor's samples become what they must", async (t) => {
  const service = await startService(t);
  const { deliver, preview } = await listen(service);
  for (const name of samples()) {
    const expectation = expectationOf(name);
    const payload = read(`${name}.json`);
    for (const [index, { mappingConfig, expected }] of [expectation, ...(expectation.alternatives ?? [])].entries()) {
      const client = await service.newClient();
      const label = `${name} ${index}`;
      const source = await newSource(client, expectation, mappingConfig);
      const previewed = await preview(client, source, payload);
      t.match(previewed, { status: 200, body: { outcome: expected["outcome"] } }, `${label}: preview`);
      t.same((await client.get("/v1/responses")).body.data, [], `${label}: a preview stores nothing`);
      t.same((await client.get(`/v1/sources/${source.id}/receipts`)).body.data, []);

      const { status, body } = await deliver(source, payload, headersOf(expectation, payload));
      t.match({ status, outcome: body.outcome }, { status: 200, outcome: expected["outcome"] }, label);
      const { data } = (await client.get("/v1/responses")).body;
      const [receipt] = (await client.get(`/v1/sources/${source.id}/receipts`)).body.data;
      t.match(receipt, { outcome: expected["outcome"], body: payload }, `${label}: the receipt`);
      if (expected["outcome"] !== "RECORDED") {
        t.match(body.reason, /./, `${label}: ${body.reason}`);
        t.same(data, [], label);
        continue;
      }
      t.equal(data.length, 1);
      check(t, data[0], expected, label);
      check(t, previewed.body.response, expected, `${label}: preview`);
    }
  }
});

t.test("each is refused when it is not signed for it", async (t) => {
  const service = await startService(t);
  const { deliver } = await listen(service);
  const client = await service.newClient();
  for (const name of samples()) {
    const expectation = expectationOf(name);
    const payload = read(`${name}.json`);
    const source = await newSource(
      client,
      expectation,
      expectation.vendor === "JSON" ? expectation.mappingConfig : null,
    );
    const good = headersOf(expectation, payload);
    const other = isTimed(expectation.vendor) ? `whsec_${Buffer.alloc(32, 7).toString("base64")}` : "another-secret";
    const wrong: [string, string | Buffer, Record<string, string>][] = [
      ["another secret", payload, headersOf(expectation, payload, { secret: other })],
      ["nothing", payload, {}],
    ];
    // A token says nothing about the body.
    if (expectation.vendor !== "JSON") for (const body of flips(payload)) wrong.push(["a bit changed", body, good]);
    if (isTimed(expectation.vendor)) {
      for (const late of [360, -360]) wrong.push([`${late} s off`, payload, headersOf(expectation, payload, { late })]);
    }
    for (const [what, body, headers] of wrong) {
      t.equal((await deliver(source, body, headers)).status, 401, `${name}: ${what}`);
    }
    t.same((await client.get(`/v1/sources/${source.id}/receipts`)).body.data, [], `${name}: nothing is kept of them`);
    t.equal((await deliver(source, payload, good)).status, 200, `${name}: as it is`);
  }
});

t.test("several deliveries of one answer make one response", async (t) => {
  const text = readShared("payloads/delighted/webhook-docs.sequences.json");
  if (text === undefined) return;
  const service = await startService(t);
  const { deliver } = await listen(service);
  for (const { id, delivered, outcomes, stored } of JSON.parse(text).sequences) {
    const client = await service.newClient();
    const expectation = expectationOf(`delighted/${delivered[0].replace(".json", "")}`);
    const source = await newSource(client, expectation, null);
    for (const [index, file] of delivered.entries()) {
      const payload = read(`delighted/${file}`);
      const { signature } = expectationOf(`delighted/${file.replace(".json", "")}`);
      const { body } = await deliver(source, payload, signature.headers);
      t.ok([outcomes[index]].flat().includes(body.outcome), `${id} ${index}: ${body.outcome}`);
    }
    const { responses: count, ...fields } = stored;
    const { data } = (await client.get("/v1/responses")).body;
    t.equal(data.length, count, id);
    t.match(data[0], fields, id);
  }
});

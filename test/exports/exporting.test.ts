import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import t from "tap";
import { CSV, importFile, NDJSON } from "../support/files.ts";
import { type Client, type Service, startService } from "../support/service.ts";

/** The text of an export. */
async function read({ app }: Service, client: Client, path: string, accept: string): Promise<string> {
  const authorization = `Bearer ${client.apiKey}`;
  const answer = await app.inject({ url: `/v1/exports/${path}`, headers: { authorization, accept } });
  if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${answer.body}`);
  return answer.body;
}

/** What two workspaces must agree on about an answer. */
const SAME = `{ responses(filter: { includeExcluded: true }, orderBy: OLDEST, first: 100) { edges { node {
  score comment followUpRequested channel touchpoint language incentivised properties respondedAt source externalId
  survey { key kind } exclusion { reason note }
  person { externalId email phone name properties } account { externalId name segment annualValue currency renewsOn } } } }
  nps { nps answered } }`;

const ANSWERS = [
  {
    score: 3,
    comment: '=HYPERLINK("http://evil")\n\t"quoted"; ünï, \'tis',
    externalId: "+1",
    source: "-src",
    respondedAt: "2026-01-01T00:00:00.123Z",
    channel: "EMAIL",
    touchpoint: "@onboarding",
    language: "de",
    incentivised: true,
    followUpRequested: true,
    survey: { key: "s-2", kind: "TRANSACTIONAL" },
    properties: { plan: "5", seats: 5, beta: true, "a.b": "=x" },
    person: {
      externalId: "u-1",
      email: "ana@example.com",
      phone: "+4930123",
      name: "  =Ana",
      properties: { role: "admin" },
      account: {
        externalId: "acme",
        name: "'=Acme",
        segment: "MID",
        annualValue: 0.1,
        currency: "EUR",
        renewsOn: "2026-09-01",
      },
    },
  },
  { score: 10, respondedAt: "2026-01-02T00:00:00Z", account: { externalId: "beta", annualValue: 1e21 } },
  { score: 0, respondedAt: "2026-01-03T00:00:00Z", externalId: "x" },
  { score: 1, respondedAt: "2026-01-04T00:00:00Z", externalId: "t", test: true },
  { score: 2, respondedAt: "2026-01-05T00:00:00Z", externalId: "d" },
];

t.test("exports", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const ids: string[] = [];
  for (const answer of ANSWERS) ids.push((await client.post("/v1/responses", answer)).body.id);
  await client.post(`/v1/responses/${ids[4]}/exclusion`, { reason: "DUPLICATE", note: "=twice" });

  t.test("answers imported into another workspace are the same answers, by either format", async (t) => {
    const ours = await client.query(SAME);
    for (const [accept, headers] of [
      ["text/csv", CSV],
      ["application/x-ndjson", NDJSON],
    ] as const) {
      const other = await service.newClient();
      const text = await read(service, client, "responses", accept);
      const { import: done, rejections } = await importFile(service, other, "?followUp=NONE", text, headers);
      t.same(rejections, []);
      t.match(done, { status: "DONE", created: ANSWERS.length });
      const theirs = await other.query(SAME);
      // The one that had no id has one now.
      for (const { node } of theirs.responses.edges) if (node.externalId.startsWith("row-")) node.externalId = null;
      t.same(theirs, ours, accept);
      t.same(
        await other.rows("select reason, note, included_at from response_exclusions order by reason"),
        [
          { reason: "DUPLICATE", note: "=twice", included_at: null },
          { reason: "TEST", note: null, included_at: null },
        ],
        "it was never out for another reason",
      );
      t.match(
        await other.rows(
          "select data->'response'->'exclusion'->>'reason' as reason from events where data->'response'->>'exclusion' is not null order by 1",
        ),
        [{ reason: "DUPLICATE" }, { reason: "TEST" }],
        "nor was anybody told so",
      );
      t.match((await importFile(service, other, "?again=true&followUp=NONE", text, headers)).import, {
        created: 0,
        existing: ANSWERS.length,
      });
    }
  });

  t.test("no cell of text is a formula, and numbers are numbers", async (t) => {
    const [header = [], ...rows]: string[][] = parse(await read(service, client, "responses", "text/csv"));
    t.equal(rows.length, ANSWERS.length);
    for (const cell of rows.flat()) t.notMatch(cell, /^\s*[=+\-@]/);
    const first = Object.fromEntries(header.map((name, index) => [name, rows[0]?.[index]]));
    t.match(first, {
      score: "3",
      externalId: "'+1",
      "person.phone": "'+4930123",
      "person.account.annualValue": "0.1",
      "person.account.name": "''=Acme",
      followUpRequested: "true",
      category: "DETRACTOR",
    });
  });

  t.test("the other resources, with the filters of their lists", async (t) => {
    const lines = async (path: string) =>
      (await read(service, client, path, "*/*"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    t.equal((await lines("responses?category=PROMOTER&excluded=false")).length, 1);
    t.equal((await lines("responses?externalId=nobody")).length, 0);
    const listed = (await client.get("/v1/cases?orderBy=OLDEST")).body.data;
    const exported = await lines("cases");
    t.same(
      exported.map(({ id }) => id),
      listed.map(({ id }: { id: string }) => id),
    );
    t.match(exported[0], { status: "OPEN", person: { email: "ana@example.com" }, firstContact: { state: "PENDING" } });
    t.equal((await lines("cases?status=PARKED")).length, 0);
    const activities = await lines(`activities?caseId=${listed[0].id}`);
    t.same(
      activities.map(({ caseId: _caseId, ...activity }) => activity),
      (await client.get(`/v1/cases/${listed[0].id}/activities`)).body.data,
    );
    t.ok((await lines("activities")).length > activities.length);
    t.same(await lines("people?email=ANA@example.com"), (await client.get("/v1/people")).body.data);
    t.same(
      (await lines("accounts")).map(({ externalId }) => externalId),
      ["acme", "beta"],
    );
    t.same((await lines("accounts?segment=MID")).length, 1);
    for (const name of ["cases", "activities", "people", "accounts"]) {
      const text = await read(service, client, name, "application/x-ndjson;q=0.5, text/csv");
      const rows: Record<string, string>[] = parse(text, { columns: true });
      t.equal(rows.length, (await lines(name)).length, name);
      t.ok(
        rows.every(({ id }) => /^[0-9a-f-]{36}$/.test(id ?? "")),
        name,
      );
    }
    t.match(
      await read(service, await service.newClient(), "people", "text/csv"),
      /^id,externalId,.*account\.externalId.*\r\n$/,
    );
  });

  t.test("needs the scope of the list, and refuses what it does not know", async (t) => {
    const limited = await client.withScopes("responses:read");
    t.equal((await limited.get("/v1/exports/people")).status, 403);
    t.equal((await client.get("/v1/exports/responses?nonsense=1")).status, 400);
    t.equal((await client.get("/v1/exports/responses?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z")).status, 400);
    t.equal((await client.get("/v1/exports/nonsense")).status, 404);
    for (const accept of ["text/csv", "application/x-ndjson"]) {
      const headers = { authorization: `Bearer ${client.apiKey}`, accept };
      const refused = await service.app.inject({ url: "/v1/exports/cases?reference=zendesk", headers });
      t.equal(refused.statusCode, 400, accept);
      t.match(refused.json(), { invalidParams: [{ name: "reference" }] });
    }
    const head = await service.app.inject({
      method: "HEAD",
      url: "/v1/exports/responses",
      headers: { authorization: `Bearer ${client.apiKey}`, accept: "text/csv" },
    });
    t.match(head, { statusCode: 200, body: "", headers: { "content-type": /^text\/csv/ } });
  });
});

t.test("who goes away in the middle of an export leaves no connection behind", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const rows = Array.from(
    { length: 8_000 },
    (_, index) => `{"score":9,"comment":"${"x".repeat(500)}","externalId":"${index}"}`,
  );
  await importFile(service, client, "?followUp=NONE&events=false", rows.join("\n"), NDJSON);
  const url = await service.app.listen({ host: "127.0.0.1", port: 0 });
  for (let time = 0; time < 6; time += 1) {
    const sending = request(`${url}/v1/exports/responses`, {
      headers: { authorization: `Bearer ${client.apiKey}` },
    }).end();
    const [answer] = await once(sending, "response");
    await once(answer, "readable");
    t.ok(service.pool.totalCount - service.pool.idleCount >= 1, "the export waits for its reader");
    sending.destroy();
    for (let tries = 0; service.pool.idleCount < service.pool.totalCount && tries < 100; tries += 1) await sleep(20);
    t.equal(service.pool.idleCount, service.pool.totalCount);
  }
  const whole = await fetch(`${url}/v1/exports/responses`, { headers: { authorization: `Bearer ${client.apiKey}` } });
  const ids = (await whole.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).externalId);
  t.equal(new Set(ids).size, 8_000);
  t.equal(ids.length, 8_000);
});

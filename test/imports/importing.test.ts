import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import t from "tap";
import { findWaitingImports, workImport } from "../../src/imports/index.ts";
import { serializers } from "../../src/platform/logger.ts";
import { RECORDING } from "../../src/recording.ts";
import { isCluster } from "../support/cluster.ts";
import { CSV, importFile, NDJSON, workImports } from "../support/files.ts";
import { startService } from "../support/service.ts";
import { readShared } from "../support/shared.ts";

t.test("files of answers", async (t) => {
  const service = await startService(t);

  t.test("a CSV file becomes responses, people, accounts and cases; each bad row is told by its line", async (t) => {
    const client = await service.newClient();
    const csv = [
      "\ufeffscore,comment,person.email,person.account.externalId,person.account.annualValue,properties.plan,externalId,incentivised",
      '9,"two\nlines",ana@example.com,acme,120000.5,pro,r-1,TRUE',
      "",
      "5.0,,,,,,r-2,",
      ",no score,,,,,r-3,",
      "11,,nobody,,,,r-4,maybe",
      "3,too many,,,,,r-5,,x",
      "0,,ben@example.com,acme,,5,r-6,false",
    ].join("\r\n");
    const { posted, import: done, rejections } = await importFile(service, client, "?source=file", csv);
    t.equal(posted.status, 202);
    t.match(posted.body, { status: "QUEUED", format: "CSV", received: 6, created: 0, startedAt: null });
    t.match(done, { status: "DONE", received: 6, created: 2, existing: 0, rejected: 4, failure: null });
    t.ok(done.startedAt <= done.finishedAt);
    t.match(rejections, [
      { line: 5, reason: /^score must be a whole number/ },
      { line: 6, reason: /^score is required\.$/ },
      { line: 7, reason: /score .*person\.email .*|incentivised/ },
      { line: 8, reason: /9 cells, the header has 8/ },
    ]);
    t.match(rejections[2]?.reason, /incentivised must be true or false/);
    const { data } = (await client.get("/v1/responses")).body;
    const [last, first] = data.toSorted((a: any, b: any) => a.score - b.score);
    t.match(first, { score: 9, comment: "two\nlines", source: "file", externalId: "r-1", incentivised: true });
    t.match(first, {
      properties: { plan: "pro" },
      person: { email: "ana@example.com" },
      account: { externalId: "acme" },
    });
    t.match(last, { score: 0, properties: { plan: "5" }, case: { status: "OPEN" } });
    t.match((await client.get("/v1/accounts")).body.data, [{ annualValue: 120000.5 }]);
    t.same(
      await client.rows(
        "select count(*)::int as n from import_chunks where workspace_id = current_setting('app.workspace_id')::uuid",
      ),
      [{ n: 0 }],
    );
  });

  t.test("a column of properties goes with columns of single ones, as far as it is an object", async (t) => {
    const client = await service.newClient();
    const header = "score,properties,properties.plan,person.email,person.properties.x,person.properties";
    const rows = [
      `1,"{""seats"": 5}",pro,a@example.com,1,"{""y"": true}"`,
      "2,abc,pro,,,",
      "3,7,pro,,,",
      "4,,pro,b@example.com,1,abc",
      "5,,pro,,,",
    ];
    const { import: done, rejections } = await importFile(service, client, "", [header, ...rows].join("\n"));
    t.match(done, { status: "DONE", received: 5, created: 2, rejected: 3 });
    t.match(rejections, [
      { line: 3, reason: "properties must be an object." },
      { line: 4, reason: "properties must be an object." },
      { line: 5, reason: /^person\.properties must be an object/ },
    ]);
    const { data } = (await client.get("/v1/responses")).body;
    const byScore = new Map(data.map((one: any) => [one.score, one.properties]));
    t.same([byScore.get(1), byScore.get(5)], [{ seats: 5, plan: "pro" }, { plan: "pro" }]);
    t.match((await client.get("/v1/people")).body.data, [{ properties: { x: "1", y: true } }]);
  });

  t.test("NDJSON is as strict as a POST", async (t) => {
    const client = await service.newClient();
    const lines = [
      '{"score": 10, "survey": {"key": "s"}, "externalId": "a"}',
      '{"score": "5"}',
      '{"score": 5, "score": 6}',
      '{"score": 5, "nonsense": 1}',
      "",
      "[]",
      '{"score": 5, "person": {"name": "x"}}',
      '{"score": 5, "externalId": "a"}',
      "{",
    ].join("\n");
    const { import: done, rejections } = await importFile(service, client, "", lines, NDJSON);
    t.match(done, { status: "DONE", received: 8, created: 1, rejected: 7 });
    t.match(rejections, [
      { line: 2, reason: /score must be a whole number/ },
      { line: 3, reason: /score stands twice/ },
      { line: 4, reason: /nonsense is not a known field/ },
      { line: 6, reason: /must be an object/ },
      { line: 7, reason: /person must have an externalId/ },
      { line: 8, reason: /Another answer/ },
      { line: 9, reason: /not valid JSON/ },
    ]);
    const pages = [];
    for (let cursor = ""; ; ) {
      const { body } = await client.get(`/v1/imports/${done.id}/rejections?limit=3${cursor}`);
      pages.push(...body.data);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    t.same(pages, rejections);
  });

  t.test("columns, delimiters, quotes and times as other programs write them", async (t) => {
    const client = await service.newClient();
    const csv = 'Wann;Note;Warum\r\n25.10.2026 02:30;9;"a; ""b"""\r\n29.03.2026 02:30;7;5" Rohr\r\n2026-01-01;6;\r\n';
    const query = `?map.score=Note&map.comment=Warum&map.respondedAt=Wann&timestampFormat=${encodeURIComponent("dd.MM.yyyy HH:mm")}&timeZone=Europe/Berlin`;
    const { import: done, rejections } = await importFile(service, client, query, csv);
    t.match(done, { created: 2, rejected: 1 });
    t.match(rejections, [{ line: 4, reason: /respondedAt must be written/ }]);
    const { data } = (await client.get("/v1/responses")).body;
    t.match(data, [
      { respondedAt: "2026-10-25T00:30:00.000Z", comment: 'a; "b"' },
      { respondedAt: "2026-03-29T01:30:00.000Z", comment: '5" Rohr' },
    ]);
    const unix = await importFile(
      service,
      client,
      "?timestampFormat=UNIX_SECONDS",
      '{"score":1,"respondedAt":1777885920}',
      NDJSON,
    );
    t.match(unix.import, { created: 1 });
    const latin = await importFile(service, client, "", Buffer.from("score\tcomment\n1\tgr\xfcn\n2\tgut\n", "latin1"));
    t.match(latin.import, { created: 1, rejected: 1 });
    t.match(latin.rejections, [{ line: 2, reason: /UTF-8/ }]);
  });

  t.test("the same bytes and query again are the first import, unless asked for; nothing is doubled", async (t) => {
    const client = await service.newClient();
    const csv = "score,respondedAt,person.email\n9,2026-01-01T00:00:00Z,ana@example.com\n5,,\n5,,\n";
    const first = await importFile(service, client, "", csv);
    t.match(first.import, { created: 3, existing: 0 });
    const same = await importFile(service, client, "", csv);
    t.equal(same.posted.status, 200);
    t.equal(same.posted.body.id, first.import.id);
    const again = await importFile(service, client, "?again=true", csv);
    t.equal(again.posted.status, 202);
    t.match(again.import, { created: 0, existing: 3 }, "rows without an id are known again");
    const grown = await importFile(
      service,
      client,
      "",
      `${csv}8,2026-01-02T00:00:00Z,ana@example.com\n`.replace("5,,\n5,,\n", ""),
    );
    t.match(grown.import, { created: 1, existing: 1 }, "who answered when is known in another file as well");
    t.equal((await importFile(service, client, "?source=other", csv)).posted.status, 202);
    t.equal((await client.get("/v1/imports")).body.data.length, 4);
    const { body } = await client.get("/v1/imports?limit=3");
    t.equal(body.data.length, 3);
    t.equal((await client.get(`/v1/imports?cursor=${body.nextCursor}`)).body.data[0].id, first.import.id);
  });

  t.test("history opens no case and tells nobody", async (t) => {
    const client = await service.newClient();
    await importFile(service, client, "?followUp=NONE&events=false", "score\n1\n");
    const events =
      "select count(*)::int as n from events where workspace_id = current_setting('app.workspace_id')::uuid";
    t.same(await client.rows(events), [{ n: 0 }]);
    t.match((await client.get("/v1/responses")).body.data, [{ score: 1, case: null }]);
  });

  t.test("what cannot be read at all is told at once", async (t) => {
    const client = await service.newClient();
    const refused = async (query: string, body: string | Buffer, headers: Record<string, string>, names: string[]) => {
      const answer = await client.post(`/v1/imports${query}`, body, headers);
      t.equal(answer.status, 400, JSON.stringify(answer.body));
      t.same(answer.body.invalidParams?.map(({ name }: { name: string }) => name) ?? [], names);
    };
    await refused("", "Score,comment\n1,x\n", CSV, ["Score"]);
    await refused("?map.score=Note", "score\n1\n", CSV, ["map.score"]);
    await refused("?map.nonsense=score", "score\n1\n", CSV, ["map.nonsense"]);
    await refused("?map.score=x", '{"score":1}', NDJSON, ["map.score"]);
    const twice = "?map.properties.2024=a&map.properties.2024=b";
    await refused(twice, "score\n1\n", CSV, ["map.properties.2024"]);
    t.match((await client.post(`/v1/imports${twice}`, "score\n1\n", CSV)).body.invalidParams, [
      { reason: "must be given once" },
    ]);
    await refused("?timeZone=Mars/Base&timestampFormat=QQ", "score\n1\n", CSV, ["timeZone", "timestampFormat"]);
    await refused("", "", CSV, []);
    await refused("", Buffer.from("\ufeffscore\n1\n", "utf16le"), CSV, []);
    await refused("", "score\n1\n", { ...CSV, "idempotency-key": "k" }, ["idempotency-key"]);
    t.equal((await client.post("/v1/imports", "{}", { "content-type": "application/json" })).status, 415);
    t.equal((await client.post("/v1/imports", "score", { "content-type": "text/csv; charset=latin1" })).status, 415);
    t.equal((await client.post("/v1/imports", "score", { ...CSV, "content-encoding": "gzip" })).status, 415);
    const reader = await client.withScopes("responses:read");
    t.equal((await reader.post("/v1/imports", "score\n1\n", CSV)).status, 403);
    t.same((await client.get("/v1/imports")).body.data, []);
  });

  t.test("a small import does not wait for a large one, and any number of workers double nothing", async (t) => {
    const [large, small] = [await service.newClient(), await service.newClient()];
    const rows = Array.from({ length: 5_500 }, (_, index) => `{"score":${index % 11},"externalId":"${index}"}`);
    const { body: first } = await large.post("/v1/imports?followUp=NONE", rows.join("\n"), NDJSON);
    t.match(first, { status: "QUEUED", received: 5_500 });
    const { body: second } = await small.post("/v1/imports", "score\n9\n", CSV);
    for (const one of await findWaitingImports(service.tenancy)) await workImport(service.tenancy, RECORDING, one);
    t.match((await small.get(`/v1/imports/${second.id}`)).body, { status: "DONE" });
    await Promise.all(
      [1, 2, 3].map(async () => {
        const one = { workspaceId: large.workspaceId, id: first.id };
        for (let tries = 0; tries < 20; tries += 1) await workImport(service.tenancy, RECORDING, one);
      }),
    );
    t.match((await large.get(`/v1/imports/${first.id}`)).body, { status: "DONE", created: 5_500, rejected: 0 });
    t.equal((await large.query("{ nps { answered } }")).nps.answered, 5_500);
  });

  t.test("the log tells which row a fault of ours has cost, and why, and nothing of what it says", async (t) => {
    const client = await service.newClient();
    await client.rows("alter table responses add constraint fault check (comment <> 'canary') not valid");
    const csv = "score,comment,person.email\n9,fine,\n2,canary,canary@example.com\n";
    const { body: queued } = await client.post("/v1/imports", csv, CSV);
    const lines: string[] = [];
    await workImports(service, pino({ serializers }, { write: (line) => void lines.push(line) }));
    await client.rows("alter table responses drop constraint fault");
    const done = (await client.get(`/v1/imports/${queued.id}`)).body;
    t.match(done, { status: "DONE", created: 1, rejected: 1 });
    const { data } = (await client.get(`/v1/imports/${queued.id}/rejections`)).body;
    t.match(data, [{ line: 3, reason: /fault of ours/ }]);
    t.equal(lines.length, 1);
    t.match(JSON.parse(lines[0] ?? ""), { import_id: queued.id, line: 3, err: { type: "AppError", cause: {} } });
    // Citus does not say which one it was.
    if (!isCluster) t.match(lines[0], /"constraint":"fault"/);
    t.notMatch(lines[0], /canary/);
  });

  t.test("an upload that breaks off is FAILED, and nothing of it is recorded", async (t) => {
    const client = await service.newClient();
    const url = service.app.server.listening ? "" : await service.app.listen({ host: "127.0.0.1", port: 0 });
    const aborting = new AbortController();
    const body = new ReadableStream({
      async pull(controller) {
        if (aborting.signal.aborted) return controller.close();
        controller.enqueue(Buffer.from('{"score":1}\n'.repeat(10_000)));
        await sleep(20);
      },
    });
    const sending = fetch(`${url}/v1/imports`, {
      method: "POST",
      headers: { authorization: `Bearer ${client.apiKey}`, ...NDJSON },
      body,
      duplex: "half",
      signal: aborting.signal,
    }).catch(() => "aborted");
    const latest = async () => (await client.get("/v1/imports")).body.data[0];
    while (!((await latest())?.received > 2_000)) await sleep(20);
    aborting.abort();
    t.equal(await sending, "aborted");
    while ((await latest()).status === "RECEIVING") await sleep(20);
    t.match(await latest(), { status: "FAILED", created: 0, failure: /broke off/ });
    await workImports(service);
    const chunks =
      "select count(*)::int as n from import_chunks where workspace_id = current_setting('app.workspace_id')::uuid";
    t.same(await client.rows(chunks), [{ n: 0 }]);
    t.same((await client.get("/v1/responses")).body.data, []);
  });
});

const csv = readShared("data/sudzilla.csv");

t.test("39 real answers as they were exported give the published score", { skip: csv === undefined }, async (t) => {
  const { columns, expected, withComment, byDay } = JSON.parse(readShared("data/sudzilla.expected.json") ?? "{}");
  const service = await startService(t);
  const client = await service.newClient();
  const mapping = Object.entries<{ name: string }>(columns).map(([field, { name }]): [string, string] => [
    `map.${field}`,
    name,
  ]);
  const query = new URLSearchParams(mapping);
  query.set("timestampFormat", "M/d/yyyy H:mm:ss");
  query.set("timeZone", "UTC");
  const { import: done } = await importFile(service, client, `?${query.toString()}`, csv ?? "");
  t.match(done, { status: "DONE", received: expected.answered, created: expected.answered, rejected: 0 });
  const { nps, day, commented } = await client.query(`{
    nps { nps npsRounded answered distribution }
    day: nps(filter: { from: "2019-11-02T00:00:00Z", to: "2019-11-03T00:00:00Z" }) { nps answered }
    commented: responses(filter: { hasComment: true }) { totalCount }
  }`);
  t.ok(Math.abs(nps.nps - expected.nps) < 1e-6);
  t.same(nps.distribution, expected.distribution);
  t.match(day, { nps: byDay["2019-11-02"].nps, answered: byDay["2019-11-02"].answered });
  t.equal(commented.totalCount, withComment);
});

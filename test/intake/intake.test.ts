import t from "tap";
import { startService } from "../support/service.ts";
import { deliver, deliverWootric, JSON_MAPPING, jsonSource, newSource, receipts, stored } from "../support/sources.ts";

t.test("who is not the source learns nothing, and who tries an address finds it", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const source = await jsonSource(client);
  const answers = [
    await deliver(service, { id: "01a2039a-ad53-7662-bd8b-e9436e468fa2" }, {}),
    await deliver(service, { id: "nonsense" }, {}),
    await deliver(service, source, {}, { "x-webhook-token": "another" }),
    await deliver(service, source, {}, { "x-webhook-token": "" }),
  ];
  for (const { status, body } of answers) {
    t.equal(status, 401);
    t.equal(body.detail, answers[0]?.body.detail, "an unknown source is not told from a wrong token");
  }
  t.same(await receipts(client, source), []);
  for (const method of ["GET", "HEAD"] as const) {
    t.equal((await service.app.inject({ method, url: `/v1/intake/${source.id}?challenge=1` })).statusCode, 200);
  }
  const none = await newSource(client, { vendor: "WOOTRIC", secret: null });
  t.equal(none.hasSecret, false);
  t.equal(
    (await deliverWootric(service, none, "{}", "application/json")).status,
    401,
    "without a secret nothing is let in",
  );
});

t.test("what is signed and cannot be used is ignored, with a reason among the receipts", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const source = await jsonSource(client);
  const cases: [string | Buffer | object, RegExp, string?][] = [
    ["{", /not valid JSON/],
    ["", /not valid JSON/],
    [Buffer.from('{"id":"\xff"}', "latin1"), /not UTF-8/],
    [`${"[".repeat(40)}${"]".repeat(40)}`, /nests deeper/],
    ["null", /no id/],
    [[], /no id/],
    [{ s: 5 }, /no id/],
    [{ id: "a", s: 11 }, /not an integer from 0 to 10/],
    [{ id: "a", s: 5.5 }, /not an integer/],
    [{ id: "a", s: "5.0" }, /not an integer/],
    [{ id: "a", s: " 5" }, /not an integer/],
    [{ id: "a", s: true }, /not an integer/],
    [{ id: "a", s: null }, /has no answer/],
    ["--x", /multipart/, "multipart/form-data; boundary=y"],
  ];
  for (const [payload, reason, type] of cases) {
    const { status, body } = await deliver(
      service,
      source,
      payload,
      type === undefined ? {} : { "content-type": type },
    );
    t.match({ status, body }, { status: 200, body: { outcome: "IGNORED", reason } }, String(reason));
  }
  t.same(await stored(client), []);
  const kept = await receipts(client, source);
  t.equal(kept.length, cases.length);
  t.match(kept.at(-1), { outcome: "IGNORED", body: "{", headers: { "content-type": "application/json" } });
  t.notMatch(JSON.stringify(kept), /secret-of-ours/, "tokens are not kept");
});

t.test("a JSON source takes digits, odd times and long texts, and drops what it cannot use", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const mapping = {
    ...JSON_MAPPING,
    email: "/e",
    name: "/n",
    respondedAt: "/t",
    channel: "/ch",
    properties: { plan: "/a~1b/0" },
  };
  const source = await jsonSource(client, {
    mapping,
    key: "tool",
    tokenHeader: "X-Mine",
    defaults: { touchpoint: "web", survey: { key: "k" } },
  });
  const headers = { "x-webhook-token": "", "x-mine": "secret-of-ours" };
  t.match((await deliver(service, source, { s: 0, id: 1, t: "2026-01-01" }, headers)).body, { outcome: "RECORDED" });
  const payload = {
    s: "10",
    id: 7,
    c: "x".repeat(11_000),
    e: "no address",
    n: "Ana",
    t: "2026-01-02 03:04",
    ch: "email",
    "a/b": ["pro"],
  };
  const { body } = await deliver(service, source, payload, headers);
  t.equal(body.outcome, "RECORDED", JSON.stringify(body));
  const [response, worst] = await stored(client);
  t.match(worst, { score: 0, category: "DETRACTOR", case: { status: "OPEN" } }, "0 is a score");
  t.match(response, {
    score: 10,
    externalId: "7",
    source: "tool",
    channel: "EMAIL",
    touchpoint: "web",
    survey: { key: "k" },
    respondedAt: "2026-01-02T03:04:00.000Z",
    person: null,
    properties: { plan: "pro" },
  });
  t.equal(response.comment.length, 10_000);
  const ahead = new Date(Date.now() + 48 * 3_600_000).toISOString();
  for (const [n, times] of [{ t: ahead }, { t: "1969-12-31" }, { u: "2999-01-01T00:00:00Z" }].entries()) {
    const before = new Date().toISOString();
    const answer = await deliver(service, source, { s: 2, id: `time-${n}`, ...times }, headers);
    t.match(answer.body, { outcome: "RECORDED" }, `${JSON.stringify(times)} cannot be, and the answer counts`);
    const found = (await stored(client)).find(({ externalId }: any) => externalId === `time-${n}`);
    t.ok(found.respondedAt >= before && found.respondedAt < ahead, "as of now");
    t.match(found, { case: { status: "OPEN" } });
  }
});

t.test("a form with brackets, its parts and JSON say the same", async (t) => {
  const service = await startService(t);
  const fields = {
    "response[id]": "9",
    "response[score]": "7",
    "response[text]": "",
    "response[email]": "ana@example.com",
    "response[created_at]": "2016-08-04 13:57:26 -0700",
    "response[end_user_properties][plan]": "pro",
    event_name: "created",
    survey_mode: "NPS",
  };
  const boundary = "b0undary";
  const parts = Object.entries(fields)
    .map(([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("");
  const bodies: [string, string][] = [
    ["application/x-www-form-urlencoded", new URLSearchParams(fields).toString()],
    [`multipart/form-data; boundary=${boundary}`, `${parts}--${boundary}--\r\n`],
    [
      "application/vnd.tool.v1+json",
      JSON.stringify({
        response: {
          id: 9,
          score: 7,
          text: null,
          email: "ana@example.com",
          created_at: "2016-08-04T13:57:26-07:00",
          end_user_properties: { plan: "pro" },
        },
        event_name: "created",
      }),
    ],
  ];
  for (const [type, payload] of bodies) {
    const client = await service.newClient();
    const source = await newSource(client, { vendor: "WOOTRIC" });
    const { body } = await deliverWootric(service, source, payload, type);
    t.equal(body.outcome, "RECORDED", `${type}: ${JSON.stringify(body)}`);
    t.match((await stored(client))[0], {
      score: 7,
      comment: null,
      externalId: "9",
      respondedAt: "2016-08-04T20:57:26.000Z",
      person: { email: "ana@example.com" },
      properties: { plan: "pro" },
    });
  }
});

t.test("what Wootric leaves out of its score is excluded, opens no case, and comes back", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const source = await newSource(client, { vendor: "WOOTRIC" });
  const send = (excluded: boolean, updated: string, score = 2) =>
    deliverWootric(
      service,
      source,
      JSON.stringify({
        response: { id: 1, score, updated_at: updated, excluded_from_calculations: excluded },
        event_name: "updated",
      }),
      "application/json",
    );
  t.equal((await send(true, "2026-01-01T00:00:00Z")).body.outcome, "RECORDED");
  t.match((await stored(client))[0], { exclusion: { reason: "OTHER", excludedBy: `source:${source.id}` }, case: null });
  t.equal((await send(true, "2026-01-01T00:00:01Z")).body.outcome, "DUPLICATE");
  t.equal((await send(false, "2026-01-01T00:00:02Z")).body.outcome, "UPDATED");
  t.match((await stored(client))[0], { exclusion: null, case: { status: "OPEN" } });
  const { id } = (await stored(client))[0];
  await client.post(`/v1/responses/${id}/exclusion`, { reason: "INTERNAL" });
  await send(false, "2026-01-01T00:00:03Z", 3);
  t.match(
    (await stored(client))[0],
    { score: 3, exclusion: { reason: "INTERNAL" } },
    "what a person excluded stays out",
  );
});

t.test("a mended mapping is replayed, as history where it is wished", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const source = await jsonSource(client, { mapping: { score: "/wrong", externalId: "/id" } });
  for (let n = 0; n < 5; n += 1) await deliver(service, source, { id: `r-${n}`, s: 1, c: "Why" });
  t.same(await stored(client), []);
  await client.patch(`/v1/sources/${source.id}`, { mapping: { score: "/s", comment: "/c" } });
  const call = async (query: string) => {
    const { statusCode, body } = await service.app.inject({
      method: "POST",
      url: `/v1/sources/${source.id}/receipts/replay?${query}`,
      headers: { authorization: `Bearer ${client.apiKey}` },
    });
    return { status: statusCode, body: JSON.parse(body) };
  };
  const before = (await client.rows("select count(*)::int as n from events"))[0]?.["n"];
  const first = await call("followUp=NONE&events=false&limit=3");
  t.match(first, { status: 200, body: { replayed: 3, outcomes: { RECORDED: 3 }, nextCursor: String } });
  const second = await call(`followUp=NONE&events=false&limit=3&cursor=${first.body.nextCursor}`);
  t.match(second.body, { replayed: 2, outcomes: { RECORDED: 2 }, nextCursor: null });
  t.equal((await stored(client)).length, 5);
  t.match((await stored(client))[0], { comment: "Why", case: null });
  t.equal((await client.rows("select count(*)::int as n from events"))[0]?.["n"], before, "nobody is told");
  t.same((await call("")).body, { replayed: 5, outcomes: { DUPLICATE: 5 }, nextCursor: null }, "again does nothing");
  t.match(
    await receipts(client, source),
    Array.from({ length: 5 }, () => ({ outcome: "RECORDED", reason: null })),
  );
  await client.patch(`/v1/sources/${source.id}`, { mapping: { score: "/id" } });
  const options = { followUp: "NONE", events: false };
  const { status, body } = await client.post(`/v1/sources/${source.id}/receipts/replay`, options);
  t.match({ status, body }, { status: 400, body: { invalidParams: [{ name: "followUp" }, { name: "events" }] } });
  t.same((await call("outcome=RECORDED")).body.outcomes, { IGNORED: 5 });
  t.equal((await stored(client)).length, 5, "what was recorded stays");
});

t.test("a fault of ours keeps the delivery, and the sender comes again", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const source = await jsonSource(client);
  await service.pool.query("alter table responses add constraint fault check (score <> 4) not valid");
  const failed = await deliver(service, source, { id: "a", s: 4 });
  t.equal(failed.status, 500);
  t.match(await receipts(client, source), [{ outcome: "FAILED", body: '{"id":"a","s":4}' }]);
  await service.pool.query("alter table responses drop constraint fault");
  t.equal((await deliver(service, source, { id: "a", s: 4 })).body.outcome, "RECORDED");
});

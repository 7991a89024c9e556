import t from "tap";
import { startService } from "../support/service.ts";
import { deliver, jsonSource, newSource, receipts, stored } from "../support/sources.ts";

t.test("events of one answer", async (t) => {
  const service = await startService(t);

  t.test("come in any order, and older ones change nothing", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    const send = async (payload: object) => (await deliver(service, source, payload)).body.outcome;
    t.equal(await send({ id: "a", c: "Said first", f: true, u: 100 }), "IGNORED");
    t.equal(await send({ id: "a", s: 9, u: 90 }), "RECORDED");
    t.match((await stored(client))[0], {
      score: 9,
      comment: "Said first",
      followUpRequested: true,
      case: { status: "OPEN" },
    });
    t.match((await receipts(client, source)).at(-1), { outcome: "UPDATED" }, "the receipt of what waited says so");
    t.equal(await send({ id: "a", c: "Older", u: 80 }), "DUPLICATE");
    t.equal(await send({ id: "a", s: 1, u: 100 }), "DUPLICATE", "as old as what is stored");
    t.equal(await send({ id: "a", c: "Newer", u: 110 }), "UPDATED");
    t.equal(await send({ id: "a", s: 2, u: 120 }), "UPDATED");
    t.match(await stored(client), [{ score: 2, comment: "Newer" }]);
    t.equal(await send({ id: "b", s: 2 }), "RECORDED");
    t.equal(await send({ id: "b", s: 2 }), "DUPLICATE", "also without times");
    t.equal((await client.query("{ cases { totalCount } }")).cases.totalCount, 2);
  });

  t.test("come two at once lose nothing", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    for (let n = 0; n < 12; n += 1) {
      const id = `r-${n}`;
      const events = [
        { id, s: 3 },
        { id, c: "Why" },
        { id, f: true },
        { id, s: 3 },
      ];
      const answers = await Promise.all(events.map((event) => deliver(service, source, event)));
      t.ok(answers.every(({ status }) => status === 200));
      t.equal(answers.filter(({ body }) => body.outcome === "RECORDED").length, 1);
    }
    const all = await stored(client);
    t.equal(all.length, 12);
    for (const response of all) t.match(response, { score: 3, comment: "Why", followUpRequested: true });
    t.equal((await client.rows("select id from cases")).length, 12);
    t.equal((await client.rows("select id from source_receipts")).length, 48);
  });

  t.test("that waited for its score give it what was said last, whichever came first", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    const send = async (payload: object) => (await deliver(service, source, payload)).body.outcome;
    const one = async (id: string) => (await stored(client)).find((response: any) => response.externalId === id);
    t.equal(await send({ id: "a", c: "Why", f: false, u: 80 }), "IGNORED");
    t.equal(await send({ id: "a", s: 9, f: true, u: 90 }), "RECORDED");
    t.match(await one("a"), { comment: "Why", followUpRequested: true, case: { status: "OPEN" } });
    t.equal(await send({ id: "b", f: true, u: 80 }), "IGNORED");
    t.equal(await send({ id: "b", s: 9, c: "Fine", u: 90 }), "RECORDED");
    t.match(await one("b"), { comment: "Fine", followUpRequested: true }, "nobody took the wish back");
    t.equal(await send({ id: "c", c: "Newest", u: 95 }), "IGNORED");
    t.equal(await send({ id: "c", c: "Oldest", f: true, u: 70 }), "IGNORED");
    t.equal(await send({ id: "c", s: 9, c: "Older", f: false, u: 90 }), "RECORDED");
    t.match(await one("c"), { comment: "Newest", followUpRequested: false });
    t.equal(await send({ id: "c", c: "Between", u: 94 }), "DUPLICATE", "the answer is as new as the newest of them");
    t.equal(await send({ id: "d", c: "First" }), "IGNORED");
    t.equal(await send({ id: "d", c: "Second", f: true }), "IGNORED");
    t.equal(await send({ id: "d", s: 9, c: "Third" }), "RECORDED");
    t.match(await one("d"), { comment: "Third", followUpRequested: true }, "without times the order of arrival counts");
    const outcomes = (await receipts(client, source)).map((receipt: any) => [
      JSON.parse(receipt.body).c,
      receipt.outcome,
    ]);
    t.strictSame(
      outcomes
        .filter(([comment]: string[]) => ["Newest", "Oldest", "First", "Second"].includes(comment ?? ""))
        .toReversed(),
      [
        ["Newest", "UPDATED"],
        ["Oldest", "DUPLICATE"],
        ["First", "DUPLICATE"],
        ["Second", "UPDATED"],
      ],
    );
  });

  t.test("that come again do not undo what people changed, with a time or without", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    const send = async (payload: object) => (await deliver(service, source, payload)).body;
    for (const time of [{}, { u: 100 }]) {
      const id = `r-${JSON.stringify(time)}`;
      const { responseId } = await send({ id, s: 2, c: "Bad", ...time });
      await client.patch(`/v1/responses/${responseId}`, { score: 9, comment: null });
      t.match(await send({ id, s: 2, c: "Bad", ...time }), { outcome: "DUPLICATE", reason: /before|as new/ });
      t.match((await client.get(`/v1/responses/${responseId}`)).body, { score: 9, comment: null });
    }
    await send({ id: "back", s: 3 });
    await send({ id: "back", s: 9 });
    t.match(
      await send({ id: "back", s: 3 }),
      { outcome: "UPDATED" },
      "who answers as at first has changed his mind again",
    );
  });

  t.test("that failed and were sent again do not come back by a replay", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    await deliver(service, source, { id: "a", s: 2 });
    await client.rows("update source_receipts set outcome = 'FAILED', response_id = null, external_id = null");
    await client.rows("update source_receipts set received_at = received_at - interval '1 minute'");
    await deliver(service, source, { id: "a", s: 9 });
    const { payload } = await service.app.inject({
      method: "POST",
      url: `/v1/sources/${source.id}/receipts/replay?outcome=FAILED`,
      headers: { authorization: `Bearer ${client.apiKey}` },
    });
    t.match(JSON.parse(payload), { replayed: 1, outcomes: { DUPLICATE: 1 } });
    t.match(await stored(client), [{ score: 9 }]);
  });

  t.test("leave what they do not say, whatever the source's defaults have become", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client, {
      defaults: { survey: { key: "q2", kind: "TRANSACTIONAL" }, channel: "WEB" },
    });
    await deliver(service, source, { id: "a", s: 3, u: 1 });
    await client.patch(`/v1/sources/${source.id}`, {
      defaults: { survey: { key: "q3" }, channel: "EMAIL", test: true },
    });
    t.equal((await deliver(service, source, { id: "a", s: 4, c: "Late", u: 2 })).body.outcome, "UPDATED");
    const expected = { score: 4, comment: "Late", survey: { key: "q2" }, channel: "WEB", exclusion: null };
    t.match((await stored(client))[0], expected);
    await deliver(service, source, { id: "b", s: 3, u: 1 });
    t.match((await stored(client))[0], { survey: { key: "q3" }, channel: "EMAIL", exclusion: { reason: "TEST" } });
    await client.patch(`/v1/sources/${source.id}`, { mapping: { surveyKey: "/q" } });
    await deliver(service, source, { id: "a", s: 4, q: "named", u: 3 });
    t.match(
      (await stored(client)).at(-1),
      { survey: { key: "named", kind: "TRANSACTIONAL" } },
      "a new survey is of its kind",
    );
    await service.app.inject({
      method: "POST",
      url: `/v1/sources/${source.id}/receipts/replay`,
      headers: { authorization: `Bearer ${client.apiKey}` },
    });
    t.match((await stored(client)).at(-1), { channel: "EMAIL" }, "a receipt is read anew by the source as it is now");
  });

  t.test("have ids of any length, and a wish in any of its words", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    for (const id of ["1152921504606846977", "1152921504606846978"]) {
      await deliver(service, source, `{"id":${id},"s":3,"f":"on"}`);
    }
    t.match(await stored(client), [
      { externalId: "1152921504606846978", followUpRequested: true },
      { externalId: "1152921504606846977" },
    ]);
  });

  t.test("are taken with a content type that is none", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    for (const [n, type] of ["json", "", "application/", ";", "a b/c"].entries()) {
      const { status, body } = await deliver(service, source, { id: `r-${n}`, s: 3 }, { "content-type": type });
      t.match({ status, body }, { status: 200, body: { outcome: "RECORDED" } }, JSON.stringify(type));
    }
    const source2 = { id: `${source.id}/` };
    t.equal(
      (await deliver(service, source2, { id: "slash", s: 3 })).body.outcome,
      "RECORDED",
      "and at its address with a slash",
    );
  });
});

t.test("of two scales about recommending the one from 0 to 10 is asked", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const tally = await newSource(client, { vendor: "TALLY" });
  const scale = (key: string, value: number, more: object = {}) => ({
    key,
    label: "Would you recommend us?",
    type: "LINEAR_SCALE",
    value,
    ...more,
  });
  const payload = (...fields: object[]) =>
    JSON.stringify({ eventType: "FORM_RESPONSE", data: { responseId: "r", fields } });
  const preview = async (body: string) => {
    const { statusCode, payload: text } = await service.app.inject({
      method: "POST",
      url: `/v1/sources/${tally.id}/preview`,
      headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json" },
      payload: body,
    });
    return statusCode === 200 ? JSON.parse(text) : { statusCode };
  };
  t.match(await preview(payload(scale("a", 4, { properties: { start: 1, end: 5 } }), scale("b", 9))), {
    response: { score: 9 },
  });
  t.match(await preview(payload(scale("a", 4, { steps: 5 }), scale("b", 9, { min: 0, max: 10 }))), {
    response: { score: 9 },
  });
  t.match(
    await preview(payload(scale("a", 4), scale("b", 9))),
    { outcome: "IGNORED" },
    "of two that may be meant none",
  );
});

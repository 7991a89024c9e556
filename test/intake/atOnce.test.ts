import t from "tap";
import { startService } from "../support/service.ts";
import { deliver, jsonSource } from "../support/sources.ts";

const AT_ONCE = 150;

t.test("deliveries that come in at once", async (t) => {
  const service = await startService(t);

  t.test("share transactions, and each sender is told of their own", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client, { key: "tool" });
    const numbers = Array.from({ length: AT_ONCE }, (_, n) => n);
    const answers = await Promise.all(
      numbers.map((n) => {
        if (n % 50 === 7) return deliver(service, source, { id: n, s: 5 }, { "x-webhook-token": "another" });
        if (n % 50 === 8) return deliver(service, source, { id: n, s: 11 });
        if (n % 50 === 9) return deliver(service, source, "{");
        return deliver(service, source, { id: n, s: n % 11 });
      }),
    );
    for (const [n, { status, body }] of answers.entries()) {
      if (n % 50 === 7) t.equal(status, 401);
      else if (n % 50 === 8) t.match(body, { outcome: "IGNORED", reason: /not an integer/ });
      else if (n % 50 === 9) t.match(body, { outcome: "IGNORED", reason: /not valid JSON/ });
      else {
        t.equal(body.outcome, "RECORDED");
        const { body: response } = await client.get(`/v1/responses/${body.responseId}`);
        t.match(response, { score: n % 11, source: "tool", externalId: String(n) });
        t.equal(response.case === null, n % 11 > 6);
      }
    }
    const [kept] = await client.rows(
      `select count(*)::int as receipts, count(*) filter (where outcome = 'RECORDED')::int as recorded,
        count(distinct received_at)::int as transactions from source_receipts`,
    );
    t.match(kept, { receipts: AT_ONCE - 3, recorded: AT_ONCE - 9 });
    t.ok(Number(kept?.["transactions"]) < AT_ONCE / 5, "many in one");
    t.same(
      await client.rows(`select count(*)::int as n from source_receipts join responses
        on responses.workspace_id = source_receipts.workspace_id and responses.id = response_id and responses.external_id = source_receipts.external_id`),
      [{ n: AT_ONCE - 9 }],
      "each receipt knows its answer",
    );
  });

  t.test("and are of one answer end as if they had come one by one", async (t) => {
    const client = await service.newClient();
    const source = await jsonSource(client);
    await deliver(service, source, { id: "early", c: "Said before" });
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, (_, n) => deliver(service, source, { id: `other-${n}`, s: 9 })),
      deliver(service, source, { id: "early", s: 3 }),
      deliver(service, source, { id: "parts", c: "Said first" }),
      deliver(service, source, { id: "parts", s: 2, u: 100 }),
      deliver(service, source, { id: "parts", s: 2, u: 100 }),
      deliver(service, source, { id: "newer", s: 1, u: 200 }),
      deliver(service, source, { id: "newer", s: 10, u: 100 }),
    ]);
    t.ok(answers.every(({ status }) => status === 200));
    const [early, newer, parts, ...none] =
      await client.rows(`select score, comment, (select count(*)::int from case_responses
      where case_responses.workspace_id = responses.workspace_id and response_id = responses.id) as cases from responses where external_id !~ 'other' order by external_id`);
    t.match(early, { score: 3, comment: "Said before", cases: 1 });
    t.match(newer, { score: 1, cases: 1 });
    t.match(parts, { score: 2, comment: "Said first", cases: 1 });
    t.same(none, []);
    const outcomesOf = async (id: string) =>
      (await client.rows(`select outcome from source_receipts where external_id = '${id}' order by 1`)).map(
        ({ outcome }) => outcome,
      );
    t.same(await outcomesOf("early"), ["RECORDED", "UPDATED"], "what waited was taken up");
    t.same(await outcomesOf("parts"), ["DUPLICATE", "RECORDED", "UPDATED"]);
    const later = await Promise.all(
      Array.from({ length: 30 }, (_, n) => deliver(service, source, { id: `other-${n}`, c: `Later ${n}` })),
    );
    t.same(new Set(later.map(({ body }) => body.outcome)), new Set(["UPDATED"]));
    const [told] = await client.rows(
      "select count(*)::int as n from responses where comment = replace(external_id, 'other-', 'Later ')",
    );
    t.same(told, { n: 30 }, "each has its comment");
  });
});

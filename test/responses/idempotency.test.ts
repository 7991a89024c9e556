import t from "tap";
import { forgetKeptAnswers } from "../../src/platform/idempotencyForgetting.ts";
import { startService } from "../support/service.ts";

t.test("Idempotency-Key", async (t) => {
  const service = await startService(t);

  t.test("50 requests at once with one key make one response; the others replay it or are told to wait", async (t) => {
    const client = await service.newClient();
    const body = { score: 2, person: { email: "ana@example.com" } };
    const send = () => client.post("/v1/responses", body, { "idempotency-key": "k-1" });
    const answers = await Promise.all(Array.from({ length: 50 }, send));
    const created = answers.filter(
      ({ status, headers }) => status === 201 && headers["idempotent-replayed"] === undefined,
    );
    t.equal(created.length, 1);
    for (const { status, headers, body: answer } of answers) {
      if (status === 201) t.same(answer, created[0]?.body);
      else
        t.match(
          { status, headers, answer },
          { status: 409, headers: { "retry-after": "1" }, answer: { code: "idempotency_in_progress" } },
        );
    }
    const again = await send();
    t.match(again, { status: 201, headers: { "idempotent-replayed": "true" } });
    t.same(again.body, created[0]?.body);
    t.same(await client.rows("select count(*) as responses from responses"), [{ responses: 1 }]);
  });

  t.test("nor are there two where each request is a transaction of its own", async (t) => {
    const client = await service.newClient();
    const { body } = await client.post("/v1/responses", { score: 2 });
    const note = () => client.post(`/v1/cases/${body.case.id}/notes`, { text: "Called" }, { "idempotency-key": "k" });
    const statuses = (await Promise.all(Array.from({ length: 10 }, note))).map(({ status }) => status);
    t.ok(statuses.includes(200) && statuses.every((status) => status === 200 || status === 409), String(statuses));
    t.same(await client.rows("select count(*)::int as n from case_activities where type = 'NOTE'"), [{ n: 1 }]);
  });

  t.test("another body under the key is a mismatch, the same in another order is not", async (t) => {
    const client = await service.newClient();
    const headers = { "idempotency-key": "k-2" };
    const first = await client.post("/v1/responses", '{"score":9,"comment":"x"}', headers);
    t.match(await client.post("/v1/responses", { score: 8 }, headers), {
      status: 422,
      body: { code: "idempotency_mismatch" },
    });
    t.same((await client.post("/v1/responses", '{ "comment": "x", "score": 9 }', headers)).body, first.body);
  });

  t.test("a key belongs to one workspace and one route", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    const headers = { "idempotency-key": "k-3" };
    const first = await client.post("/v1/responses", { score: 9 }, headers);
    const second = await other.post("/v1/responses", { score: 9 }, headers);
    t.not(first.body.id, second.body.id);
    t.equal((await client.post("/v1/responses/batch", { responses: [{ score: 9 }] }, headers)).status, 200);
  });

  t.test("the verb's own refusal is kept, what the caller can mend is not", async (t) => {
    const client = await service.newClient();
    await client.post("/v1/responses", { score: 9, externalId: "r-1" });
    const conflict = { score: 1, externalId: "r-1" };
    const first = await client.post("/v1/responses", conflict, { "idempotency-key": "k-4" });
    const again = await client.post("/v1/responses", conflict, { "idempotency-key": "k-4" });
    t.match(first, {
      status: 409,
      body: { code: "conflict" },
      headers: { "content-type": /^application\/problem\+json/ },
    });
    t.match(again, {
      status: 409,
      headers: { "idempotent-replayed": "true", "content-type": /^application\/problem\+json/ },
    });
    t.same(again.body, first.body);
    const headers = { "idempotency-key": "k-5" };
    t.equal((await client.post("/v1/responses", { score: 11 }, headers)).status, 400);
    t.equal((await client.post("/v1/responses", { score: 5, person: {} }, headers)).status, 400);
    t.equal((await client.post("/v1/responses", { score: 10 }, headers)).status, 201);
  });

  t.test("a key is forgotten after 72 hours, not before", async (t) => {
    const client = await service.newClient();
    const send = () => client.post("/v1/responses", { score: 9 }, { "idempotency-key": "k-6" });
    const first = await send();
    await client.rows("update idempotency_keys set created_at = now() - interval '71 hours 59 minutes'");
    t.equal((await send()).body.id, first.body.id);
    await client.rows("update idempotency_keys set created_at = now() - interval '72 hours 1 minute'");
    const anew = await send();
    t.not(anew.body.id, first.body.id);
    t.equal((await send()).body.id, anew.body.id);
  });

  t.test("a batch under a key is one batch", async (t) => {
    const client = await service.newClient();
    const body = { responses: [{ score: 9 }, { score: 11 }, { score: 3, person: { email: "ana@example.com" } }] };
    const send = () => client.post("/v1/responses/batch", body, { "idempotency-key": "k-7" });
    const first = await send();
    const again = await send();
    t.same(again.body, first.body);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.same(await client.rows("select count(*) as responses from responses"), [{ responses: 2 }]);
    t.same(await client.rows("select cardinality(person_ids) as people from idempotency_keys"), [{ people: 1 }]);
  });

  t.test("is forgotten after 72 hours, with what was answered", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    const send = (key: string, who = client) => who.post("/v1/responses", { score: 9 }, { "idempotency-key": key });
    for (const key of ["old", "new"]) await send(key);
    await send("old", other);
    for (const who of [client, other]) {
      await who.rows("update idempotency_keys set created_at = now() - interval '73 hours' where key = 'old'");
    }
    const ids = [client, other].map(({ workspaceId }) => workspaceId);
    t.equal(await forgetKeptAnswers(service.tenancy, ids), 2);
    t.same(await client.rows("select key from idempotency_keys"), [{ key: "new" }]);
    t.same(await other.rows("select key from idempotency_keys"), []);
    t.equal(await forgetKeptAnswers(service.tenancy, ids), 0);
    t.equal((await send("new")).headers["idempotent-replayed"], "true");
    t.equal((await send("old")).headers["idempotent-replayed"], undefined);
  });

  t.test("a key that is none is refused", async (t) => {
    const client = await service.newClient();
    for (const key of ["", "x".repeat(256), "schlüssel"]) {
      const { status, body } = await client.post("/v1/responses", { score: 9 }, { "idempotency-key": key });
      t.equal(status, 400, key);
      t.match(body.invalidParams, [{ name: "idempotency-key" }]);
    }
  });
});

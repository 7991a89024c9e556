import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { eraseCopies, findRunningErasures, keepRetention } from "../../src/privacy/index.ts";
import { insertEndpoint, relayAll } from "../support/events.ts";
import { searchDatabase } from "../support/searching.ts";
import { startService } from "../support/service.ts";
import { deliver, jsonSource } from "../support/sources.ts";

const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3_600_000).toISOString();

t.test("privacy", async (t) => {
  const service = await startService(t);
  await service.app.ready();

  t.test("what is recorded while a person is erased never brings them back", async (t) => {
    const client = await service.newClient();
    const found = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const known = { email: `p${n}@example.com`, properties: { secret: "okapi" }, name: "Okapi" };
        const first = { score: 1, source: "crm", externalId: `first-${n}`, person: known };
        const { body: before } = await client.post("/v1/responses", first);
        const news = { email: known.email };
        const answers = await Promise.all([
          client.post("/v1/responses", { score: 2, externalId: `new-${n}`, person: news }),
          client.delete(`/v1/people/${before.person.id}`),
          client.put("/v1/responses", { ...first, comment: "okapi" }),
          client.post(`/v1/cases/${before.case.id}/notes`, { text: "okapi" }, { "idempotency-key": `note-${n}` }),
          client.post("/v1/responses", { score: 3, externalId: `newer-${n}`, person: news }),
        ]);
        t.ok(
          answers.every(({ status }) => status < 300),
          answers.map(({ status }) => status).join(" "),
        );
        return before.person.id as string;
      }),
    );
    for (const job of await findRunningErasures(service.tenancy)) await eraseCopies(service.tenancy, job);
    for (const id of found) t.equal((await client.get(`/v1/people/${id}`)).status, 404);
    const left = await client.rows(
      `select name, properties from people where email is not null and (name is not null or properties <> '{}')`,
    );
    t.same(left, [], "who is there again is somebody new, of whom only the new answer is known");
    const own =
      await client.rows(`select erased_at is null as live, (select email from people where people.workspace_id = responses.workspace_id and people.id = person_id) as email
      from responses`);
    t.equal(own.length, 24);
    for (const { live, email } of own) t.equal(live, email !== null, "an answer is a person's, or erased");
    // A note that is made afterwards is about nobody.
    const places = await searchDatabase(service.url, "okapi");
    t.ok(
      places.every((place) =>
        ["public.case_activities.text", "public.idempotency_keys.answer", "public.events.data"].includes(place),
      ),
      places.join(),
    );
  });

  t.test("who answers while others are let go stays", async (t) => {
    const client = await service.newClient();
    const old = async (name: string) => {
      const person = { email: `${name}@example.com`, name };
      return (await client.post("/v1/responses", { score: 9, respondedAt: daysAgo(500), person })).body.person.id;
    };
    const [ana, ben] = [await old("ana"), await old("ben")];
    await client.rows(`update workspaces set retention = '{"identityDays": 365}' where id = '${client.workspaceId}'`);
    const holder = await service.pool.connect();
    await holder.query(`begin; set local app.workspace_id = '${client.workspaceId}'`);
    await holder.query("select 1 from people where workspace_id = $1 and id = $2 for update", [
      client.workspaceId,
      ana,
    ]);
    const keeping = keepRetention(service.tenancy);
    const isWaiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while ((await client.rows(isWaiting)).length === 0) await sleep(10);
    t.equal((await client.post("/v1/responses", { score: 1, person: { email: "ben@example.com" } })).status, 201);
    await holder.query("rollback");
    holder.release();
    await keeping;
    t.equal((await client.get(`/v1/people/${ana}`)).status, 404);
    t.match((await client.get(`/v1/people/${ben}`)).body, { name: "ben" });
  });

  t.test("a workspace keeps things as long as it says, and another for good", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    const fill = async (mine: typeof client) => {
      const said = { score: 3, comment: "words", properties: { a: 1 } };
      const old = { ...said, respondedAt: daysAgo(40), person: { email: "old@example.com" } };
      await mine.post("/v1/responses", { ...old, externalId: "old" });
      await mine.post("/v1/responses", { ...said, respondedAt: daysAgo(20), person: { email: "recent@example.com" } });
      await mine.post("/v1/responses", { ...said, respondedAt: daysAgo(5), externalId: "new" });
      const source = await jsonSource(mine);
      for (const id of ["a", "b"]) await deliver(service, source, { id, s: 9 });
      await mine.rows("update source_receipts set received_at = now() - interval '9 days' where external_id = 'a'");
      await insertEndpoint(mine, { types: ["response.recorded"] });
      await relayAll(service);
      await mine.rows(
        "update webhook_deliveries set created_at = now() - interval '3 days' where id in (select id from webhook_deliveries limit 2)",
      );
    };
    await fill(client);
    await fill(other);
    const counts = async (mine: typeof client) =>
      (
        await mine.rows(`select
          (select count(*) from responses where comment is not null) as comments,
          (select count(*) from responses) as responses,
          (select count(*) from people where email is not null) as people,
          (select count(*) from source_receipts) as receipts, (select count(*) from webhook_deliveries) as deliveries,
          (select count(*) from events where type = 'person.erased') as erased`)
      )[0];
    const all = { comments: 3, responses: 5, people: 2, receipts: 2, deliveries: 5, erased: 0 };
    t.match(await counts(client), all);
    const retention = { commentDays: 10, identityDays: 30, receiptDays: 7, deliveryDays: 2 };
    await client.rows(
      `update workspaces set retention = '${JSON.stringify(retention)}' where id = '${client.workspaceId}'`,
    );
    t.match(await keepRetention(service.tenancy), { comments: 2, people: 1, receipts: 1, deliveries: 2 });
    const kept = { comments: 1, responses: 5, people: 1, receipts: 1, deliveries: 3, erased: 1 };
    t.match(await counts(client), kept);
    t.match(
      await keepRetention(service.tenancy),
      { comments: 0, people: 0, receipts: 0, deliveries: 0 },
      "done again, nothing",
    );
    t.match(await counts(client), kept);
    t.match(await counts(other), all);
    const again = { score: 3, externalId: "old", person: { email: "old@example.com" } };
    t.equal((await client.post("/v1/responses", again)).status, 200, "who was erased so stays erased too");
    const audit = await client.rows("select actor_kind, actor_id from audit_log where action = 'person.erased'");
    t.same(audit, [{ actor_kind: "job", actor_id: "retention" }]);
  });
});

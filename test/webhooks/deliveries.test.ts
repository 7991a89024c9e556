import t from "tap";
import { madeEndpoint, queueOf, SECRETS_KEY } from "../support/endpoints.ts";
import { event, relayAll, write } from "../support/events.ts";
import { startService } from "../support/service.ts";

t.test("webhook endpoints", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY });

  t.test("tell what was sent to them, and what they answered", async (t) => {
    const client = await service.newClient();
    const { id, path } = await madeEndpoint(client);
    for (const score of [9, 10]) await client.post("/v1/responses", { score });
    await relayAll(service);
    const { body: page } = await client.get(`${path}/deliveries?limit=1`);
    const [latest] = page.data;
    const { body: rest } = await client.get(`${path}/deliveries?limit=1&cursor=${page.nextCursor}`);
    t.equal(rest.nextCursor, null);
    const attempt = (n: number, columns: string) =>
      client.rows(`insert into webhook_attempts (workspace_id, delivery_id, n, attempted_at, duration_ms, status, error, answer)
        values ('${client.workspaceId}', '${latest.id}', ${n}, now(), 12, ${columns})`);
    await attempt(2, "200, null, convert_to('thanks\u00e9', 'utf8') || '\\x00ff'");
    await attempt(1, "null, 'no answer within 15 s', null");
    await client.rows(`update webhook_deliveries set status = 'DELIVERED', attempts = 2, finished_at = now(), next_attempt_at = null
      where id = '${latest.id}'`);
    const { body: log } = await client.get(`${path}/deliveries`);
    const told = (await client.get("/v1/events")).body.data[1];
    t.match(log.data[0], {
      endpointId: id,
      eventId: told.id,
      eventType: "response.recorded",
      test: false,
      status: "DELIVERED",
      nextAttemptAt: null,
    });
    t.match(log.data[0].attempts, [
      { durationMs: 12, status: null, error: "no answer within 15 s", answer: null },
      { durationMs: 12, status: 200, error: null, answer: "thanks\u00e9\u0000\ufffd" },
    ]);
    t.match(log.data[1], { id: rest.data[0].id, status: "PENDING", attempts: [] });
    const pending = (await client.get(`${path}/deliveries?status=PENDING&status=FAILED`)).body.data;
    t.match(pending, [{ id: rest.data[0].id }]);
    t.equal(pending.length, 1);
  });

  t.test("are sent tests and what they were sent before, with the ids that had", async (t) => {
    const client = await service.newClient();
    const { id, path } = await madeEndpoint(client, { filter: { categories: ["PROMOTER"] } });
    const from = new Date(Date.now() - 1_000).toISOString();
    for (const score of [9, 3, 10]) await client.post("/v1/responses", { score });
    await relayAll(service);
    const before = (await client.get(`${path}/deliveries`)).body.data;
    t.equal(before.length, 2);
    const keyed = { "idempotency-key": "once" };
    const headers = { authorization: `Bearer ${client.apiKey}`, ...keyed };
    const bare = await service.app.inject({ method: "POST", url: `${path}/test`, headers });
    t.equal(bare.statusCode, 201, "it needs no body");
    const typed = { ...headers, "content-type": "application/json", "idempotency-key": "typed" };
    const empty = await service.app.inject({ method: "POST", url: `${path}/test`, headers: typed, payload: "" });
    t.equal(empty.statusCode, 201, "nor one that is named and not there");
    const test = bare.json();
    t.match(test, { endpointId: id, eventType: "endpoint.test", test: true, status: "PENDING", attempts: [] });
    t.same((await client.post(`${path}/test`, {}, keyed)).body, test, "by the same key it is the same");
    const [stored] = await client.rows(`select test_data from webhook_deliveries where id = '${test.id}'`);
    t.match(stored, { test_data: { sequence: 1, endpoint: { id } } });
    const { status: replayed, body: again } = await client.post(`/v1/webhook-deliveries/${before[0].id}/replay`, {});
    t.equal(replayed, 201);
    t.notSame(again.id, before[0].id);
    t.match(again, { eventId: before[0].eventId, eventType: "response.recorded", test: false, status: "PENDING" });
    const { body: testAgain } = await client.post(`/v1/webhook-deliveries/${test.id}/replay`, {});
    t.match(testAgain, { eventId: test.eventId, test: true });
    const to = new Date(Date.now() + 60_000).toISOString();
    t.match(await client.post(`${path}/replay`, { from, to }), { status: 202, body: { count: 2 } });
    const ids = (await client.get(`${path}/deliveries?limit=2`)).body.data.map(
      ({ eventId }: { eventId: string }) => eventId,
    );
    t.same(
      ids,
      before.map(({ eventId }: { eventId: string }) => eventId),
    );
    t.match(await client.post(`${path}/replay`, { from: "2020-01-01T00:00:00Z", to: from }), {
      status: 202,
      body: { count: 0 },
    });
    t.match(await client.post(`${path}/replay`, { from: to, to: from }), {
      status: 400,
      body: { invalidParams: [{ name: "to" }] },
    });
    await client.patch(path, { status: "PAUSED" });
    await client.post(`${path}/replay`, { from, to });
    await client.post(`${path}/test`, {});
    t.same(new Set((await queueOf(client)).map(({ due }) => due)), new Set(["never"]), "paused, all of it waits");
  });

  t.test("are sent many events again, page by page, each once", async (t) => {
    const client = await service.newClient();
    const { path } = await madeEndpoint(client, { eventTypes: ["case.opened"] });
    for (let n = 0; n < 3; n += 1) {
      await write(
        service,
        client,
        Array.from({ length: 900 }, () => event(n === 1 ? "case.closed" : "case.opened")),
      );
    }
    await relayAll(service);
    await client.rows("delete from webhook_deliveries");
    const range = { from: "2026-01-01T00:00:00Z", to: new Date(Date.now() + 60_000).toISOString() };
    t.match((await client.post(`${path}/replay`, range)).body, { count: 1_800 });
    const [counts] = await client.rows(
      "select count(*)::int as all, count(distinct event_id)::int as events from webhook_deliveries",
    );
    t.same(counts, { all: 1_800, events: 1_800 });
    t.equal((await client.delete(path)).status, 204);
    t.same(await queueOf(client), []);
    t.same(await client.rows("select 1 from webhook_deliveries"), []);
  });
});

import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import { secretsOf } from "../../src/webhooks/index.ts";
import { findEndpoint } from "../../src/webhooks/queries.ts";
import { callerIn, event, relayAll, write } from "../support/events.ts";
import { type Client, startService } from "../support/service.ts";

const PATH = "/v1/webhook-endpoints";
const SECRETS_KEY = Buffer.alloc(32, 7);

const create = (client: Client, input: object = {}) =>
  client.post(PATH, { url: "https://example.com/hook", eventTypes: ["response.recorded"], ...input });

/** An endpoint that was made. */
async function made(client: Client, input: object = {}) {
  const { body } = await create(client, input);
  const path = `${PATH}/${body.id}`;
  return { id: body.id as string, path, secret: body.secret as string };
}

/** What is to be sent: when, as far as it is due. */
const queueOf = (client: Client) =>
  client.rows(`select delivery_id as id, case when due_at = 'infinity' then 'never' when due_at <= now() then 'now' else 'later' end as due
    from delivery_queue where workspace_id = '${client.workspaceId}' order by delivery_id`);

t.test("webhook endpoints", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY });

  t.test("are made, read, listed, changed and deleted", async (t) => {
    const client = await service.newClient();
    const { status, body: created } = await create(client, {
      eventTypes: ["case.opened", "case.opened", "case.closed"],
      filter: { segments: ["SMB"], dangerZone: true },
      description: "Ours",
    });
    t.equal(status, 201);
    const { secret, ...endpoint } = created;
    t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/, "32 bytes");
    t.match(endpoint, {
      url: "https://example.com/hook",
      eventTypes: ["case.opened", "case.closed"],
      filter: { segments: ["SMB"], dangerZone: true },
      description: "Ours",
      status: "ACTIVE",
      disabledReason: null,
      failingSince: null,
      previousSecretUntil: null,
      version: 1,
    });
    const path = `${PATH}/${endpoint.id}`;
    t.same((await client.get(path)).body, endpoint, "without the secret");
    const { body: second } = await create(client);
    const page = (await client.get(`${PATH}?limit=1`)).body;
    t.match(page.data, [{ id: second.id }]);
    t.notOk("secret" in page.data[0]);
    t.same((await client.get(`${PATH}?limit=1&cursor=${page.nextCursor}`)).body, {
      data: [endpoint],
      nextCursor: null,
    });

    const { body: changed } = await client.patch(path, {
      url: "https://example.com/other",
      filter: { segments: null, categories: ["PASSIVE"] },
      description: null,
    });
    t.match(changed, {
      url: "https://example.com/other",
      filter: { dangerZone: true, categories: ["PASSIVE"] },
      description: null,
      version: 2,
    });
    t.notOk("segments" in changed.filter);
    t.same((await client.patch(path, { filter: null, eventTypes: ["commitment.due"] })).body.filter, {});
    t.equal((await client.patch(path, { eventTypes: ["commitment.due"] })).body.version, 3, "the same is no change");
    t.equal((await client.delete(path)).status, 204);
    for (const answer of [
      await client.get(path),
      await client.patch(path, {}),
      await client.delete(path),
      await client.get(`${path}/deliveries`),
      await client.post(`${path}/test`, {}),
      await client.post(`${path}/secret-rotation`, {}),
      await client.post(`${path}/replay`, { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }),
      await client.post(`/v1/webhook-deliveries/${endpoint.id}/replay`, {}),
    ]) {
      t.match(answer, { status: 404, body: { code: "not_found" } });
    }
    const audit = await client.rows(
      `select action, after->>'url' as url from audit_log where subject_id = '${endpoint.id}' order by id`,
    );
    t.same(audit, [
      { action: "webhook_endpoint.created", url: "https://example.com/hook" },
      { action: "webhook_endpoint.changed", url: "https://example.com/other" },
      { action: "webhook_endpoint.changed", url: "https://example.com/other" },
      { action: "webhook_endpoint.deleted", url: null },
    ]);
    const all = await client.rows(
      "select coalesce(before::text, '') || coalesce(after::text, '') as facts from audit_log",
    );
    t.notMatch(JSON.stringify(all), secret);
  });

  t.test("are refused where they make no sense, by the field", async (t) => {
    const client = await service.newClient();
    const wrong: [object, string][] = [
      [{ url: "http://example.com/" }, "url"],
      [{ url: "ftp://example.com/" }, "url"],
      [{ url: "nowhere" }, "url"],
      [{ eventTypes: [] }, "eventTypes"],
      [{ eventTypes: ["endpoint.test"] }, "eventTypes.0"],
      [{ filter: { segments: [] } }, "filter.segments"],
      [{ filter: { categories: ["CRITIC"] } }, "filter.categories.0"],
      [{ filter: { priorities: ["SOON"] } }, "filter.priorities.0"],
      [{ filter: { colour: "red" } }, "filter.colour"],
      [{ secret: "whsec_AAAA" }, "secret"],
      [{ status: "PAUSED" }, "status"],
    ];
    for (const [input, name] of wrong) {
      t.match(await create(client, input), { status: 400, body: { invalidParams: [{ name }] } }, JSON.stringify(input));
    }
    const { path } = await made(client);
    t.match(await client.patch(path, { url: "http://example.com/" }), {
      status: 400,
      body: { invalidParams: [{ name: "url" }] },
    });
    t.match(await client.patch(path, { secret: "x" }), {
      status: 400,
      body: { invalidParams: [{ name: "secret", reason: /secret-rotation/ }] },
    });
    const body = { url: "https://example.com/", eventTypes: ["case.opened"] };
    for (const answer of [
      await client.post(PATH, body, { "idempotency-key": "k" }),
      await client.post(`${path}/secret-rotation`, {}, { "idempotency-key": "k" }),
    ]) {
      t.match(answer, { status: 400, body: { invalidParams: [{ name: "idempotency-key" }] } });
    }
    t.equal((await (await client.withScopes("sources:manage")).get(PATH)).status, 403);
    t.equal((await (await client.withScopes("responses:read")).get("/v1/events")).status, 403);
    const other = await service.newClient();
    t.equal((await other.get(path)).status, 404, "nor are they anybody else's");
  });

  t.test("sign by two secrets while one is being changed", async (t) => {
    const client = await service.newClient();
    const { id, path, secret } = await made(client);
    const box = createSecretBox(SECRETS_KEY);
    const secrets = (hours: number) =>
      service.tenancy.readWorkspace(callerIn(client), async (tx) => {
        const row = await findEndpoint(tx, id);
        return row && secretsOf(row, box, new Date(tx.now.getTime() + hours * 3_600_000));
      });
    t.same(await secrets(0), [secret]);
    const { status, body } = await client.post(`${path}/secret-rotation`, {});
    t.equal(status, 200);
    t.notSame(body.secret, secret);
    t.same(await secrets(0), [body.secret, secret]);
    t.same(await secrets(23.99), [body.secret, secret]);
    t.same(await secrets(24.01), [body.secret]);
    const { body: third } = await client.post(`${path}/secret-rotation`, {});
    t.same(await secrets(0), [third.secret, body.secret]);
    t.match((await client.get(path)).body, { version: 3, previousSecretUntil: third.previousSecretUntil });
    const [stored] = await client.rows("select secret from webhook_endpoints");
    t.notMatch(String(stored?.["secret"]), third.secret.slice(6), "kept encrypted");
  });

  t.test("paused, keep what is to be sent; taken up again, send it at once", async (t) => {
    const client = await service.newClient();
    const { path } = await made(client);
    const relay = async () => {
      await client.post("/v1/responses", { score: 9 });
      await relayAll(service);
      return (await queueOf(client)).map(({ due }) => due);
    };
    t.same(await relay(), ["now"]);
    await client.rows("update delivery_queue set due_at = now() + interval '1 hour'");
    t.equal((await client.patch(path, { status: "PAUSED" })).body.status, "PAUSED");
    t.same(await relay(), ["never", "never"]);
    t.match((await client.get(`${path}/deliveries`)).body.data, [{ nextAttemptAt: null }, { nextAttemptAt: null }]);
    await client.patch(path, { description: "still paused" });
    t.same(
      (await queueOf(client)).map(({ due }) => due),
      ["never", "never"],
    );
    await client.rows("update webhook_endpoints set failing_since = now() - interval '4 days'");
    t.match((await client.patch(path, { status: "ACTIVE" })).body, { status: "ACTIVE", failingSince: null });
    t.same(await relay(), ["now", "now", "now"]);
    const { body } = await client.get(`${path}/deliveries`);
    t.ok(body.data.every(({ nextAttemptAt }: { nextAttemptAt: string | null }) => nextAttemptAt !== null));
  });

  t.test("disabled, give up what is to be sent, and others are told", async (t) => {
    const client = await service.newClient();
    const { id, path } = await made(client, { eventTypes: ["response.recorded", "endpoint.disabled"] });
    const other = await made(client, { eventTypes: ["endpoint.disabled"] });
    await client.post("/v1/responses", { score: 9 });
    await relayAll(service);
    const { body: disabled } = await client.patch(path, { status: "DISABLED", description: "Gone" });
    t.match(disabled, { status: "DISABLED", disabledReason: "It was disabled by a call.", version: 3 });
    t.same((await client.get(path)).body, disabled);
    t.same(await queueOf(client), []);
    const { body: log } = await client.get(`${path}/deliveries`);
    t.match(log.data, [{ status: "FAILED", nextAttemptAt: null, finishedAt: disabled.updatedAt }]);
    t.equal((await client.patch(path, { status: "DISABLED" })).body.version, 3, "once");
    // Taken up again before others were told: it is not told of itself all the same.
    t.match((await client.patch(path, { status: "ACTIVE" })).body, { disabledReason: null, version: 4 });
    await relayAll(service);
    t.same((await client.get(`${path}/deliveries`)).body.data.length, 1);
    t.match((await client.get(`${other.path}/deliveries`)).body.data, [{ eventType: "endpoint.disabled" }]);
    t.match((await client.get("/v1/events?type=endpoint.disabled")).body.data, [
      {
        type: "endpoint.disabled",
        data: {
          sequence: 3,
          endpoint: { id, status: "DISABLED", disabledReason: disabled.disabledReason },
          previous: { status: "ACTIVE", disabledReason: null },
        },
      },
    ]);
    await client.patch(path, { status: "DISABLED" });
    for (const call of ["test", "replay"]) {
      const body = call === "test" ? {} : { from: "2026-01-01T00:00:00Z", to: "2027-01-02T00:00:00Z" };
      t.match(await client.post(`${path}/${call}`, body), { status: 409, body: { code: "conflict" } }, call);
    }
    t.match(await client.post(`/v1/webhook-deliveries/${log.data[0].id}/replay`, {}), { status: 409 });
    const actions = await client.rows(`select action from audit_log where subject_id = '${id}' order by id`);
    t.same(
      actions.map(({ action }) => action),
      ["created", "changed", "disabled", "changed", "disabled"].map((what) => `webhook_endpoint.${what}`),
    );
  });

  t.test("tell what was sent to them, and what they answered", async (t) => {
    const client = await service.newClient();
    const { id, path } = await made(client);
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
    const { id, path } = await made(client, { filter: { categories: ["PROMOTER"] } });
    const from = new Date(Date.now() - 1_000).toISOString();
    for (const score of [9, 3, 10]) await client.post("/v1/responses", { score });
    await relayAll(service);
    const before = (await client.get(`${path}/deliveries`)).body.data;
    t.equal(before.length, 2);
    const keyed = { "idempotency-key": "once" };
    const headers = { authorization: `Bearer ${client.apiKey}`, ...keyed };
    const bare = await service.app.inject({ method: "POST", url: `${path}/test`, headers });
    t.equal(bare.statusCode, 201, "it needs no body");
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
    const { path } = await made(client, { eventTypes: ["case.opened"] });
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

t.test("without a key for secrets no endpoint is made, and the answer names it", async (t) => {
  const service = await startService(t, { secretsKey: null });
  const client = await service.newClient();
  t.match(await create(client), { status: 503, body: { detail: /SECRETS_KEY/ } });
  t.same((await client.get(PATH)).body.data, []);
  t.equal((await client.get(`${PATH}/${newId()}`)).status, 404);
});

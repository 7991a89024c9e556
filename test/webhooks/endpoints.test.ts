import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import { secretsOf } from "../../src/webhooks/index.ts";
import { findEndpoint } from "../../src/webhooks/queries.ts";
import { createEndpoint, ENDPOINTS, madeEndpoint, SECRETS_KEY } from "../support/endpoints.ts";
import { callerIn } from "../support/events.ts";
import { startService } from "../support/service.ts";

t.test("webhook endpoints", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY });

  t.test("are made, read, listed, changed and deleted", async (t) => {
    const client = await service.newClient();
    const { status, body: created } = await createEndpoint(client, {
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
    const path = `${ENDPOINTS}/${endpoint.id}`;
    t.same((await client.get(path)).body, endpoint, "without the secret");
    const { body: second } = await createEndpoint(client);
    const page = (await client.get(`${ENDPOINTS}?limit=1`)).body;
    t.match(page.data, [{ id: second.id }]);
    t.notOk("secret" in page.data[0]);
    t.same((await client.get(`${ENDPOINTS}?limit=1&cursor=${page.nextCursor}`)).body, {
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
      t.match(
        await createEndpoint(client, input),
        { status: 400, body: { invalidParams: [{ name }] } },
        JSON.stringify(input),
      );
    }
    const { path } = await madeEndpoint(client);
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
      await client.post(ENDPOINTS, body, { "idempotency-key": "k" }),
      await client.post(`${path}/secret-rotation`, {}, { "idempotency-key": "k" }),
    ]) {
      t.match(answer, { status: 400, body: { invalidParams: [{ name: "idempotency-key" }] } });
    }
    t.equal((await (await client.withScopes("sources:manage")).get(ENDPOINTS)).status, 403);
    t.equal((await (await client.withScopes("responses:read")).get("/v1/events")).status, 403);
    const other = await service.newClient();
    t.equal((await other.get(path)).status, 404, "nor are they anybody else's");
  });

  t.test("sign by two secrets while one is being changed", async (t) => {
    const client = await service.newClient();
    const { id, path, secret } = await madeEndpoint(client);
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
    await client.rows("update webhook_endpoints set secret = set_byte(secret, 29, 255 - get_byte(secret, 29))");
    await t.rejects(secrets(0), { code: "unavailable" }, "sealed with a key that is lost");
    const { body: fourth } = await client.post(`${path}/secret-rotation`, {});
    t.same(await secrets(0), [fourth.secret], "which ends with a new secret");
    const [stored] = await client.rows("select secret from webhook_endpoints");
    t.notMatch(String(stored?.["secret"]), fourth.secret.slice(6), "kept encrypted");
  });
});

t.test("without a key for secrets no endpoint is made, and the answer names it", async (t) => {
  const service = await startService(t, { secretsKey: null });
  const client = await service.newClient();
  t.match(await createEndpoint(client), { status: 503, body: { detail: /SECRETS_KEY/ } });
  t.same((await client.get(ENDPOINTS)).body.data, []);
  t.equal((await client.get(`${ENDPOINTS}/${newId()}`)).status, 404);
});

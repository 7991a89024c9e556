import { createHmac, randomBytes } from "node:crypto";
import t from "tap";
import { type Client, type Service, startService } from "../support/service.ts";

const PAYLOAD = JSON.stringify({
  eventType: "FORM_RESPONSE",
  data: { responseId: "r", fields: [{ key: "q", label: "Would you recommend us?", type: "LINEAR_SCALE", value: 9 }] },
});

async function deliverTally({ app }: Service, id: string, secret: string): Promise<number> {
  const signature = createHmac("sha256", secret).update(PAYLOAD).digest("base64");
  const headers = { "content-type": "application/json", "tally-signature": signature };
  return (await app.inject({ method: "POST", url: `/v1/intake/${id}`, headers, payload: PAYLOAD })).statusCode;
}

const create = (client: Client, input: object) =>
  client.post("/v1/sources", { name: "Tool", vendor: "TALLY", ...input });

t.test("sources", async (t) => {
  const service = await startService(t);

  t.test("are made, read, listed, changed and deleted", async (t) => {
    const client = await service.newClient();
    const { status, body } = await create(client, { secret: "first-secret", mapping: { score: "q" } });
    t.equal(status, 201);
    t.match(body, {
      name: "Tool",
      key: body.id,
      vendor: "TALLY",
      hasSecret: true,
      partial: "IGNORE",
      mapping: { score: "q" },
    });
    t.match(body.url, new RegExp(`^http://[^/]+/v1/intake/${body.id}$`));
    t.notOk("secret" in body, "a secret that was given is not shown");
    t.same((await client.get(`/v1/sources/${body.id}`)).body, body);
    const { body: second } = await create(client, { key: "tool" });
    t.match(second.secret, /^[0-9A-Za-z]{40,}$/, "one that was made here is, once");
    const page = (await client.get("/v1/sources?limit=1")).body;
    t.match(page.data, [{ id: second.id }]);
    t.notOk("secret" in page.data[0]);
    t.match((await client.get(`/v1/sources?limit=1&cursor=${page.nextCursor}`)).body, {
      data: [{ id: body.id }],
      nextCursor: null,
    });

    const { body: changed } = await client.patch(`/v1/sources/${body.id}`, {
      name: "Other",
      mapping: { comment: "c", properties: { plan: "p" } },
      defaults: { channel: "WEB" },
    });
    t.match(changed, {
      name: "Other",
      mapping: { score: "q", comment: "c", properties: { plan: "p" } },
      defaults: { channel: "WEB" },
    });
    const cleared = await client.patch(`/v1/sources/${body.id}`, {
      mapping: { comment: null, properties: { plan: null } },
      defaults: null,
    });
    t.same(cleared.body.mapping, { score: "q", properties: {} });
    t.same(cleared.body.defaults, {});
    t.equal(await deliverTally(service, body.id, "first-secret"), 200);
    t.equal((await client.delete(`/v1/sources/${body.id}`)).status, 204);
    t.equal((await client.get(`/v1/sources/${body.id}`)).status, 404);
    t.equal((await client.delete(`/v1/sources/${body.id}`)).status, 404);
    t.equal(await deliverTally(service, body.id, "first-secret"), 401);
    t.equal((await client.get("/v1/responses")).body.data.length, 1, "what it recorded stays");
  });

  t.test("are refused where they make no sense, by the field", async (t) => {
    const client = await service.newClient();
    const { body: first } = await create(client, { key: "tool" });
    t.match(await create(client, { key: "tool" }), { status: 409, body: { code: "conflict", existingId: first.id } });
    const wrong: [object, string][] = [
      [{ vendor: "JSON" }, "mapping.score"],
      [{ vendor: "JSON", mapping: { score: "/s" } }, "mapping.externalId"],
      [{ vendor: "JSON", mapping: { score: "s", externalId: "/id" } }, "mapping.score"],
      [{ vendor: "JSON", mapping: { score: "/s", externalId: "/~2" } }, "mapping.externalId"],
      [{ vendor: "STANDARD_WEBHOOKS", secret: "not base64!" }, "secret"],
      [{ vendor: "STANDARD_WEBHOOKS", mapping: { score: "q" } }, "mapping"],
      [{ tokenHeader: "X-Mine" }, "tokenHeader"],
      [{ mapping: { unknown: "q" } }, "mapping.unknown"],
      [{ defaults: { channel: "PIGEON" } }, "defaults.channel"],
      [{ vendor: "NOBODY" }, "vendor"],
    ];
    for (const [input, name] of wrong) {
      const answer = await create(client, input);
      t.match(answer, { status: 400, body: { invalidParams: [{ name }] } }, JSON.stringify(input));
    }
    t.match(await client.patch(`/v1/sources/${first.id}`, { key: "x" }), {
      status: 400,
      body: { invalidParams: [{ name: "key" }] },
    });
    const keyed = await client.post("/v1/sources", { name: "x", vendor: "TALLY" }, { "idempotency-key": "k" });
    t.match(keyed, { status: 400, body: { invalidParams: [{ name: "idempotency-key" }] } });
    t.equal((await (await client.withScopes("responses:write")).get("/v1/sources")).status, 403);
  });

  t.test("take two secrets while one is being changed", async (t) => {
    const client = await service.newClient();
    const { body: source } = await create(client, { secret: "first-secret" });
    const path = `/v1/sources/${source.id}`;
    const { body } = await client.patch(path, { secret: "second-secret" });
    const hours = (Date.parse(body.previousSecretUntil) - Date.now()) / 3_600_000;
    t.ok(hours > 23 && hours <= 24, String(hours));
    const statuses = async (...secrets: string[]) =>
      Promise.all(secrets.map((secret) => deliverTally(service, source.id, secret)));
    t.same(await statuses("first-secret", "second-secret", "third-secret"), [200, 200, 401]);
    await client.patch(path, { secret: "second-secret" });
    t.same(await statuses("first-secret"), [200], "the same again is no change");
    await client.rows(
      `update sources set previous_secret_until = now() - interval '1 second' where id = '${source.id}'`,
    );
    t.same(await statuses("first-secret", "second-secret"), [401, 200], "until its time");
    await client.patch(path, { secret: null });
    t.same(await statuses("first-secret", "second-secret"), [401, 401]);
  });

  t.test("keep their secrets from the tables and the audit log, which knows who changed what", async (t) => {
    const client = await service.newClient();
    const { body: source } = await create(client, { secret: "first-secret" });
    await client.patch(`/v1/sources/${source.id}`, { secret: "second-secret" });
    await client.delete(`/v1/sources/${source.id}`);
    const { body: kept } = await create(client, { secret: "third-secret" });
    const [row] = await client.rows(`select encode(secret, 'escape') as secret from sources where id = '${kept.id}'`);
    t.notMatch(row?.["secret"], /third-secret/);
    const log = await client.rows(
      `select action, before, after from audit_log where subject_id = '${source.id}' order by id`,
    );
    t.same(
      log.map(({ action }) => action),
      ["source.created", "source.changed", "source.deleted"],
    );
    t.notMatch(JSON.stringify(log), /first-secret|second-secret/);
  });

  t.test("belong to their workspace", async (t) => {
    const [ours, theirs] = [await service.newClient(), await service.newClient()];
    const { body: source } = await create(ours, { key: "same", secret: "first-secret" });
    await deliverTally(service, source.id, "first-secret");
    t.equal((await create(theirs, { key: "same" })).status, 201, "another workspace may have the same key");
    const path = `/v1/sources/${source.id}`;
    for (const answer of [
      await theirs.get(path),
      await theirs.get(`${path}/receipts`),
      await theirs.patch(path, { name: "Theirs" }),
      await theirs.delete(path),
      await theirs.post(`${path}/preview`, PAYLOAD),
    ]) {
      t.equal(answer.status, 404);
    }
    t.match((await ours.get(path)).body, { name: "Tool" });
    t.equal((await ours.get("/v1/responses")).body.data.length, 1);
    t.equal((await theirs.get("/v1/responses")).body.data.length, 0);
  });
});

t.test("without SECRETS_KEY what would keep a secret is unavailable and says so", async (t) => {
  const service = await startService(t, { secretsKey: null });
  const client = await service.newClient();
  t.match(await create(client, { secret: "s" }), { status: 503, body: { code: "unavailable", detail: /SECRETS_KEY/ } });
  const { status, body } = await create(client, { vendor: "WOOTRIC" });
  t.equal(status, 201, "a source without a secret needs none");
  t.match(await client.patch(`/v1/sources/${body.id}`, { secret: "s" }), {
    status: 503,
    body: { detail: /SECRETS_KEY/ },
  });
  t.match((await client.get(`/v1/sources/${body.id}`)).body, { hasSecret: false });
});

t.test("deliveries of a secret that another key encrypted are to come again", async (t) => {
  const service = await startService(t, { secretsKey: randomBytes(32) });
  const client = await service.newClient();
  const { body: source } = await create(client, { secret: "first-secret" });
  await client.rows(
    `update sources set secret = set_byte(secret, 29, 255 - get_byte(secret, 29)) where id = '${source.id}'`,
  );
  t.equal(await deliverTally(service, source.id, "first-secret"), 503);
  t.equal((await client.patch(`/v1/sources/${source.id}`, { secret: "second-secret" })).status, 200);
  t.equal(await deliverTally(service, source.id, "second-secret"), 200, "a new one ends it");
  t.equal(await deliverTally(service, source.id, "first-secret"), 401);
});

import { setTimeout } from "node:timers/promises";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { createAuthenticate } from "../../src/workspaces/index.ts";
import { type Client, startService } from "../support/service.ts";

const DAY = 24 * 3_600_000;
const NO_TEXT = { apiKey: undefined };

const service = await startService(t);

t.test("the settings of a workspace", async (t) => {
  const client = await service.newClient({ timeZone: "Europe/Berlin" });
  const none = { commentDays: null, identityDays: null, receiptDays: null, deliveryDays: null };
  const { body: before } = await client.get("/v1/workspace");
  t.match(before, {
    id: client.workspaceId,
    name: "test",
    timeZone: "Europe/Berlin",
    retention: none,
    createdAt: String,
  });
  const change = async (patch: object) => (await client.patch("/v1/workspace", patch)).body;
  t.same(await change({}), before);
  t.same((await change({ retention: { commentDays: 30, receiptDays: 7 } })).retention, {
    ...none,
    commentDays: 30,
    receiptDays: 7,
  });
  t.same((await change({ retention: { commentDays: null, deliveryDays: 1 } })).retention, {
    ...none,
    receiptDays: 7,
    deliveryDays: 1,
  });
  t.same(await client.rows("select retention from workspaces"), [{ retention: { receiptDays: 7, deliveryDays: 1 } }]);
  const changed = await change({ name: " Acme ", timeZone: "Asia/Kolkata", retention: null });
  t.same(changed, { ...before, name: "Acme", timeZone: "Asia/Kolkata" });
  t.same((await client.get("/v1/workspace")).body, changed);
  for (const [patch, name] of [
    [{ timeZone: "Mars/Olympus" }, "timeZone"],
    [{ timeZone: null }, "timeZone"],
    [{ name: "" }, "name"],
    [{ retention: { commentDays: 0 } }, "retention.commentDays"],
    [{ retention: { commentDays: "30" } }, "retention.commentDays"],
    [{ retention: { days: 1 } }, "retention.days"],
    [{ id: newId() }, "id"],
  ] as const) {
    t.match(await client.patch("/v1/workspace", patch), { status: 400, body: { invalidParams: [{ name }] } }, name);
  }
  t.same((await client.get("/v1/workspace")).body, changed, "nothing of that was kept");
  t.equal((await (await client.withScopes("responses:write")).get("/v1/workspace")).status, 403);
});

t.test("API keys", async (t) => {
  const client = await service.newClient();
  const make = async (input: object = {}, by: Client = client) =>
    by.post("/v1/api-keys", { name: "site", scopes: ["responses:write"], ...input });

  t.test("are made with what their maker may do, and shown once", async (t) => {
    const { status, body } = await make({ expiresAt: "2999-01-01T00:00:00+01:00" });
    t.match(
      { status, body },
      {
        status: 201,
        body: {
          id: String,
          name: "site",
          scopes: ["responses:write"],
          expiresAt: "2998-12-31T23:00:00.000Z",
          lastUsedAt: null,
          revokedAt: null,
          previousSecretUntil: null,
          apiKey: /^nps_/,
        },
      },
    );
    const key = client.withToken(body.apiKey);
    t.equal((await key.post("/v1/responses", { score: 9 })).status, 201);
    t.match(await key.get("/v1/api-keys"), { status: 403, body: { detail: /workspace:manage/ } });
    t.match((await client.get("/v1/api-keys")).body.data[0], { id: body.id, ...NO_TEXT });
    const limited = await client.withScopes("workspace:manage", "cases:read");
    t.match(await make({ scopes: ["cases:read", "people:read"] }, limited), {
      status: 403,
      body: { detail: /people:read/ },
    });
    t.equal((await make({ scopes: ["cases:read"] }, limited)).status, 201);
    t.match(await limited.post(`/v1/api-keys/${body.id}/rotation`, {}), {
      status: 403,
      body: { detail: /responses:write/ },
    });
    for (const [input, name] of [
      [{ scopes: ["everything"] }, "scopes.0"],
      [{ scopes: [] }, "scopes"],
      [{ name: " " }, "name"],
      [{ expiresAt: "2020-01-01T00:00:00Z" }, "expiresAt"],
    ] as const) {
      t.match(await make(input), { status: 400, body: { invalidParams: [{ name }] } }, name);
    }
    const headers = { "idempotency-key": "k" };
    const refused = { status: 400, body: { invalidParams: [{ name: "idempotency-key" }] } };
    t.match(await client.post("/v1/api-keys", { name: "x", scopes: ["cases:read"] }, headers), refused);
    t.match(await client.post(`/v1/api-keys/${body.id}/rotation`, {}, headers), refused);
  });

  t.test("are listed page by page, those of this workspace", async (t) => {
    const other = await service.newClient();
    const made = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await make({}, other)).body.id);
    const seen = [];
    for (let path = "/v1/api-keys?limit=2"; ; ) {
      const { body } = await other.get(path);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      if (body.nextCursor === null) break;
      path = `/v1/api-keys?limit=2&cursor=${body.nextCursor}`;
    }
    t.same(seen.slice(0, 5), made);
    t.equal(seen.length, 6, "and the first key");
    for (const call of [
      client.delete(`/v1/api-keys/${made[0]}`),
      client.post(`/v1/api-keys/${made[0]}/rotation`, {}),
    ]) {
      t.match(await call, { status: 404, body: { code: "not_found" } }, "another workspace's is nobody's");
    }
  });

  t.test("revoked, are refused by everybody within 30 seconds", async (t) => {
    const { body } = await make();
    let now = Date.now();
    const authenticate = createAuthenticate(service.tenancy, { time: () => now, elapsed: () => now });
    let elapsed = 1;
    const setBack = createAuthenticate(service.tenancy, { time: () => Date.now() - 3_600_000, elapsed: () => elapsed });
    await t.resolves(authenticate(body.apiKey));
    await t.resolves(setBack(body.apiKey));
    t.equal((await client.delete(`/v1/api-keys/${body.id}`)).status, 204);
    t.equal((await client.delete(`/v1/api-keys/${body.id}`)).status, 204, "said again");
    now += 30_000;
    await t.rejects(authenticate(body.apiKey), { code: "unauthenticated" });
    elapsed += 30_000;
    await t.rejects(setBack(body.apiKey), { code: "unauthenticated" }, "also where the clock was set back");
    await t.rejects(createAuthenticate(service.tenancy)(body.apiKey), { code: "unauthenticated" });
    t.match(
      (await client.get("/v1/api-keys")).body.data.find(({ id }: { id: string }) => id === body.id),
      { revokedAt: String },
    );
    t.match(await client.post(`/v1/api-keys/${body.id}/rotation`, {}), { status: 409, body: { code: "conflict" } });
    t.equal((await client.delete(`/v1/api-keys/${newId()}`)).status, 404);
  });

  t.test("rotated, have two texts for a day, and the new one is taken at once", async (t) => {
    const { body: made } = await make();
    let now = Date.now();
    const authenticate = createAuthenticate(service.tenancy, { time: () => now, elapsed: () => now });
    await t.resolves(authenticate(made.apiKey));
    const { status, body: rotated } = await client.post(`/v1/api-keys/${made.id}/rotation`, {});
    t.match(
      { status, body: rotated },
      { status: 200, body: { id: made.id, name: "site", previousSecretUntil: String } },
    );
    t.not(rotated.apiKey, made.apiKey);
    t.match(await authenticate(rotated.apiKey), { actor: { kind: "key", id: made.id } }, "who knew the key before");
    await t.resolves(authenticate(made.apiKey));
    now = Date.parse(rotated.previousSecretUntil) - 1;
    await t.resolves(authenticate(made.apiKey));
    now += 1;
    await t.rejects(authenticate(made.apiKey), { code: "unauthenticated" });
    await t.resolves(authenticate(rotated.apiKey));
    t.ok(Math.abs(now - Date.now() - DAY) < 60_000);
    const { body: again } = await client.post(`/v1/api-keys/${made.id}/rotation`, {});
    const later = createAuthenticate(service.tenancy);
    for (const apiKey of [again.apiKey, rotated.apiKey]) await t.resolves(later(apiKey));
    await t.rejects(later(made.apiKey), { code: "unauthenticated" }, "only the one before");
    await client.delete(`/v1/api-keys/${made.id}`);
    await t.rejects(
      createAuthenticate(service.tenancy)(rotated.apiKey),
      { code: "unauthenticated" },
      "both are revoked",
    );
  });

  t.test("say to the minute when they were used, and a busy one costs no statement", async (t) => {
    const { body } = await make();
    let now = Date.now();
    let transactions = 0;
    const counting = {
      ...service.tenancy,
      inWorkspace: (...work: Parameters<typeof service.tenancy.inWorkspace>) => {
        transactions += 1;
        return service.tenancy.inWorkspace(...work);
      },
      acrossWorkspaces: (...work: Parameters<typeof service.tenancy.acrossWorkspaces>) => {
        transactions += 1;
        return service.tenancy.acrossWorkspaces(...work);
      },
    } as typeof service.tenancy;
    const authenticate = createAuthenticate(counting, { time: () => now, elapsed: () => now });
    const used = async () => {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        const [row] = await client.rows(
          `select last_used_at as at from api_keys where id = '${body.id}' and last_used_at > now() - interval '1 minute'`,
        );
        if (row !== undefined) return row["at"];
        await setTimeout(20);
      }
      throw new Error("its use was never written");
    };
    await t.rejects(authenticate(body.apiKey.replace(/_[0-9A-Za-z]{39}$/, "_")), { code: "unauthenticated" });
    for (let n = 0; n < 1_000; n += 1) await authenticate(body.apiKey);
    const first = await used();
    t.equal(transactions, 2, "found, and marked as used");
    t.same((await client.get("/v1/api-keys")).body.data[0].lastUsedAt, (first as Date).toISOString());
    // Of two processes one writes; and after a minute either.
    await createAuthenticate(service.tenancy, { time: () => now + 60_000, elapsed: () => now })(body.apiKey);
    await setTimeout(100);
    t.same(await used(), first);
    await client.rows(`update api_keys set last_used_at = now() - interval '61 seconds' where id = '${body.id}'`);
    now += 60_000;
    await authenticate(body.apiKey);
    t.ok((await used()) !== first);
    t.equal(transactions, 4);
  });
});

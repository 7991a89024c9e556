import { createHmac, createSign } from "node:crypto";
import { exportSPKI, generateKeyPair, UnsecuredJWT } from "jose";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { createAuthenticate, SCOPES } from "../../src/workspaces/index.ts";
import { startProvider } from "../support/provider.ts";
import { startService } from "../support/service.ts";

const HOUR = 3_600_000;
const base64 = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const provider = await startProvider(t);
const { sign } = provider;
const service = await startService(t, { users: provider.settings });

/** One answer for whatever is wrong with a token, and one for keys. */
const REFUSAL =
  /^This (token is not valid, or no longer\. Get another one from the identity provider|API key is not valid: it is unknown, revoked or past its expiry)\.$/;

t.test("users by their tokens", async (t) => {
  const pairs = {
    RS256: await provider.addKey("rsa", "RS256"),
    ES256: await provider.addKey("ec", "ES256"),
    EdDSA: await provider.addKey("ed", "EdDSA"),
  };
  const client = await service.newClient();
  const mine = { workspace_id: client.workspaceId, scope: "openid cases:read workspace:manage no:scope" };
  const good = await sign(pairs.ES256, { kid: "ec" }, mine);

  t.test("each algorithm that is taken, beside API keys", async (t) => {
    for (const [alg, kid] of [
      ["RS256", "rsa"],
      ["ES256", "ec"],
      ["EdDSA", "ed"],
    ] as const) {
      const user = client.withToken(await sign(pairs[alg], { alg, kid }, mine));
      t.match(await user.get("/v1/workspace"), { status: 200, body: { id: client.workspaceId } }, alg);
    }
    const several = await sign(pairs.ES256, { kid: "ec" }, { ...mine, aud: ["other", "afterscore"] });
    t.equal((await client.withToken(several).get("/v1/workspace")).status, 200, "meant for us among others");
    t.equal((await client.get("/v1/workspace")).status, 200);
    t.equal(provider.reads(), 1, "keys are read once");
  });

  t.test("may do what its scopes say", async (t) => {
    const user = client.withToken(good);
    t.match(await user.get("/v1/people"), { status: 403, body: { code: "forbidden", detail: /people:read/ } });
    const without = client.withToken(await sign(pairs.ES256, { kid: "ec" }, { ...mine, scope: undefined }));
    t.match(await without.get("/v1/workspace"), { status: 403, body: { detail: /workspace:manage/ } });
    const list = client.withToken(await sign(pairs.ES256, { kid: "ec" }, { ...mine, scope: [...SCOPES] }));
    t.equal((await list.get("/v1/workspace")).status, 403, "scopes are a text, as the setting says");
    const key = await user.post("/v1/api-keys", { name: "more", scopes: ["cases:read", "people:read"] });
    t.match(key, { status: 403, body: { detail: /people:read/ } });
  });

  t.test("everything else is 401, with one answer", async (t) => {
    const { privateKey: foreign } = await generateKeyPair("ES256");
    const rsaPem = await exportSPKI(pairs.RS256.publicKey);
    const now = Math.floor(Date.now() / 1000);
    const [header = "", payload = "", signature = ""] = good.split(".");
    const claims = { iss: provider.settings.issuer, aud: "afterscore", sub: "u", exp: now + 600, ...mine };
    const hmac = (key: string, head: object) => {
      const signed = `${base64(head)}.${base64(claims)}`;
      return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
    };
    const rs = (alg: string, hash: string) => {
      const signed = `${base64({ alg, kid: "rsa" })}.${base64(claims)}`;
      return `${signed}.${createSign(hash)
        .update(signed)
        .sign(pairs.RS256.privateKey as never, "base64url")}`;
    };
    const ec = (changed: object, head: object = {}) =>
      sign(pairs.ES256, { kid: "ec", ...head }, { ...mine, ...changed });
    const pairOfAnotherSize = await generateKeyPair("ES384");
    const corpus: Record<string, string> = {
      "alg none": new UnsecuredJWT(claims).encode(),
      "alg None with a signature": `${base64({ alg: "None", kid: "ec" })}.${payload}.${signature}`,
      "no alg": `${base64({ kid: "ec" })}.${payload}.${signature}`,
      "HS256 by the public key": hmac(rsaPem, { alg: "HS256", kid: "rsa" }),
      "HS256 by the public key as it is published": hmac(JSON.stringify(provider.keys[0]), {
        alg: "HS256",
        kid: "rsa",
      }),
      "HS256 by nothing": hmac("", { alg: "HS256" }),
      "RS256 said of an HMAC": hmac(rsaPem, { alg: "RS256", kid: "rsa" }),
      RS384: rs("RS384", "sha384"),
      ES384: await sign(pairOfAnotherSize, { alg: "ES384", kid: "ec" }, mine),
      "another algorithm than the key's": `${base64({ alg: "RS256", kid: "ec" })}.${payload}.${signature}`,
      "another issuer": await ec({ iss: "https://login.example.org/" }),
      "an issuer that begins alike": await ec({ iss: "https://login.example.com/evil" }),
      "no issuer": await ec({ iss: undefined }),
      "another audience": await ec({ aud: "other" }),
      "other audiences": await ec({ aud: ["other", "afterscore2"] }),
      "no audience": await ec({ aud: undefined }),
      expired: await ec({ exp: now - 1 }),
      "expires now": await ec({ exp: now }),
      "no expiry": await ec({ exp: undefined }),
      "expiry as text": await ec({ exp: String(now + 600) }),
      "not yet": await ec({ nbf: now + 600 }),
      "no workspace": await ec({ workspace_id: undefined }),
      "a workspace that does not exist": await ec({ workspace_id: newId() }),
      "a workspace that is no id": await ec({ workspace_id: "acme" }),
      "SQL for a workspace": await ec({ workspace_id: "' or true --" }),
      workspaces: await ec({ workspace_id: [client.workspaceId] }),
      "no subject": await ec({ sub: undefined }),
      "an empty subject": await ec({ sub: "" }),
      "a number for a subject": await ec({ sub: 7 }),
      "a subject with NUL": await ec({ sub: "a\u0000b" }),
      "a subject of any length": await ec({ sub: "x".repeat(256) }),
      "a foreign signature": await sign({ privateKey: foreign }, { kid: "ec" }, mine),
      "an unknown kid": await sign({ privateKey: foreign }, { kid: "nobody's" }, mine),
      "a kid that is no text": await ec({}, { kid: 7 }),
      "a kid that is a path": await sign({ privateKey: foreign }, { kid: "../../dev/null" }, mine),
      "its own key": await sign({ privateKey: foreign }, { jwk: provider.keys[1], kid: undefined } as never, mine),
      "a key from elsewhere": await sign({ privateKey: foreign }, { jku: "http://127.0.0.1:1/", kid: "x" }, mine),
      "an extension we do not know": `${base64({ alg: "ES256", kid: "ec", crit: ["exp"], exp: 1 })}.${payload}.${signature}`,
      "an unencoded payload": `${base64({ alg: "ES256", kid: "ec", crit: ["b64"], b64: false })}.${payload}.${signature}`,
      "another payload": `${header}.${base64({ ...claims, scope: SCOPES.join(" ") })}.${signature}`,
      "another header": `${base64({ alg: "ES256", kid: "ec", typ: "JWT" })}.${payload}.${signature}`,
      "claims that are a list": `${header}.${base64([claims])}.${signature}`,
      "cut short": good.slice(0, -5),
      "no signature": `${header}.${payload}.`,
      "no third part": `${header}.${payload}`,
      "a part more": `${good}.${signature}`,
      "five parts": `${header}.${payload}.${signature}.${payload}.${signature}`,
      "a header that is no JSON": `${base64("{")}.${payload}.${signature}`,
      dots: "..",
      nonsense: "nonsense",
      "nonsense, and much of it": "a.".repeat(4_000),
      "an API key that is none": `nps_${good}`,
    };
    t.ok(Object.keys(corpus).length >= 25);
    for (const [title, token] of Object.entries(corpus)) {
      const { status, headers, body } = await client.withToken(token).get("/v1/workspace");
      t.match({ status, body }, { status: 401, body: { code: "unauthenticated", detail: REFUSAL } }, title);
      t.equal(headers["www-authenticate"], "Bearer", title);
    }
    t.equal((await client.withToken(good).get("/v1/workspace")).status, 200, "and the good one is still good");
    t.equal(provider.reads(), 1, "none of them made us ask again");
  });

  t.test("is who did it, in activities and in the audit log", async (t) => {
    const scope = "responses:write cases:write cases:read workspace:manage";
    const user = client.withToken(await sign(pairs.ES256, { kid: "ec" }, { ...mine, sub: "auth0|ana", scope }));
    const { body: response } = await client.post("/v1/responses", { score: 1 });
    const noted = await user.post(`/v1/cases/${response.case.id}/notes`, { text: "Called" });
    t.match(noted.body.activities.at(-1), { type: "NOTE", actor: { kind: "user", id: "auth0|ana" } });
    const excluded = await user.post(`/v1/responses/${response.id}/exclusion`, { reason: "INTERNAL" });
    t.match(excluded.body.exclusion, { excludedBy: "user:auth0|ana" });
    const { body: audit } = await user.get(`/v1/audit-log?actorId=${encodeURIComponent("auth0|ana")}`);
    t.same(audit.data.map(({ action }: { action: string }) => action).toSorted(), [
      "case.closed",
      "case.note",
      "response.excluded",
    ]);
    t.match(audit.data[0], {
      actor: { kind: "user", id: "auth0|ana" },
      requestId: String,
    });
  });

  t.test("without a provider it is nobody's", async (t) => {
    const authenticate = createAuthenticate(service.tenancy);
    await t.rejects(authenticate(good), { code: "unauthenticated" });
  });

  t.test("a workspace that is gone is known no more after 25 seconds", async (t) => {
    const gone = await service.newClient();
    let now = Date.now();
    const users = { settings: provider.settings, logger: createLogger("silent") };
    const authenticate = createAuthenticate(service.tenancy, { time: () => now, elapsed: () => now }, users);
    const token = await sign(pairs.ES256, { kid: "ec" }, { ...mine, workspace_id: gone.workspaceId.toUpperCase() });
    t.match(await authenticate(token), {
      workspaceId: gone.workspaceId,
      scopes: new Set(["cases:read", "workspace:manage"]),
    });
    await gone.rows(
      `delete from audit_log; delete from api_keys; delete from workspaces where id = '${gone.workspaceId}'; select 1`,
    );
    await t.resolves(authenticate(token));
    now += 25_001;
    await t.rejects(authenticate(token), { code: "unauthenticated" });
  });
});

t.test("the provider's keys", async (t) => {
  provider.keys.length = 0;
  const first = await provider.addKey("first");
  const { workspaceId } = await service.newClient();
  const claims = { workspace_id: workspaceId, exp: Math.floor(Date.now() / 1000) + 24 * 3600 };
  const of = (kid: string, pair = first) => sign(pair, { kid }, claims);
  const start = (at = Date.now()) => {
    const clock = { now: at };
    const users = { settings: provider.settings, logger: createLogger("silent") };
    return {
      clock,
      authenticate: createAuthenticate(service.tenancy, { time: () => clock.now, elapsed: () => clock.now }, users),
    };
  };
  const user = { actor: { kind: "user" } };

  t.test("a thousand unknown ones cost one look in 30 seconds", async (t) => {
    const { clock, authenticate } = start();
    const before = provider.reads();
    t.match(await authenticate(await of("first")), user);
    const unknown = await Promise.all(Array.from({ length: 1_000 }, (_, n) => of(`unknown-${n}`)));
    const tryAll = async () => {
      const results = await Promise.allSettled(unknown.map(authenticate));
      const codes = results.map((result) => (result.status === "rejected" ? result.reason.code : "fulfilled"));
      t.same([...new Set(codes)], ["unauthenticated"]);
    };
    await tryAll();
    t.equal(provider.reads() - before, 1, "just read: not again");
    clock.now += 30_000;
    await tryAll();
    await tryAll();
    t.equal(provider.reads() - before, 2);
    clock.now += 29_999;
    await tryAll();
    t.equal(provider.reads() - before, 2);
  });

  t.test("a new one is found, and one taken back is not taken any more", async (t) => {
    const { clock, authenticate } = start();
    t.match(await authenticate(await of("first")), user);
    const second = await provider.addKey("second", "EdDSA");
    clock.now += 30_000;
    t.match(await authenticate(await sign(second, { alg: "EdDSA", kid: "second" }, claims)), user);
    provider.keys.splice(0, 1);
    t.match(await authenticate(await of("first")), user, "not looked at again yet");
    clock.now += 600_000;
    await t.rejects(authenticate(await of("first")), { code: "unauthenticated" });
    provider.keys.pop();
  });

  t.test("while it is down, those known go on and others are 503, and it is asked once in 30 seconds", async (t) => {
    const known = await provider.addKey("known");
    const { clock, authenticate } = start();
    const token = await of("known", known);
    t.match(await authenticate(token), user);
    provider.isDown = true;
    clock.now += 30_000;
    const before = provider.reads();
    const later = await provider.addKey("later");
    const newer = await of("later", later);
    await t.rejects(authenticate(newer), { code: "unavailable" });
    await t.rejects(authenticate(newer), { code: "unavailable" });
    t.match(await authenticate(token), user);
    t.equal(provider.reads() - before, 1);
    for (const hours of [0, 1, 5]) {
      clock.now += hours * HOUR;
      t.match(await authenticate(token), user, `${hours} hours past their age`);
      await t.rejects(authenticate(newer), { code: "unavailable" });
    }
    const forged = await of("known", later);
    await t.rejects(authenticate(forged), { code: "unauthenticated" }, "what can be told is told");
    provider.isDown = false;
    await t.rejects(authenticate(newer), { code: "unavailable" }, "not asked again within 30 seconds");
    clock.now += 30_000;
    t.match(await authenticate(newer), user);
  });

  t.test(
    "one that was down at the start is found later, and until then nobody is told that a token is bad",
    async (t) => {
      const { clock, authenticate } = start();
      const token = await sign(await provider.addKey("at-start"), { kid: "at-start" }, claims);
      provider.isDown = true;
      const before = provider.reads();
      const all = await Promise.allSettled(Array.from({ length: 20 }, () => authenticate(token)));
      for (const one of all) t.match(one, { status: "rejected", reason: { code: "unavailable" } });
      t.equal(provider.reads() - before, 1);
      provider.isDown = false;
      clock.now += 30_000;
      t.match(await authenticate(token), user);
    },
  );
});

import type { LightMyRequestResponse } from "fastify";
import t, { type Test } from "tap";
import { addressKey } from "../../src/platform/addressKey.ts";
import { type Authenticate, registerAuth } from "../../src/platform/auth.ts";
import { AppError } from "../../src/platform/errors.ts";
import { createServer } from "../../src/platform/http.ts";
import { newId } from "../../src/platform/ids.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { createRateLimits, type RateLimitSettings } from "../../src/platform/rateLimits.ts";
import { startService } from "../support/service.ts";

const OFF: RateLimitSettings = { perCredential: 0, perAddress: 0, failuresPerMinute: 0 };

/** A server whose tokens are the ids of keys, but for `bad` ones; its clock stands until it is told. */
function serve(t: Test, limits: Partial<RateLimitSettings>, trustedProxies: string[] = []) {
  let now = 0;
  let lookUps = 0;
  const authenticate: Authenticate = async (token) => {
    lookUps += 1;
    if (token === "away") throw new AppError("unavailable", "The provider is away.");
    if (token.startsWith("bad")) throw new AppError("unauthenticated", "This API key is not valid.");
    return { workspaceId: "w", actor: { kind: "key", id: token }, scopes: new Set(["people:read"]) };
  };
  const app = createServer(createLogger("silent"), { trustedProxies });
  registerAuth(
    app,
    authenticate,
    ["people:read", "people:write"],
    createRateLimits({ ...OFF, ...limits }, () => now),
  );
  app.get("/mine", { config: { scope: "people:read" } }, async () => "mine");
  app.get("/forbidden", { config: { scope: "people:write" } }, async () => "forbidden");
  app.get("/open", { config: { scope: "public" } }, async () => "open");
  app.get("/alive", { config: { scope: "public", countedBy: () => null } }, async () => "alive");
  t.teardown(() => app.close());
  const ask = (url: string, token?: string, remoteAddress = "192.0.2.1", headers = {}) =>
    app.inject({
      url,
      remoteAddress,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
  const statuses = async (count: number, ...args: Parameters<typeof ask>) =>
    (await Promise.all(Array.from({ length: count }, () => ask(...args)))).map(({ statusCode }) => statusCode);
  return { ask, statuses, lookUps: () => lookUps, wait: (ms: number) => (now += ms) };
}

const counted = ({ headers }: LightMyRequestResponse) => [
  headers["ratelimit-limit"],
  headers["ratelimit-remaining"],
  headers["ratelimit-reset"],
  headers["retry-after"],
];

t.test("a credential has its requests a second, wherever they come from and whatever becomes of them", async (t) => {
  const { ask, statuses, wait } = serve(t, { perCredential: 3 });
  t.same(counted(await ask("/mine", "a")), ["3", "2", "1", undefined]);
  t.equal((await ask("/forbidden", "a", "192.0.2.2")).statusCode, 403);
  t.same(counted(await ask("/mine", "a")), ["3", "0", "1", undefined]);
  const refused = await ask("/mine", "a");
  t.same(counted(refused), ["3", "0", "1", "1"]);
  t.match(refused.headers["content-type"], "application/problem+json");
  t.match(refused.json(), { status: 429, code: "rate_limited", instance: "/mine", detail: /Come again in 1 s/ });
  t.same(await statuses(4, "/mine", "b"), [200, 200, 200, 429], "another has its own");
  wait(999);
  t.equal((await ask("/mine", "a")).statusCode, 429);
  wait(1);
  t.same(counted(await ask("/mine", "a")), ["3", "2", "1", undefined]);
});

t.test("who brings no credential is counted by address, but where health is asked for", async (t) => {
  const { ask, statuses, wait } = serve(t, { perAddress: 2 });
  t.same(counted(await ask("/open")), ["2", "1", "1", undefined]);
  t.equal((await ask("/mine")).statusCode, 401);
  t.same(
    await Promise.all(["/open", "/mine", "/nowhere"].map(async (url) => (await ask(url)).statusCode)),
    [429, 429, 429],
  );
  t.same(await statuses(5, "/alive"), [200, 200, 200, 200, 200]);
  t.same(await statuses(3, "/mine", "a"), [200, 200, 200], "a credential is another matter");
  t.same(await statuses(3, "/open", undefined, "192.0.2.2"), [200, 200, 429]);
  t.same(await statuses(2, "/open", undefined, "2001:db8:1:2::1"), [200, 200]);
  t.same(await statuses(1, "/open", undefined, "2001:db8:1:2:ffff::9"), [429], "of IPv6 the network counts");
  wait(1_000);
  t.equal((await ask("/open")).statusCode, 200);
});

t.test("after too many failed logins nothing is looked up for the rest of the minute", async (t) => {
  const { ask, statuses, lookUps, wait } = serve(t, { failuresPerMinute: 3 });
  t.same(await statuses(4, "/mine", "a"), [200, 200, 200, 200], "good ones do not count");
  t.same(await statuses(2, "/mine", "away"), [503, 503], "nor does what cannot be known");
  t.same(
    (await statuses(5, "/mine", "bad")).toSorted((a, b) => a - b),
    [401, 401, 401, 429, 429],
    "at the same time, too",
  );
  const before = lookUps();
  wait(30_000);
  const refused = await ask("/mine", "bad2");
  t.equal(refused.statusCode, 429);
  t.same(counted(refused), ["3", "0", "30", "30"]);
  t.equal((await ask("/mine", "a")).statusCode, 429);
  t.equal(lookUps(), before);
  t.equal((await ask("/mine", "a", "192.0.2.2")).statusCode, 200, "another address goes on");
  wait(30_000);
  t.equal((await ask("/mine", "bad")).statusCode, 401);
});

t.test("only a trusted proxy is believed whom it sends for", async (t) => {
  const { statuses } = serve(t, { perAddress: 1 }, ["10.0.0.0/8"]);
  const through = (proxy: string, client: string) =>
    statuses(1, "/open", undefined, proxy, { "x-forwarded-for": client });
  t.same(await through("10.0.0.1", "192.0.2.1"), [200]);
  t.same(await through("10.0.0.2", "192.0.2.1"), [429], "the same by another proxy");
  t.same(await through("10.0.0.1", "192.0.2.2"), [200]);
  t.same(await through("10.0.0.1", "192.0.2.3, 192.0.2.2"), [429], "what was there before it proves nothing");
  t.same(await through("198.51.100.1", "192.0.2.5"), [200]);
  t.same(await through("198.51.100.1", "192.0.2.6"), [429]);
});

t.test("an address counts as itself, and of IPv6 its network", async (t) => {
  for (const [address, key] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["2001::2:3:4:5:6:7", "2001:0:2:3"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["", ""],
  ] as const) {
    t.equal(addressKey(address), key, address);
  }
});

t.test("deliveries are counted by source, and those that are not signed as failed logins", async (t) => {
  const service = await startService(t, { rateLimits: { perCredential: 5, perAddress: 1, failuresPerMinute: 3 } });
  const client = await service.newClient();
  const source = {
    name: "Tool",
    vendor: "JSON",
    secret: "a token of ours",
    mapping: { externalId: "/id", score: "/score" },
  };
  const { body } = await client.post("/v1/sources", source);
  const deliver = async (token: string, id: string = body.id) => {
    const { statusCode, headers } = await service.app.inject({
      method: "POST",
      url: `/v1/intake/${id}`,
      headers: { "content-type": "application/json", "x-webhook-token": token },
      payload: { id: "1", score: 9 },
    });
    return { status: statusCode, remaining: headers["ratelimit-remaining"] };
  };
  for (const remaining of ["4", "3"]) t.same(await deliver("a token of ours"), { status: 200, remaining });
  for (const remaining of ["2", "1", "0"]) t.same(await deliver("another"), { status: 401, remaining });
  t.same(await deliver("a token of ours"), { status: 429, remaining: "0" });

  // Survey tools send for all of their customers from the same addresses.
  const other = await service.newClient();
  const { body: theirs } = await other.post("/v1/sources", source);
  t.equal((await deliver("a token of ours", theirs.id)).status, 200, "another source goes on");
  const unknown = [newId(), newId(), newId(), newId()];
  const statuses = [];
  for (const id of unknown) statuses.push((await deliver("a token of ours", id)).status);
  t.same(statuses, [401, 401, 401, 429], "what is no source counts for the address");
  t.equal((await deliver("a token of ours", theirs.id)).status, 200, "and holds up none that is");
});

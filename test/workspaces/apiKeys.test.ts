import t from "tap";
import { CLOCKS } from "../../src/platform/clocks.ts";
import { newId } from "../../src/platform/ids.ts";
import { hasChecksum, isSameSecret, makeApiKey, parseApiKey } from "../../src/workspaces/apiKeys.ts";
import { createAuthenticate } from "../../src/workspaces/index.ts";
import { startService } from "../support/service.ts";

t.test("a key carries its id, a secret and a checksum", async (t) => {
  for (let round = 0; round < 200; round += 1) {
    const id = newId();
    const { apiKey, secretSha256 } = makeApiKey(id);
    t.match(apiKey, /^nps_[0-9a-f]{32}_[0-9A-Za-z]{39}$/);
    t.equal(parseApiKey(apiKey)?.id, id);
    t.ok(isSameSecret(parseApiKey(apiKey)?.secretSha256 ?? Buffer.alloc(0), secretSha256));
    const place = 4 + (round % (apiKey.length - 4));
    const changed = apiKey[place] === "0" ? "1" : "0";
    t.notOk(hasChecksum(apiKey.slice(0, place) + changed + apiKey.slice(place + 1)), "one character off");
  }
});

t.test("only the hash of a key is kept", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const [row] = await client.rows("select to_jsonb(api_keys)::text as text from api_keys");
  t.notMatch(row?.["text"], client.apiKey.slice(-39));
});

t.test("unknown, wrong, expired and revoked keys get the same answer", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const { id = "" } = parseApiKey(client.apiKey) ?? {};
  const refusal = { code: "unauthenticated", message: /^This API key is not valid/ };
  const authenticate = createAuthenticate(service.tenancy);
  t.match(await authenticate(client.apiKey), { workspaceId: client.workspaceId, actor: { kind: "key", id } });
  await t.rejects(authenticate("nps_nonsense"), refusal);
  await t.rejects(authenticate(makeApiKey(newId()).apiKey), refusal, "unknown");
  await t.rejects(authenticate(makeApiKey(id).apiKey), refusal, "the id of one, the secret of another");
  await client.rows("update api_keys set expires_at = now() + interval '1 hour'");
  const inTwoHours = () => Date.now() + 2 * 3_600_000;
  await t.resolves(createAuthenticate(service.tenancy)(client.apiKey));
  await t.rejects(
    createAuthenticate(service.tenancy, { ...CLOCKS, time: inTwoHours })(client.apiKey),
    refusal,
    "expired",
  );
  await client.rows("update api_keys set revoked_at = now()");
  await t.rejects(createAuthenticate(service.tenancy)(client.apiKey), refusal, "revoked");
});

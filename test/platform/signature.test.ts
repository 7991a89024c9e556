import { randomBytes } from "node:crypto";
import t from "tap";
import type { Vendor } from "../../src/intake/model.ts";
import { SCHEMES } from "../../src/intake/vendors/index.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import { isSignedBody, isSignedWebhook, signBody, signWebhook } from "../../src/platform/signature.ts";
import { readShared } from "../support/shared.ts";

t.test("known signatures are told from wrong ones", async (t) => {
  const text = readShared("vectors/signatures.json");
  if (text === undefined) return;
  const { vectors, standardWebhooksTable } = JSON.parse(text);
  const all = [...vectors, ...standardWebhooksTable];
  t.ok(all.length > 20);
  for (const { id, vendor, secret, headers, body, now, expect } of all) {
    const lower = Object.fromEntries(
      Object.entries<string>(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const name = vendor.toUpperCase().replace("-", "_") as Vendor;
    const delivery = { headers: lower, body: Buffer.from(body) };
    const isGenuine = SCHEMES[name].isGenuine([secret], delivery, null, new Date(now ?? Date.now()));
    t.equal(isGenuine, expect === "valid", id);
  }
});

t.test("a webhook is signed for its id, time and body, by any of the secrets, and by no empty one", async (t) => {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const [now, body] = [new Date("2026-05-04T09:00:00Z"), Buffer.from('{"a": 1}')];
  const timestamp = now.getTime() / 1000;
  const signed = (id: string, time: number, by = secret) => signWebhook(by, { id, timestamp: time, body });
  const headers = (id: string, time: number | string, signature: string, prefix = "webhook") => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(time),
    [`${prefix}-signature`]: signature,
  });
  const good = signed("m", timestamp);
  const other = `whsec_${randomBytes(24).toString("base64")}`;
  const check = (given: Record<string, string>, secrets = [secret]) => isSignedWebhook(secrets, given, body, now);
  t.ok(check(headers("m", timestamp, good)));
  t.ok(check(headers("m", timestamp, good, "svix")), "by the older names of the headers");
  t.ok(check(headers("m", timestamp, good), [other, secret]), "by the second of two secrets");
  t.ok(check(headers("m", timestamp, `v2,x ${signed("m", timestamp, other)} ${good}`)), "in a list");
  t.ok(check(headers("m", timestamp, good), [secret.replace("whsec_", "")]), "without the prefix");
  t.notOk(check(headers("n", timestamp, good)), "of another delivery");
  t.notOk(check(headers("m", timestamp + 1, good)), "of another time");
  t.notOk(check(headers("m", timestamp, good), [other]));
  for (const empty of ["", "whsec_", "whsec_!"]) t.notOk(check(headers("m", timestamp, good), [empty]), empty);
  for (const off of [-300, 300]) t.ok(check(headers("m", timestamp + off, signed("m", timestamp + off))), String(off));
  for (const off of [-301, 301])
    t.notOk(check(headers("m", timestamp + off, signed("m", timestamp + off))), String(off));
  t.notOk(isSignedWebhook([secret], headers("m", timestamp, good), Buffer.from('{"a": 2}'), now));
});

t.test("an HMAC over the body needs its prefix, and a secret that is none signs nothing", async (t) => {
  const scheme = { header: "x-sig", algorithm: "sha256", encoding: "hex", prefix: "sha256=" } as const;
  const body = Buffer.from("héllo");
  const good = signBody(scheme, "s", body);
  t.ok(isSignedBody(scheme, ["x", "s"], { "x-sig": good }, body));
  t.notOk(isSignedBody(scheme, ["s"], { "x-sig": good.slice(7) }, body));
  t.notOk(isSignedBody(scheme, ["s"], { "x-sig": [good, good] }, body), "twice");
  t.notOk(isSignedBody(scheme, ["s"], {}, body));
  t.notOk(isSignedBody(scheme, [""], { "x-sig": signBody(scheme, "", body) }, body));
});

t.test("a sealed secret opens with its key and at its place only", async (t) => {
  const box = createSecretBox(randomBytes(32));
  const sealed = box.seal("geheim 🦀", "here");
  t.equal(box.open(sealed, "here"), "geheim 🦀");
  t.notOk(sealed.toString("latin1").includes("geheim"));
  t.notSame(box.seal("geheim 🦀", "here"), sealed, "never the same twice");
  const closed = { code: "unavailable", message: /SECRETS_KEY/ };
  t.throws(() => box.open(sealed, "there"), closed);
  t.throws(() => createSecretBox(randomBytes(32)).open(sealed, "here"), closed);
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  t.throws(() => box.open(sealed, "here"), closed);
  t.throws(() => createSecretBox(undefined).seal("x", "here"), closed);
});

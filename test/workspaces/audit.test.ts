import { readFile } from "node:fs/promises";
import t from "tap";
import { auditedCalls, PROSE } from "../support/matrix/auditedCalls.ts";
import { withClient } from "../support/server.ts";
import { startService } from "../support/service.ts";

/** What writes, and is no change of settings, keys, sources, endpoints, exclusions or cases, nor a part of one. */
const NOT_AUDITED = new Set([
  "putPerson",
  "putAccount",
  "recordResponse",
  "recordResponses",
  "importResponses",
  "receiveDelivery",
  "previewDelivery",
  "testWebhookEndpoint",
  "replayWebhookEvents",
  "replayWebhookDelivery",
  "graphql",
]);
t.test("every change leaves who, what, before and after", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const person = { email: "ana.canary@example.com", name: "Ana Canary", phone: "+49 30 1234567" };
  const answer = async (extra: object = {}): Promise<any> =>
    (await client.post("/v1/responses", { score: 9, comment: PROSE, person, ...extra })).body;
  const unhappy = await answer({
    score: 1,
    externalId: "r1",
    person: { email: "ben@example.com", name: "Ben Canary" },
  });
  const happy = await answer();
  await answer({ externalId: "r2" });
  const { calls, ids } = auditedCalls({ unhappy, happy });

  const document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
  const writing = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap((methods) =>
    Object.entries(methods).flatMap(([method, { operationId }]) => (method === "get" ? [] : [operationId])),
  );
  const called = new Set(calls.map(({ operation }) => operation));
  t.same(
    writing.filter(
      (operation) => !called.has(operation) && !NOT_AUDITED.has(operation) && !/person|erasure/i.test(operation),
    ),
    [],
    "each operation that writes has a case here, or a reason to have none",
  );

  const keyId = String((await client.rows("select id from api_keys"))[0]?.["id"]);
  const logged = async (): Promise<any[]> => (await client.get("/v1/audit-log?limit=100")).body.data;
  // What has only been added to a case is in its activities.
  const unchanged = new Set([
    "case.response_changed",
    "case.note",
    "case.commitment_made",
    "case.commitment_settled",
    "case.reference_put",
    "case.verified",
  ]);
  let before = (await logged()).length;
  for (const { operation, audits, send } of calls) {
    const { status, body } = await send(client);
    t.ok(status < 300, `${operation} ${status} ${JSON.stringify(status < 300 ? "" : body)}`);
    const all = await logged();
    const entries = all.slice(0, all.length - before);
    before = all.length;
    t.same(entries.map(({ action }) => String(action)).toSorted(), audits.toSorted(), operation);
    for (const entry of entries) {
      t.match(
        entry,
        { actor: { kind: "key", id: keyId }, subject: { type: String, id: String }, requestId: String },
        operation,
      );
      if (/\.(created|opened)$/.test(entry.action)) t.match(entry, { before: null, after: Object }, entry.action);
      else if (entry.action.endsWith("deleted")) t.match(entry, { before: Object, after: null }, entry.action);
      else if (!unchanged.has(entry.action) && !/rotated|told|replayed|acknowledged|\.put$/.test(entry.action)) {
        t.notSame(entry.before, entry.after, entry.action);
      }
    }
  }
  const text = JSON.stringify(await client.rows("select * from audit_log"));
  for (const word of ["Canary", "canary@", "1234567", "nps_", "whsec_"])
    t.notOk(text.includes(word), `no ${word} in it`);

  t.test("is read newest first, page by page, by what it says", async (t) => {
    const all = await logged();
    const seen: any[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await client.get(`/v1/audit-log?limit=7${cursor}`);
      seen.push(...body.data);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    t.same(seen, all);
    const times = seen.map(({ occurredAt }) => String(occurredAt));
    t.same(times, times.toSorted().toReversed());
    const ask = async (query: string): Promise<any[]> =>
      (await client.get(`/v1/audit-log?limit=100&${query}`)).body.data;
    t.same(
      await ask("action=case.note"),
      all.filter(({ action }) => action === "case.note"),
    );
    t.same(
      await ask("subjectType=case&subjectType=source"),
      all.filter(({ subject }) => /^(case|source)$/.test(subject.type)),
    );
    t.same(
      await ask(`subjectId=${ids["case"]}`),
      all.filter(({ subject }) => subject.id === ids["case"]),
    );
    t.same(
      await ask(`actorId=${keyId}`),
      all.filter(({ actor }) => actor.id === keyId),
    );
    const [from = "", to = ""] = [times[20], times[10]];
    t.same(
      await ask(`from=${from}&to=${to}`),
      all.filter(({ occurredAt }) => occurredAt >= from && occurredAt < to),
    );
    t.equal((await (await client.withScopes("privacy:manage")).get("/v1/audit-log")).status, 403);
    t.same((await (await service.newClient()).get("/v1/audit-log")).body.data.length, 1, "nobody else's");
    t.match(await client.get("/v1/audit-log?who=me"), { status: 400, body: { invalidParams: [{ name: "who" }] } });
  });

  t.test("nobody changes it, nor takes it back", async (t) => {
    for (const statement of ["update audit_log set actor_id = 'x'", "delete from audit_log", "truncate audit_log"]) {
      const attempt = withClient(service.url, async (connection) => {
        await connection.query(
          `begin; set local role afterscore_app; set local app.workspace_id = '${client.workspaceId}'`,
        );
        return connection.query(statement);
      });
      await t.rejects(attempt, { code: "42501" }, statement);
    }
  });
});

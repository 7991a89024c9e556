import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { graphqlDriver, restDriver } from "../support/caseDrivers.ts";
import { startService } from "../support/service.ts";

t.test("the whole life of a case", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.put("/v1/root-causes/price", { label: "Price" });
  await client.put("/v1/root-causes/invoice", { label: "The invoice", parentKey: "price" });
  for (const driver of [restDriver(client), graphqlDriver(client)]) {
    t.test(`by ${driver.name} alone`, async (t) => {
      const person = { email: `${driver.name}@example.com`, name: "Ana" };
      const { body: response } = await client.post("/v1/responses", { score: 8, comment: "Billed twice", person });
      const opened = await driver.openCase({ responseId: response.id, note: "Billed twice" });
      t.match(opened, { code: "ok", case: { status: "OPEN", reasons: ["MANUAL"], assignee: null } });
      const { id } = opened.case;
      const act = async (command: string, input: object) => {
        const outcome = await driver.command(id, command, input);
        t.equal(outcome.code, "ok", command);
        return outcome.case;
      };
      t.match(await act("assignCase", { assignee: "ben@example.com" }), { assignee: "ben@example.com", version: 2 });
      t.match(await act("assessCase", { feasibility: 5, publicRisk: true }), {
        assessment: { feasibility: 5, alignment: null, publicRisk: true },
        priority: "NORMAL",
      });
      const contact = {
        channel: "PHONE",
        direction: "OUTBOUND",
        outcome: "REACHED",
        topics: ["LISTENED"],
        note: "Angry",
      };
      t.match(await act("recordContact", contact), { status: "CONTACTED", firstContact: { state: "MET" } });
      await act("addCaseNote", { text: "Asked the bank" });
      const promised = await act("addCommitment", { text: "Money back", dueOn: "2026-12-24" });
      t.match(promised.commitments, [{ text: "Money back", dueOn: "2026-12-24", kept: null }]);
      const commitmentId = promised.commitments[0].id;
      t.match(await act("setCaseCauses", { statedCause: "price" }), { causes: { stated: "price", actual: null } });
      const improvementId = await driver.createImprovement({ title: "One invoice", rootCauseKeys: ["invoice"] });
      t.match(await act("parkCase", { improvementId }), { status: "PARKED", improvementId });
      await driver.setImprovementStatus(improvementId, "SHIPPED");
      t.match(await driver.read(id), { status: "CONTACTED", improvementId });
      t.match(await act("settleCommitment", { commitmentId, kept: true }), { commitments: [{ kept: true }] });
      const resolution = { outcome: "FIXED", resolution: "Paid back", actualCause: "invoice" };
      t.match(await act("resolveCase", resolution), {
        status: "RESOLVED",
        outcome: "FIXED",
        resolution: "Paid back",
        causes: { stated: "price", actual: "invoice" },
      });
      t.match(await act("verifyCase", { satisfied: false, verbalScore: 6 }), { status: "CONTACTED", outcome: null });
      await act("resolveCase", resolution);
      const closed = await act("verifyCase", { satisfied: true, verbalScore: 9, note: "Happy now" });
      t.match(closed, { status: "CLOSED", outcome: "FIXED" });
      t.same(
        closed.activities.map(({ type }: { type: string }) => type).join(" "),
        "OPENED ASSIGNED ASSESSED CONTACT NOTE COMMITMENT_MADE CAUSES_SET PARKED UNPARKED " +
          "COMMITMENT_SETTLED RESOLVED VERIFIED RESOLVED VERIFIED",
      );
      t.match(closed.activities.at(-1), {
        text: "Happy now",
        details: { satisfied: true, verbalScore: 9 },
        actor: { kind: "key" },
      });
      t.match(await act("reopenCase", { reason: "Billed twice again" }), { status: "OPEN", clocks: { length: 2 } });
      t.match(await act("closeCase", { outcome: "GOODWILL", reason: "A voucher" }), {
        status: "CLOSED",
        outcome: "GOODWILL",
      });
      const { nps } = await client.query(
        `{ nps(filter: { personIds: ["${response.person.id}"] }) { answered distribution } }`,
      );
      t.equal(nps.answered, 1, "what was said as a score is no answer");
      const types = await client.rows(
        `select type, (data->>'sequence')::int as n from events where data->'case'->>'id' = '${id}' order by id`,
      );
      t.same(
        types.map(({ type }) => String(type).replace("case.", "")).join(" "),
        "opened assigned contacted parked resolved verified resolved verified closed reopened closed",
      );
      const numbers = types.map(({ n }) => Number(n));
      t.same(
        numbers,
        numbers.toSorted((a, b) => a - b),
        "the sequence never falls",
      );
      const [{ audited } = { audited: 0 }] = await client.rows(
        `select count(*)::int as audited from audit_log where subject_id = '${id}'`,
      );
      t.equal(audited, closed.version + 2, "each version has its audit row");
      const written = await client.rows(
        `select before::text || after::text as text from audit_log where subject_id = '${id}'`,
      );
      t.notMatch(JSON.stringify(written), /Billed|Angry|bank|Happy/, "and no word that somebody wrote");
    });
  }
});

t.test("working a case", async (t) => {
  const service = await startService(t);
  const open = async (client: any, body: object = { score: 5 }) => {
    const { body: response } = await client.post("/v1/responses", body);
    return { response, path: `/v1/cases/${response.case.id}` };
  };

  t.test("what changes nothing writes nothing and tells nobody", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    await client.post(`${path}/assignee`, { assignee: "ana" });
    const { body: before } = await client.get(path);
    for (const [call, body] of [
      ["assignee", { assignee: "ana" }],
      ["causes", {}],
      ["assessment", { publicRisk: false }],
    ] as const) {
      t.equal((await client.post(`${path}/${call}`, body)).body.version, before.version, call);
    }
    t.equal((await client.rows("select from events where type = 'case.assigned'")).length, 1);
  });

  t.test("If-Match: only in the version that was read", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    const note = (version: string) => client.post(`${path}/notes`, { text: "x" }, { "if-match": version });
    t.equal((await note('"1"')).body.version, 2);
    t.match(await note('"1"'), { status: 409, body: { code: "conflict", detail: /version 2/ } });
    t.equal((await note('W/"2"')).status, 409, "a weak tag is none");
    t.equal((await note('"1", "2"')).body.version, 3);
    t.equal((await note("*")).body.version, 4);
    t.match(await note("4"), { status: 400, body: { invalidParams: [{ name: "if-match" }] } });
    const put = (headers: object) =>
      service.app.inject({
        method: "PUT",
        url: `${path}/references/zendesk`,
        headers: { authorization: `Bearer ${client.apiKey}`, ...headers },
        payload: { externalId: "1" },
      });
    t.equal((await put({ "if-match": '"3"' })).statusCode, 409);
    t.equal((await put({ "if-match": '"4"' })).statusCode, 200);
    const { id } = (await client.get(path)).body;
    const outcome = await graphqlDriver(client).command(id, "addCaseNote", { text: "x" }, 3);
    t.equal(outcome.code, "conflict");
  });

  t.test("Idempotency-Key: a note sent twice is one, on another case it is another", async (t) => {
    const client = await service.newClient();
    const [a, b] = [await open(client), await open(client)];
    const note = (path: string, text = "x") => client.post(`${path}/notes`, { text }, { "idempotency-key": "k" });
    const first = await note(a.path);
    const again = await note(a.path);
    t.same(again.body, first.body);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.equal((await note(a.path, "y")).status, 422);
    t.equal((await note(b.path)).status, 422, "a key is for one case");
    t.equal((await client.rows("select from case_activities where type = 'NOTE'")).length, 1);
    const refuse = () => client.post(`${a.path}/verification`, { satisfied: true }, { "idempotency-key": "refused" });
    const refused = await refuse();
    t.match(refused, { status: 409, body: { code: "invalid_transition" } });
    await client.post(`${a.path}/contacts`, { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
    await client.post(`${a.path}/resolution`, { outcome: "FIXED", resolution: "x" });
    t.same((await refuse()).body, refused.body, "the verb's own refusal is kept");
    const stale = (version: string) =>
      client.post(`${a.path}/notes`, { text: "z" }, { "idempotency-key": "stale", "if-match": version });
    t.equal((await stale('"1"')).status, 409);
    const { version } = (await client.get(a.path)).body;
    t.equal((await stale(`"${version}"`)).status, 200, "a version that was read anew may be tried with the same key");
  });

  t.test("references are found again, one of each system", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    const put = (system: string, body: object) => client.put(`${path}/references/${system}`, body);
    t.match((await put("zendesk", { externalId: "1:2", url: "https://example.com/1" })).body.references, [
      { system: "zendesk", externalId: "1:2", url: "https://example.com/1" },
    ]);
    await put("jira", { externalId: "A-1" });
    const { body } = await put("zendesk", { externalId: "3" });
    t.same(body.references, [
      { system: "jira", externalId: "A-1", url: null },
      { system: "zendesk", externalId: "3", url: null },
    ]);
    const find = async (reference: string) => (await client.get(`/v1/cases?reference=${reference}`)).body;
    t.equal((await find("zendesk:3")).data[0].id, body.id);
    t.same((await find("zendesk:1:2")).data, []);
    t.equal((await find("jira:A-1&reference=zendesk:9")).data.length, 1, "any of several");
    t.match(await find("zendesk"), { code: "invalid_request", invalidParams: [{ name: "reference" }] });
    for (const [system, reference, name] of [
      ["a:b", { externalId: "1" }, "system"],
      ["zendesk", { externalId: "1", url: "javascript:alert(1)" }, "url"],
    ] as const) {
      t.match(await put(system, reference), { status: 400, body: { invalidParams: [{ name }] } });
    }
  });

  t.test("what does not exist is not found or named", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    t.equal((await client.get(`/v1/cases/${newId()}`)).status, 404);
    t.equal((await client.post(`/v1/cases/${newId()}/notes`, { text: "x" })).status, 404);
    t.equal((await client.post(`${path}/commitments/${newId()}/outcome`, { kept: true })).status, 404);
    t.match(await client.post(`${path}/causes`, { actualCause: "price", statedCause: null }), {
      status: 400,
      body: { invalidParams: [{ name: "actualCause" }] },
    });
    await client.post(`${path}/contacts`, { channel: "PHONE", direction: "OUTBOUND", outcome: "SENT" });
    t.equal((await client.post(`${path}/parking`, { improvementId: newId() })).status, 404);
    t.match(await client.post("/v1/cases", { responseId: newId() }), {
      status: 404,
      body: { invalidParams: [{ name: "responseId" }] },
    });
    const mutation = `mutation { addCaseNote(id: "${newId()}", input: { text: "x" }) { id } }`;
    const { body } = await client.post("/graphql", { query: mutation });
    t.match(body.errors, [{ extensions: { code: "not_found" } }]);
  });

  t.test("opening by hand: once, joined where there is a case, never of an excluded answer", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const { body: passive } = await client.post("/v1/responses", { score: 8, comment: "Hm", person });
    const { body: first, status } = await client.post("/v1/cases", { responseId: passive.id, note: "Call her" });
    t.equal(status, 201);
    t.match(first, { reasons: ["MANUAL"], activities: [{ type: "OPENED", text: "Call her" }] });
    const again = await client.post("/v1/cases", { responseId: passive.id, note: "Call her" });
    t.match(again, { status: 409, body: { code: "conflict", existingId: first.id } });
    const { body: promoter } = await client.post("/v1/responses", { score: 10, person });
    t.equal(promoter.case, null);
    const joined = await client.post("/v1/cases", { responseId: promoter.id });
    t.match(joined, { status: 200, body: { id: first.id, responses: { length: 2 } } });
    await client.patch(`/v1/responses/${passive.id}`, { comment: "Fine" });
    t.equal((await client.get(`/v1/cases/${first.id}`)).body.status, "OPEN", "what was opened by hand needs no rule");
    await client.post(`/v1/cases/${first.id}/closure`, { outcome: "EDUCATED", reason: "Explained" });
    t.match(await client.post("/v1/cases", { responseId: passive.id }), {
      status: 409,
      body: { existingId: first.id },
    });
    const { body: test } = await client.post("/v1/responses", { score: 2, test: true });
    t.match(await client.post("/v1/cases", { responseId: test.id }), { status: 409, body: { code: "conflict" } });
    const history = { responses: [{ score: 1, externalId: "old" }] };
    const { body: batch } = await client.post("/v1/responses/batch?followUp=NONE", history);
    const [{ id }] = batch.results;
    t.equal(
      (await client.patch(`/v1/responses/${id}`, { score: 0 })).body.case,
      null,
      "history opens nothing by a rule",
    );
    t.equal((await client.post("/v1/cases", { responseId: id })).status, 201, "but somebody may");
  });

  t.test("reopening, or going on with a case, while the person has another is a conflict", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const first = await open(client, { score: 5, person });
    await client.post(`${first.path}/closure`, { outcome: "FIXED", reason: "x" });
    const second = await open(client, { score: 4, person });
    t.match((await client.get(second.path)).body, { previousCaseId: first.response.case.id });
    t.match(await client.post(`${first.path}/reopening`, { reason: "x" }), {
      status: 409,
      body: { code: "conflict", existingId: second.response.case.id },
    });
    await client.post(`${second.path}/contacts`, { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
    await client.post(`${second.path}/resolution`, { outcome: "FIXED", resolution: "x" });
    const third = await open(client, { score: 3, person });
    const unsatisfied = await client.post(`${second.path}/verification`, { satisfied: false });
    t.match(unsatisfied, { status: 409, body: { code: "conflict", existingId: third.response.case.id } });
    t.equal((await client.post(`${second.path}/verification`, { satisfied: true })).body.status, "CLOSED");
  });

  t.test("everything that happened can be paged, however much it is", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    for (let n = 0; n < 105; n += 1) await client.post(`${path}/notes`, { text: `note ${n}` });
    const { body } = await client.get(path);
    t.equal(body.activities.length, 100);
    t.equal(body.activities.at(-1).text, "note 104");
    const texts: string[] = [];
    let cursor = "";
    do {
      const page = (await client.get(`${path}/activities?limit=40${cursor}`)).body;
      texts.push(...page.data.map(({ text }: { text: string | null }) => text ?? "opened"));
      cursor = page.nextCursor === null ? "" : `&cursor=${page.nextCursor}`;
    } while (cursor !== "");
    t.same(texts, ["opened", ...Array.from({ length: 105 }, (_, n) => `note ${n}`)]);
    t.equal((await client.get(`/v1/cases/${newId()}/activities`)).status, 404);
  });

  t.test("scopes: who reads does not write", async (t) => {
    const client = await service.newClient();
    const { path } = await open(client);
    const reader = await client.withScopes("cases:read");
    t.equal((await reader.get(path)).status, 200);
    t.equal((await reader.post(`${path}/notes`, { text: "x" })).status, 403);
    const { id } = (await reader.get(path)).body;
    t.equal((await graphqlDriver(reader).command(id, "addCaseNote", { text: "x" })).code, "forbidden");
  });
});

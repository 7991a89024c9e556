import t from "tap";
import { type Client, startService } from "../support/service.ts";

const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
const typesOf = ({ activities }: any) => activities.map(({ type }: { type: string }) => type);

t.test("what becomes of a case", async (t) => {
  const service = await startService(t);
  const record = async (client: Client, body: object) => (await client.post("/v1/responses", body)).body;
  const patch = async (client: Client, { id }: any, body: object) => {
    const { status, body: changed } = await client.patch(`/v1/responses/${id}`, body);
    t.equal(status, 200, JSON.stringify(changed));
    return changed;
  };
  const read = async (client: Client, { id }: any) => (await client.get(`/v1/cases/${id}`)).body;
  const [ana, bob] = ["ana", "bob"].map((externalId) => ({ externalId }));

  t.test("that has ended, when its answer is another person's: they get one of their own", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5, person: ana });
    await client.post(`/v1/cases/${response.case.id}/closure`, { outcome: "FIXED", reason: "x" });
    const second = await record(client, { score: 4, person: ana });
    const moved = await patch(client, response, { person: bob });
    t.match(moved, { person: bob, case: { status: "OPEN" } });
    t.match(await read(client, moved.case), { person: bob, previousCaseId: null, reasons: ["DETRACTOR"] });
    t.match(await read(client, response.case), { status: "CLOSED", outcome: "FIXED", responses: [] });
    const asked = await patch(client, response, { followUpRequested: true });
    t.equal(asked.case.id, moved.case.id);
    t.match(await read(client, second.case), { person: ana, responses: [{ id: second.id }] });
  });

  t.test("that nobody has followed up: it goes to whom its only answer is about, since it was opened", async (t) => {
    const client = await service.newClient();
    const earlier = await record(client, { score: 4, person: bob });
    await client.post(`/v1/cases/${earlier.case.id}/closure`, { outcome: "FIXED", reason: "x" });
    const response = await record(client, { score: 6 });
    const before = await read(client, response.case);
    const moved = await patch(client, response, { score: 1, person: bob });
    t.equal(moved.case.id, response.case.id);
    const after = await read(client, response.case);
    t.match(after, { person: bob, previousCaseId: earlier.case.id, reasons: ["DETRACTOR", "DANGER_ZONE"] });
    t.equal(after.firstContact.startedAt, before.firstContact.startedAt);
    t.ok(after.firstContact.dueAt < before.firstContact.dueAt, "due as what it says now is");
    t.equal(typesOf(after).at(-1), "RESPONSE_CHANGED");
  });

  t.test("of somebody who was contacted already: who was not is called", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5, person: ana });
    await client.post(`/v1/cases/${response.case.id}/contacts`, CALL);
    const moved = await patch(client, response, { person: bob });
    t.not(moved.case.id, response.case.id);
    t.match(await read(client, moved.case), { status: "OPEN", person: bob, firstContact: { state: "PENDING" } });
    t.match(await read(client, response.case), { status: "CLOSED", outcome: "INVALID", person: ana });
  });

  t.test("of nobody known who was contacted, and asks for it again once known: a clock starts", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5 });
    await client.post(`/v1/cases/${response.case.id}/contacts`, CALL);
    const moved = await patch(client, response, { followUpRequested: true, person: bob });
    t.equal(moved.case.id, response.case.id);
    t.match(await read(client, response.case), {
      status: "OPEN",
      person: bob,
      clocks: [{ state: "MET" }, { state: "PENDING", cause: "RESPONSE_CHANGED" }],
    });
  });

  t.test("whose answer has another account, or none", async (t) => {
    const client = await service.newClient();
    const account = { externalId: "acme", annualValue: 5_000_000, segment: "ENTERPRISE" };
    const response = await record(client, { score: 5, account });
    t.match(await read(client, response.case), { account: { externalId: "acme" } });
    await patch(client, response, { account: null });
    const { account: left, priorityTerms } = await read(client, response.case);
    t.equal(left, null);
    t.notOk(priorityTerms.some(({ term }: any) => /VALUE|HEAVY/.test(term)));
  });

  t.test("that was opened by hand, when its answers no longer count", async (t) => {
    const client = await service.newClient();
    const promoter = await record(client, { score: 9, person: ana });
    await client.post("/v1/cases", { responseId: promoter.id });
    const staff = await record(client, { score: 0, person: ana });
    const termsOf = ({ priorityTerms }: any) => priorityTerms.map(({ term }: any) => term);
    t.ok(termsOf(await read(client, staff.case)).includes("DANGER_ZONE"));
    await client.post(`/v1/responses/${staff.id}/exclusion`, { reason: "INTERNAL" });
    const ranked = await read(client, staff.case);
    t.same(ranked.reasons, ["MANUAL"]);
    t.notOk(termsOf(ranked).includes("DANGER_ZONE"), "what does not count says nothing of how urgent it is");
    await client.post(`/v1/responses/${promoter.id}/exclusion`, { reason: "OTHER" });
    t.match(await read(client, staff.case), { status: "CLOSED", outcome: "INVALID" }, "there is nobody to be called");
  });

  t.test("that people have ended, when its answer is taken out by mistake and put back", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5 });
    await client.post(`/v1/cases/${response.case.id}/contacts`, CALL);
    await client.post(`/v1/cases/${response.case.id}/closure`, { outcome: "RECOVERED", reason: "x" });
    await client.post(`/v1/responses/${response.id}/exclusion`, { reason: "DUPLICATE" });
    await client.delete(`/v1/responses/${response.id}/exclusion`);
    t.match(await read(client, response.case), { status: "CLOSED", outcome: "RECOVERED", clocks: [{ state: "MET" }] });
  });

  t.test("that has ended and was nobody's, when it becomes known whose it was: they were called", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5 });
    await client.post(`/v1/cases/${response.case.id}/contacts`, CALL);
    await client.post(`/v1/cases/${response.case.id}/closure`, { outcome: "RECOVERED", reason: "x" });
    const known = await patch(client, response, { person: bob });
    t.match(known, { person: bob, case: { id: response.case.id, status: "CLOSED" } });
    t.match(await read(client, response.case), { person: bob, outcome: "RECOVERED" });
    const nobody = await patch(client, response, { person: null });
    t.match(
      nobody.case,
      { id: response.case.id, status: "CLOSED" },
      "nor is there anything new where it is not theirs",
    );
    t.equal((await client.get("/v1/cases")).body.data.length, 1);
  });

  t.test(
    "of somebody who has been called, when an answer that is no reason to call turns out to be theirs",
    async (t) => {
      const client = await service.newClient();
      const theirs = await record(client, { score: 5, person: bob });
      await client.post(`/v1/cases/${theirs.case.id}/contacts`, CALL);
      const response = await record(client, { score: 4, person: ana });
      const moved = await patch(client, response, { score: 9, person: bob });
      t.equal(moved.case, null);
      t.match(await read(client, theirs.case), {
        status: "CONTACTED",
        clocks: { length: 1 },
        responses: { length: 1 },
      });
    },
  );

  t.test("that is worked, when one of its answers is taken out by mistake and put back", async (t) => {
    const client = await service.newClient();
    const first = await record(client, { score: 5, person: ana });
    const second = await record(client, { score: 4, person: ana });
    await client.post(`/v1/cases/${first.case.id}/contacts`, CALL);
    await client.post(`/v1/responses/${second.id}/exclusion`, { reason: "OTHER" });
    await client.delete(`/v1/responses/${second.id}/exclusion`);
    t.match(await read(client, first.case), { status: "CONTACTED", clocks: { length: 1 }, responses: { length: 2 } });
  });

  t.test("that has ended, when its answer is another's and no reason to call them", async (t) => {
    const client = await service.newClient();
    const response = await record(client, { score: 5, person: ana });
    await client.post(`/v1/cases/${response.case.id}/closure`, { outcome: "FIXED", reason: "x" });
    t.equal((await patch(client, response, { score: 9, person: bob })).case, null);
    t.match(await read(client, response.case), { status: "CLOSED", outcome: "FIXED", responses: [] });
  });

  t.test(
    "that somebody opened by hand, when its answer is another person's: who was not called is to be",
    async (t) => {
      const client = await service.newClient();
      const promoter = await record(client, { score: 9, person: ana });
      const { body: opened } = await client.post("/v1/cases", { responseId: promoter.id });
      await client.post(`/v1/cases/${opened.id}/contacts`, CALL);
      const moved = await patch(client, promoter, { person: bob });
      t.not(moved.case.id, opened.id);
      t.match(await read(client, moved.case), { status: "OPEN", person: bob, reasons: ["MANUAL"] });
      t.match(await read(client, opened), { person: ana, responses: [], status: "CLOSED" }, "the call was to her");
      const known = { source: "s", externalId: "e", score: 9 };
      const taken = await record(client, { ...known, person: { externalId: "cy" } });
      const { body: second } = await client.post("/v1/cases", { responseId: taken.id });
      await client.put("/v1/responses", { ...known, person: { externalId: "dan" }, test: true });
      t.match(await read(client, second), { status: "CLOSED", outcome: "INVALID" }, "what does not count is no wish");
    },
  );

  t.test(
    "that was closed for want of a reason, and what people have closed, when an answer counts again",
    async (t) => {
      const client = await service.newClient();
      const takeOut = ({ id }: any) => client.post(`/v1/responses/${id}/exclusion`, { reason: "OTHER" });
      const putBack = ({ id }: any) => client.delete(`/v1/responses/${id}/exclusion`);
      const promoter = await record(client, { score: 9 });
      const { body: opened } = await client.post("/v1/cases", { responseId: promoter.id });
      await takeOut(promoter);
      t.equal((await read(client, opened)).status, "CLOSED");
      await putBack(promoter);
      t.match(await read(client, opened), { status: "OPEN", reasons: ["MANUAL"] }, "somebody wanted it to be worked");
      const invalid = await record(client, { score: 5 });
      await client.post(`/v1/cases/${invalid.case.id}/closure`, { outcome: "INVALID", reason: "It was a test call" });
      await takeOut(invalid);
      await putBack(invalid);
      t.equal((await read(client, invalid.case)).status, "CLOSED", "somebody has decided it");
      const worse = await record(client, { score: 5 });
      await client.post(`/v1/cases/${worse.case.id}/closure`, { outcome: "RECOVERED", reason: "x" });
      await takeOut(worse);
      await patch(client, worse, { score: 1 });
      await putBack(worse);
      t.match(
        await read(client, worse.case),
        { status: "OPEN", reasons: ["DETRACTOR", "DANGER_ZONE"] },
        "that was not known",
      );
    },
  );

  t.test("whose person has answered before, when that answer changes", async (t) => {
    const client = await service.newClient();
    const first = await record(client, { score: 9, person: ana, respondedAt: "2026-01-01T00:00:00Z" });
    const response = await record(client, { score: 5, person: ana });
    const terms = async () => (await read(client, response.case)).priorityTerms.map(({ term }: any) => term);
    t.ok((await terms()).includes("FRESHLY_TIPPED"));
    await patch(client, first, { score: 4 });
    t.notOk((await terms()).includes("FRESHLY_TIPPED"));
    await patch(client, first, { score: 10 });
    t.ok((await terms()).includes("FRESHLY_TIPPED"));
    await client.post(`/v1/responses/${first.id}/exclusion`, { reason: "OTHER" });
    t.notOk((await terms()).includes("FRESHLY_TIPPED"));
  });

  t.test("is told to nobody where events are not wanted", async (t) => {
    const client = await service.newClient();
    await client.post("/v1/responses/batch?events=false", { responses: [{ score: 2, person: ana }, { score: 3 }] });
    t.equal((await client.get("/v1/cases")).body.data.length, 2);
    t.same(await client.rows("select type from events"), []);
  });

  t.test("with a promise for a day that cannot be", async (t) => {
    const client = await service.newClient({ timeZone: "Europe/Berlin" });
    const response = await record(client, { score: 2 });
    for (const dueOn of ["0001-01-01", "1969-12-31"]) {
      t.match(await client.post(`/v1/cases/${response.case.id}/commitments`, { text: "x", dueOn }), {
        status: 400,
        body: { invalidParams: [{ name: "dueOn" }] },
      });
    }
  });
});

t.test("a PUT that is sent again with nulls ends in the same, and one that is too old is looked at", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const person = { externalId: "p", account: { externalId: "acme" } };
  const put = { source: "s", externalId: "e", score: 9, person, account: null };
  t.match(await client.put("/v1/responses", put), { status: 201, body: { account: { externalId: "acme" } } });
  t.match(await client.put("/v1/responses", put), { status: 200, body: { account: { externalId: "acme" } } });
  await client.put("/v1/responses", { ...put, updatedAt: "2026-01-02T00:00:00Z" });
  const wrong = { ...put, account: { externalId: "b" }, updatedAt: "2026-01-01T00:00:00Z" };
  t.equal((await client.put("/v1/responses", wrong)).status, 400);
});

import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { startService } from "../support/service.ts";

t.test("a response taken out of the aggregates", async (t) => {
  const service = await startService(t);

  t.test("is counted no more, keeps its place in the ledger, and comes back", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 2, comment: "Staff" });
    await client.post("/v1/responses", { score: 10 });
    const path = `/v1/responses/${response.id}/exclusion`;
    const answered = async (args = "") => (await client.query(`{ nps${args} { answered } }`)).nps.answered;
    const { status, body } = await client.post(path, { reason: "INTERNAL", note: "One of us" });
    t.equal(status, 200);
    t.match(body.exclusion, { reason: "INTERNAL", note: "One of us", excludedBy: /^key:/, excludedAt: body.updatedAt });
    t.match(body.case, { id: response.case.id, status: "CLOSED" }, "nobody is called about it any more");
    t.same([await answered(), await answered("(filter: { includeExcluded: true })")], [1, 2]);
    t.same((await client.post(path, { reason: "INTERNAL", note: "One of us" })).body, body, "again changes nothing");
    t.match(await client.post(path, { reason: "TEST" }), { status: 409, body: { code: "conflict" } });

    const { body: back } = await client.delete(path);
    t.match(back, { exclusion: null, case: { id: response.case.id, status: "OPEN" } });
    t.equal(await answered(), 2);
    t.same((await client.delete(path)).body, back);
    await client.post(path, { reason: "DUPLICATE" });
    const query = `{ response(id: "${response.id}") { exclusionHistory { reason note excludedBy includedAt includedBy } } }`;
    const { exclusionHistory } = (await client.query(query)).response;
    t.match(exclusionHistory, [
      { reason: "INTERNAL", note: "One of us", excludedBy: /^key:/, includedAt: back.updatedAt, includedBy: /^key:/ },
      { reason: "DUPLICATE", note: null, includedAt: null, includedBy: null },
    ]);
    const events = await client.rows(
      "select type, data->'sequence' as n from events where type like 'response.%cluded' order by id",
    );
    t.same(events, [
      { type: "response.excluded", n: 2 },
      { type: "response.included", n: 3 },
      { type: "response.excluded", n: 4 },
    ]);
    const audit = await client.rows("select action, after from audit_log where subject_type = 'response' order by id");
    t.match(audit, [
      { action: "response.excluded", after: { exclusion: "INTERNAL" } },
      { action: "response.included", after: { exclusion: null } },
      { action: "response.excluded", after: { exclusion: "DUPLICATE" } },
    ]);
  });

  t.test("by GraphQL", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 9 });
    const exclude = `mutation { excludeResponse(id: "${response.id}", input: { reason: NOT_NPS }) { exclusion { reason } } }`;
    t.same(await client.query(exclude), { excludeResponse: { exclusion: { reason: "NOT_NPS" } } });
    const include = `mutation { includeResponse(id: "${response.id}") { exclusion { reason } } }`;
    t.same(await client.query(include), { includeResponse: { exclusion: null } });
    const unknown = `mutation { includeResponse(id: "${newId()}") { id } }`;
    t.match((await client.post("/graphql", { query: unknown })).body.errors, [{ extensions: { code: "not_found" } }]);
  });

  t.test("as a test by the sender is in the ledger as well", async (t) => {
    const client = await service.newClient();
    const put = (test: boolean) => client.put("/v1/responses", { score: 9, source: "s", externalId: "1", test });
    const { body: first } = await put(true);
    t.equal(first.exclusion.reason, "TEST");
    await put(false);
    const rows = await client.rows("select reason, included_at is not null as ended from response_exclusions");
    t.same(rows, [{ reason: "TEST", ended: true }]);
  });

  t.test("does not exist, or for no known reason", async (t) => {
    const client = await service.newClient();
    t.equal((await client.post(`/v1/responses/${newId()}/exclusion`, { reason: "TEST" })).status, 404);
    t.equal((await client.delete(`/v1/responses/${newId()}/exclusion`)).status, 404);
    const answer = await client.post(`/v1/responses/${newId()}/exclusion`, { reason: "UNWANTED" });
    t.match(answer, { status: 400, body: { invalidParams: [{ name: "reason" }] } });
  });
});

import t from "tap";
import { deleteWorkspace, getAllWorkspaces } from "../../src/workspaces/index.ts";
import { relayAll } from "../support/events.ts";
import { startService } from "../support/service.ts";

t.test("deleting a workspace leaves nothing of it and everything of the others", async (t) => {
  const service = await startService(t);
  const [gone, stays] = [await service.newClient(), await service.newClient()];
  const answer = { score: 2, person: { email: "ana@example.com", account: { externalId: "acme" } } };
  for (const client of [gone, stays]) {
    const { body: policy } = await client.get("/v1/policies/first-contact");
    const stricter = { ...policy, detractor: { hours: 4 } };
    t.equal((await client.put("/v1/policies/first-contact", stricter)).status, 200);
    await client.put("/v1/root-causes/price", { label: "Price" });
    const improvement = await client.post("/v1/improvements", { title: "Cheaper", rootCauseKeys: ["price"] });
    const { body: recorded } = await client.post("/v1/responses", answer);
    const path = `/v1/cases/${recorded.case.id}`;
    // What a case refers to is in tables that were made after that of cases.
    await client.post(`${path}/contacts`, { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
    await client.post(`${path}/causes`, { statedCause: "price", actualCause: "price" });
    t.match(await client.post(`${path}/parking`, { improvementId: improvement.body.id }), { status: 200 });
  }
  t.equal(await deleteWorkspace(service.pool, gone.workspaceId), true);
  t.equal(await deleteWorkspace(service.pool, gone.workspaceId), false);
  for (const table of [
    "responses",
    "people",
    "accounts",
    "surveys",
    "cases",
    "first_contact_policies",
    "root_causes",
    "improvements",
    "case_clocks",
    "events",
    "audit_log",
    "api_keys",
  ]) {
    t.same(
      await gone.rows(`select count(*) as rows from ${table} where workspace_id = '${gone.workspaceId}'`),
      [{ rows: 0 }],
      table,
    );
    t.match(await stays.rows(`select count(*) > 0 as some from ${table}`), [{ some: true }], table);
  }
  t.same(
    (await getAllWorkspaces(service.tenancy)).map(({ id }) => id),
    [stays.workspaceId],
  );
});

t.test("nothing of it stays either that was being written while it was deleted", async (t) => {
  const service = await startService(t);
  const gone = await service.newClient();
  const write = async (n: number) => {
    const person = { externalId: `u-${n}`, account: { externalId: `a-${n}` } };
    const headers = { "idempotency-key": `k-${n}` };
    const { status } = await gone.post("/v1/responses", { score: 2, person, externalId: `r-${n}` }, headers);
    await gone.put("/v1/people", { externalId: `p-${n}`, account: { externalId: `o-${n}` } });
    return status;
  };
  for (let n = 0; n < 20; n += 1) t.equal(await write(n), 201);
  const deletion = new AbortController();
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let n = 1; !deletion.signal.aborted; n += 1) await write(1_000 * (writer + 1) + n);
  });
  t.equal(await deleteWorkspace(service.pool, gone.workspaceId), true);
  deletion.abort();
  await Promise.all(writers);
  // What a queue still names without being of the workspace, a worker passes over.
  await relayAll(service);
  const { rows } = await service.pool.query<{ name: string }>(`select table_name as name from information_schema.columns
    where column_name = 'workspace_id' and table_schema = 'public'`);
  t.ok(rows.length > 20);
  for (const { name } of rows) {
    t.same(await gone.rows(`select * from ${name} where workspace_id = '${gone.workspaceId}'`), [], name);
  }
});

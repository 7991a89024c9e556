import t from "tap";
import { deleteWorkspace, getAllWorkspaces } from "../../src/workspaces/index.ts";
import { startService } from "../support/service.ts";

t.test("deleting a workspace leaves nothing of it and everything of the others", async (t) => {
  const service = await startService(t);
  const [gone, stays] = [await service.newClient(), await service.newClient()];
  const answer = { score: 2, person: { email: "ana@example.com", account: { externalId: "acme" } } };
  for (const client of [gone, stays]) await client.post("/v1/responses", answer);
  t.equal(await deleteWorkspace(service.pool, gone.workspaceId), true);
  t.equal(await deleteWorkspace(service.pool, gone.workspaceId), false);
  for (const table of [
    "responses",
    "people",
    "accounts",
    "surveys",
    "cases",
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

import t from "tap";
import { startService } from "../support/service.ts";

t.test("root causes", async (t) => {
  const service = await startService(t);

  t.test("are a tree that is put by key, read and paged", async (t) => {
    const client = await service.newClient();
    const price = await client.put("/v1/root-causes/price", { label: "Price" });
    t.match(price, { status: 201, body: { key: "price", label: "Price", parentKey: null } });
    t.equal((await client.put("/v1/root-causes/invoice", { label: "Invoice", parentKey: "price" })).status, 201);
    const renamed = await client.put("/v1/root-causes/invoice", { label: "The invoice" });
    t.match(renamed, { status: 200, body: { label: "The invoice", parentKey: "price" } }, "what is absent stays");
    t.equal((await client.put("/v1/root-causes/invoice", { label: "x", parentKey: null })).body.parentKey, null);
    await client.put("/v1/root-causes/a%2Fb", { label: "A key may be anything" });
    const first = (await client.get("/v1/root-causes?limit=2")).body;
    const second = (await client.get(`/v1/root-causes?limit=2&cursor=${first.nextCursor}`)).body;
    t.same(
      [...first.data, ...second.data].map(({ key }: { key: string }) => key),
      ["a/b", "invoice", "price"],
    );
    t.equal(second.nextCursor, null);
    const { rootCauses } = await client.query("{ rootCauses { key label parentKey } }");
    t.same(rootCauses, [...first.data, ...second.data]);
    const mutation = `mutation { putRootCause(key: "speed", input: { label: "Speed", parentKey: "price" }) { key parentKey } }`;
    t.same(await client.query(mutation), { putRootCause: { key: "speed", parentKey: "price" } });
    for (const key of ["", " ", "x".repeat(256)]) {
      const query = `mutation { putRootCause(key: "${key}", input: { label: "x" }) { key } }`;
      const { body } = await client.post("/graphql", { query });
      t.match(body.errors, [{ extensions: { code: "invalid_request", invalidParams: [{ name: "key" }] } }]);
    }
  });

  t.test("are never a kind of themselves, nor of what nobody knows", async (t) => {
    const client = await service.newClient();
    for (const [key, parentKey] of [
      ["a", undefined],
      ["b", "a"],
      ["c", "b"],
    ] as const) {
      await client.put(`/v1/root-causes/${key}`, { label: key, parentKey });
    }
    for (const [key, parentKey] of [
      ["a", "c"],
      ["a", "a"],
      ["new", "new"],
      ["a", "nothing"],
    ] as const) {
      const answer = await client.put(`/v1/root-causes/${key}`, { label: "x", parentKey });
      t.match(answer, { status: 400, body: { invalidParams: [{ name: "parentKey" }] } }, `${key} below ${parentKey}`);
    }
  });

  t.test("two changes that would make a circle together do not", async (t) => {
    const client = await service.newClient();
    for (let round = 0; round < 20; round += 1) {
      for (const key of ["a", "b"]) await client.put(`/v1/root-causes/${key}`, { label: key, parentKey: null });
      const answers = await Promise.all([
        client.put("/v1/root-causes/a", { label: "a", parentKey: "b" }),
        client.put("/v1/root-causes/b", { label: "b", parentKey: "a" }),
      ]);
      t.same(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 400],
      );
    }
  });

  t.test("of another workspace are unknown", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    await other.put("/v1/root-causes/theirs", { label: "x" });
    t.equal((await client.put("/v1/root-causes/ours", { label: "x", parentKey: "theirs" })).status, 400);
    t.equal((await client.post("/v1/improvements", { title: "x", rootCauseKeys: ["theirs"] })).status, 400);
  });
});

import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { type Client, startService } from "../support/service.ts";

const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };

/** A case of this person, with what it came from. */
async function openCase(client: Client, externalId: string, causes: object = {}) {
  const { body: response } = await client.post("/v1/responses", { score: 5, person: { externalId } });
  const path = `/v1/cases/${response.case.id}`;
  await client.post(`${path}/contacts`, CALL);
  await client.post(`${path}/causes`, causes);
  return { path, id: response.case.id, personId: response.person.id };
}

t.test("improvements", async (t) => {
  const service = await startService(t);

  t.test("are proposed over root causes, moved and listed", async (t) => {
    const client = await service.newClient();
    await client.put("/v1/root-causes/price", { label: "Price" });
    const propose = () =>
      client.post(
        "/v1/improvements",
        { title: "Cheaper", rootCauseKeys: ["price", "price"] },
        { "idempotency-key": "k" },
      );
    const { status, body } = await propose();
    t.equal(status, 201);
    t.match(body, { title: "Cheaper", status: "PROPOSED", rootCauseKeys: ["price"], version: 1, shippedAt: null });
    t.same((await propose()).body, body);
    t.match(await client.post("/v1/improvements", { title: "x", rootCauseKeys: ["price", "nothing"] }), {
      status: 400,
      body: { invalidParams: [{ name: "rootCauseKeys.1" }] },
    });
    const move = (to: string) => client.post(`/v1/improvements/${body.id}/status`, { status: to });
    t.match((await move("PLANNED")).body, { status: "PLANNED", version: 2 });
    t.match((await move("PLANNED")).body, { version: 2 }, "the same again changes nothing");
    const { body: shipped } = await move("SHIPPED");
    t.match(shipped, { status: "SHIPPED", version: 3, shippedAt: shipped.updatedAt });
    t.same((await client.get(`/v1/improvements/${body.id}`)).body, shipped);
    t.equal((await client.get(`/v1/improvements/${newId()}`)).status, 404);
    t.equal((await client.post(`/v1/improvements/${newId()}/status`, { status: "SHIPPED" })).status, 404);
    t.equal((await move("DONE")).status, 400);
    const events = await client.rows(
      "select type, data->'sequence' as n, data->'previous'->>'status' as before from events where type like 'impr%' order by id",
    );
    t.same(events, [
      { type: "improvement.status_changed", n: 2, before: "PROPOSED" },
      { type: "improvement.status_changed", n: 3, before: "PLANNED" },
      { type: "improvement.shipped", n: 3, before: "PLANNED" },
    ]);
    await client.post("/v1/improvements", { title: "Faster", rootCauseKeys: [] });
    const titles = async (query: string) =>
      (await client.get(`/v1/improvements?${query}`)).body.data.map(({ title }: { title: string }) => title);
    t.same(await titles(""), ["Faster", "Cheaper"]);
    t.same(await titles("status=SHIPPED&status=DROPPED"), ["Cheaper"]);
    const query = "{ improvements(statuses: [SHIPPED]) { title rootCauseKeys rootCauses { label } } }";
    t.same(await client.query(query), {
      improvements: [{ title: "Cheaper", rootCauseKeys: ["price"], rootCauses: [{ label: "Price" }] }],
    });
  });

  t.test("bring the cases back that were parked on them", async (t) => {
    const client = await service.newClient();
    for (const [status, title] of [
      ["SHIPPED", "a"],
      ["DROPPED", "b"],
    ] as const) {
      const { body: improvement } = await client.post("/v1/improvements", { title, rootCauseKeys: [] });
      const [parked, resolved] = [await openCase(client, `p-${title}`), await openCase(client, `r-${title}`)];
      for (const { path } of [parked, resolved]) {
        await client.post(`${path}/parking`, { improvementId: improvement.id });
      }
      await client.post(`${resolved.path}/resolution`, { outcome: "EDUCATED", resolution: "Explained" });
      await client.post(`/v1/improvements/${improvement.id}/status`, { status: "IN_PROGRESS" });
      t.equal((await client.get(parked.path)).body.status, "PARKED");
      await client.post(`/v1/improvements/${improvement.id}/status`, { status });
      const { body } = await client.get(parked.path);
      t.match(body, { status: "CONTACTED", improvementId: improvement.id });
      t.match(body.activities.at(-1), { type: "UNPARKED", details: { status } });
      t.equal((await client.get(resolved.path)).body.status, "RESOLVED", "others stay");
      const again = await client.post(`${parked.path}/parking`, { improvementId: improvement.id });
      t.match(again, { status: 409, body: { code: "conflict" } }, "nothing waits for it any more");
    }
  });

  t.test("shipped while a case is being parked leave none behind", async (t) => {
    const client = await service.newClient();
    for (let round = 0; round < 15; round += 1) {
      const { body: improvement } = await client.post("/v1/improvements", { title: "x", rootCauseKeys: [] });
      const { path } = await openCase(client, `u-${round}`);
      await Promise.all([
        client.post(`${path}/parking`, { improvementId: improvement.id }),
        client.post(`/v1/improvements/${improvement.id}/status`, { status: "SHIPPED" }),
      ]);
      t.equal((await client.get(path)).body.status, "CONTACTED");
    }
  });

  t.test(
    "have an audience: who raised it by stated or actual cause or was parked on it, and who was told",
    async (t) => {
      const client = await service.newClient();
      for (const [key, parentKey] of [["price"], ["invoice", "price"], ["speed"]] as const) {
        await client.put(`/v1/root-causes/${key}`, { label: key, parentKey: parentKey ?? null });
      }
      const { body: improvement } = await client.post("/v1/improvements", { title: "x", rootCauseKeys: ["price"] });
      const stated = await openCase(client, "stated", { statedCause: "invoice", actualCause: "speed" });
      const actual = await openCase(client, "actual", { statedCause: "speed", actualCause: "price" });
      const parked = await openCase(client, "parked");
      await client.post(`${parked.path}/parking`, { improvementId: improvement.id });
      const other = await openCase(client, "other", { actualCause: "speed" });
      await client.post("/v1/responses", { score: 4 });
      const path = `/v1/improvements/${improvement.id}`;
      const audience = async (query = "") =>
        (await client.get(`${path}/audience?${query}`)).body.data.map(({ person, caseIds, toldAt }: any) => [
          person.externalId,
          caseIds.length,
          toldAt !== null,
        ]);
      t.same(await audience(), [
        ["stated", 1, false],
        ["actual", 1, false],
        ["parked", 1, false],
      ]);
      const told = await client.post(`${path}/told`, { personIds: [actual.personId, other.personId] });
      t.match(told, { status: 200, body: { id: improvement.id } });
      const expected = [
        ["stated", 1, false],
        ["actual", 1, true],
        ["parked", 1, false],
        ["other", 0, true],
      ];
      t.same(await audience(), expected);
      t.same(
        await audience("told=false"),
        expected.filter(([, , was]) => was === false),
      );
      t.same(
        await audience("told=true"),
        expected.filter(([, , was]) => was === true),
      );
      const toldAt = async () => (await client.get(`${path}/audience?told=true`)).body.data[0].toldAt;
      const first = await toldAt();
      await client.post(`${path}/told`, { personIds: [actual.personId, stated.personId] });
      t.equal(
        (await client.get(`${path}/audience?told=true`)).body.data.find((m: any) => m.person.id === actual.personId)
          .toldAt,
        first,
      );
      const page = (await client.get(`${path}/audience?limit=3`)).body;
      const rest = (await client.get(`${path}/audience?limit=3&cursor=${page.nextCursor}`)).body;
      t.same([page.data.length, rest.data.length, rest.nextCursor], [3, 1, null]);
      const unknown = await client.post(`${path}/told`, { personIds: [stated.personId, newId()] });
      t.match(unknown, { status: 404, body: { invalidParams: [{ name: "personIds.1" }] } });
      t.equal((await client.get(`/v1/improvements/${newId()}/audience`)).status, 404);
      await client.rows(`update people set external_id = null, email = null, phone = null, name = null
        where id in ('${stated.personId}', '${parked.personId}')`);
      t.match(await audience("told=false"), [], "who was erased can be told by nobody");
      t.match(await audience("told=true"), [[null], ["actual"], ["other"]], "and stays among those who were");
    },
  );
});

import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { callOf, contentOf, leaked, send } from "../support/matrix/asking.ts";
import { OPERATIONS } from "../support/matrix/operations.ts";
import { CONTACT, done, NDJSON } from "../support/matrix/things.ts";
import { type Client, startService } from "../support/service.ts";

/** One of everything, called the same in every workspace; only what is said names whose it is. */
async function fill(client: Client): Promise<void> {
  const said = `Slow, says somebody of ${client.workspaceId}`;
  await done(client.put("/v1/themes/slow", { label: said, phrases: ["slow"] }));
  await done(client.put("/v1/root-causes/price", { label: said }));
  await done(client.put("/v1/surveys/s", { name: said }));
  for (const [index, score] of [2, 9, 3, 1].entries()) {
    const account = { externalId: "acme", name: said, annualValue: 100 };
    const person = { externalId: `u-${index % 2}`, email: `u-${index % 2}@example.com`, name: said, account };
    const answer = { score, comment: said, source: "tool", externalId: `a-${index}`, survey: { key: "s" }, person };
    const body = await done(client.post("/v1/responses", answer, { "idempotency-key": `k-${index}` }));
    if (index > 0) continue;
    const path = `/v1/cases/${body.case.id}`;
    await done(client.post(`${path}/causes`, { statedCause: "price" }));
    await done(client.post(`${path}/notes`, { text: said }));
    await done(client.post(`${path}/commitments`, { text: said, dueOn: "2026-12-24" }));
    await done(client.put(`${path}/references/zendesk`, { externalId: "1" }));
    await done(client.post(`${path}/contacts`, { ...CONTACT, note: said }));
    const improvement = await done(client.post("/v1/improvements", { title: said, rootCauseKeys: ["price"] }));
    await done(client.post("/v1/improvements", { title: said, rootCauseKeys: ["price"] }));
    await done(client.post(`${path}/parking`, { improvementId: improvement.id }));
    await done(client.post(`/v1/improvements/${improvement.id}/told`, { personIds: [body.person.id] }));
  }
  for (const again of ["false", "true"]) await done(client.post(`/v1/imports?again=${again}`, '{"score": 3}', NDJSON));
  for (const key of ["tally", "typeform"]) {
    await done(client.post("/v1/sources", { name: said, key, vendor: "TALLY", secret: "the same for everybody" }));
    const endpoint = { url: "https://example.com/hook", eventTypes: ["case.opened"], description: said };
    await done(client.post("/v1/webhook-endpoints", endpoint));
  }
}

const PERSON = "id name email responses(first: 2) { id comment } cases(first: 2) { id }";
const LINKS = `query ($page: Int, $after: String) {
  responses(first: $page, after: $after) { totalCount pageInfo { endCursor } edges { node { id comment survey { name } previous { respondedAt }
    person { ${PERSON} account { id name people(first: 2) { ${PERSON} } nps { answered } } }
    case { id activities { text actor { id } } responses { id comment } previousCase { id } } } } }
  cases(first: $page) { totalCount edges { node { id person { id name } account { id name } responses { id comment }
    clocks { startedAt } commitments { text } references { externalId } improvement { id title rootCauses { key label } } } } }
  accounts(first: $page) { totalCount edges { node { id name people(first: 2) { id name } } } }
  person(email: "u-0@example.com") { ${PERSON} }
  account(externalId: "acme") { id name people(first: 2) { id name } }
  improvements { id title rootCauses { label } } rootCauses { label } themes { label } surveys { name }
  npsBreakdown(by: ACCOUNT) { key label summary { answered } }
  npsMovers(from: PROMOTER, to: DETRACTOR) { totalCount edges { node { id name } } }
  searched: responses(filter: { search: "slow", themes: ["slow"], surveyKeys: ["s"] }) { totalCount edges { node { id comment } } }
  caused: cases(filter: { rootCauses: ["price"], surveyKeys: ["s"] }) { totalCount edges { node { id } } }
}`;

t.test("two workspaces that call everything the same see nothing of one another", async (t) => {
  const service = await startService(t);
  const [ours, theirs] = [await service.newClient(), await service.newClient()];
  await fill(theirs);
  await fill(ours);
  const foreign = (await contentOf(theirs)).ids;
  t.ok(foreign.size > 60 && foreign.has(theirs.workspaceId), `they have ${foreign.size} ids`);

  t.test("in any list, also with a cursor of the other", async (t) => {
    let pages = 0;
    for (const [name, known] of Object.entries(OPERATIONS)) {
      if (!name.startsWith("GET /v1/") || name.includes("{")) continue;
      const { url } = callOf(name, { ...known, query: () => ({}) }, {});
      const first = /exports|policies|workspace/.test(name) ? url : `${url}?limit=1`;
      const read = async (path: string, client: Client) => send(service, { method: "GET", url: path }, client.apiKey);
      const mine = await read(first, ours);
      t.match(mine, { status: 200, text: /\w/ }, name);
      t.same(leaked(mine, {}, foreign), [], name);
      const cursor = /"nextCursor":"([^"]+)"/.exec((await read(first, theirs)).text)?.[1];
      if (cursor === undefined) continue;
      pages += 1;
      const next = await read(`${first}&cursor=${cursor}`, ours);
      t.equal(next.status, 200, name);
      t.same(leaked(next, {}, foreign), [], `${name} after a row of theirs`);
    }
    t.ok(pages >= 8, `${pages} lists went on`);
  });

  t.test("over any link", async (t) => {
    const { responses } = await theirs.query(LINKS, { page: 2 });
    for (const after of [undefined, responses.pageInfo.endCursor]) {
      const data = await ours.query(LINKS, { page: 3, after });
      t.match(data, {
        responses: { totalCount: 4 },
        searched: { totalCount: 4 },
        npsBreakdown: [{ summary: { answered: 4 } }],
      });
      t.same(leaked({ status: 200, headers: {}, text: JSON.stringify(data) }, {}, foreign), []);
      t.notOk(JSON.stringify(data).includes(theirs.workspaceId));
      t.ok(JSON.stringify(data).includes(ours.workspaceId));
    }
  });

  t.test("nor by a key of an attempt, an entry that is there, or the same file", async (t) => {
    const key = newId();
    const post = (client: Client) => client.post("/v1/responses", { score: 4 }, { "idempotency-key": key });
    const [first, second, again] = [await post(theirs), await post(ours), await post(ours)];
    t.not(second.body.id, first.body.id);
    t.equal(second.headers["idempotent-replayed"], undefined);
    t.equal(again.body.id, second.body.id, "which is what a key is for");
    const conflict = await ours.post("/v1/responses", { score: 5, source: "tool", externalId: "a-0" });
    t.equal(conflict.status, 409);
    t.notOk(foreign.has(conflict.body.existingId));
    const sent = await ours.post("/v1/imports", '{"score": 3}', NDJSON);
    t.equal(sent.status, 200, "our own import");
    t.notOk(foreign.has(sent.body.id));
  });
});

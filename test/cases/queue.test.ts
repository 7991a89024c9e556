import { sql } from "drizzle-orm";
import t from "tap";
import { CASE_ORDERS, pageQuery } from "../../src/cases/queries.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { type Client, type Service, startService } from "../support/service.ts";

interface Plan {
  "Node Type": string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "Actual Rows": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

async function explain(service: Service, client: Client, order: (typeof CASE_ORDERS)[number]): Promise<Plan[]> {
  const caller = { workspaceId: client.workspaceId, actor: { kind: "job", id: "test" }, requestId: null } as const;
  return service.tenancy.readWorkspace(caller, async (tx) => {
    const query = pageQuery(tx, { filter: { statuses: ["OPEN", "CONTACTED"] }, order, limit: 20 });
    const [row] = await tx.run<{ "QUERY PLAN": { Plan: Plan }[] }>(sql`explain (analyze, format json) ${query}`);
    if (row?.["QUERY PLAN"][0] === undefined) throw new Error("no plan");
    return nodesOf(row["QUERY PLAN"][0].Plan);
  });
}

t.test(
  "a page of the queue reads that page, in the order of its index",
  { skip: skipOnCluster("its plan is of one server") },
  async (t) => {
    const service = await startService(t);
    const [client, other] = [await service.newClient(), await service.newClient()];
    for (const one of [client, other]) {
      for (let batch = 0; batch < 4; batch += 1) {
        await one.post("/v1/responses/batch", {
          responses: Array.from({ length: 1_000 }, (_, n) => ({ score: n % 7 })),
        });
      }
    }
    // The oldest are closed, and would come first.
    await client.rows("update cases set status = 'CLOSED' where id in (select id from cases order by id limit 3000)");
    await service.pool.query("analyze cases");
    for (const order of CASE_ORDERS) {
      const scans = (await explain(service, client, order)).filter((node) => node["Index Name"] !== undefined);
      t.equal(scans.length, 2, `${order}: one scan for each status`);
      for (const scan of scans) {
        t.match(scan["Index Cond"], /workspace_id = .* AND \(status = /, order);
        t.ok(scan["Actual Rows"] <= 21, `${order}: ${scan["Actual Rows"]} rows`);
        t.equal(scan["Rows Removed by Filter"] ?? 0, 0);
      }
    }
  },
);

t.test("REST pages and filters like GraphQL", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.put("/v1/root-causes/price", { label: "Price" });
  await client.put("/v1/root-causes/invoice", { label: "Invoice", parentKey: "price" });
  await client.put("/v1/root-causes/other", { label: "Other" });
  const ids: string[] = [];
  for (let n = 0; n < 12; n += 1) {
    const account = { externalId: `a-${n % 3}`, segment: `S${n % 2}`, owner: n % 4 === 0 ? null : `owner-${n % 4}` };
    const body = { score: n % 7, survey: { key: `s-${n % 2}` }, person: { externalId: `u-${n}`, account } };
    ids.push((await client.post("/v1/responses", body)).body.case.id);
  }
  const { body: improvement } = await client.post("/v1/improvements", { title: "x", rootCauseKeys: ["invoice"] });
  const call = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
  await client.post(`/v1/cases/${ids[0]}/contacts`, call);
  await client.post(`/v1/cases/${ids[0]}/parking`, { improvementId: improvement.id });
  await client.post(`/v1/cases/${ids[1]}/closure`, { outcome: "GOODWILL", reason: "x" });
  await client.post(`/v1/cases/${ids[2]}/causes`, { statedCause: "invoice", actualCause: "other" });
  const { body: first } = await client.get(`/v1/cases/${ids[0]}`);

  const rest = async (query: string) => (await client.get(`/v1/cases?limit=100&${query}`)).body;
  const graphql = async (filter: string) => {
    const { cases } = await client.query(
      `{ cases(first: 100, filter: { ${filter} }) { totalCount edges { node { id } } } }`,
    );
    t.equal(cases.totalCount, cases.edges.length);
    return cases.edges.map(({ node }: any) => node.id);
  };
  const soon = new Date(Date.now() + 30 * 3_600_000).toISOString();
  for (const [query, filter, count] of [
    ["", "", 12],
    ["status=PARKED", "statuses: [PARKED]", 1],
    ["status=OPEN&status=CLOSED", "statuses: [OPEN, CLOSED]", 11],
    ["assignee=owner-1", 'assignee: "owner-1"', 3],
    ["unassigned=true", "unassigned: true", 3],
    ["unassigned=true&unassigned=false", "", 12],
    ["priority=HIGH", "priorities: [HIGH]", 8],
    ["firstContact=MET", "firstContact: [MET]", 1],
    ["firstContact=PENDING", "firstContact: [PENDING]", 11],
    [`dueBefore=${soon}`, `dueBefore: "${soon}"`, 8],
    ["segment=S1", 'segments: ["S1"]', 6],
    ["surveyKey=s-0&segment=S1", 'surveyKeys: ["s-0"], segments: ["S1"]', 0],
    ["category=DETRACTOR", "categories: [DETRACTOR]", 12],
    ["category=PROMOTER&category=PASSIVE", "categories: [PROMOTER, PASSIVE]", 0],
    [`personId=${first.person.id}`, `personIds: ["${first.person.id}"]`, 1],
    [`accountId=${first.account.id}`, `accountIds: ["${first.account.id}"]`, 4],
    [`updatedSince=${soon}`, `updatedSince: "${soon}"`, 0],
  ] as const) {
    const { data } = await rest(query);
    t.equal(data.length, count, query);
    t.same(
      data.map(({ id }: { id: string }) => id),
      await graphql(filter),
      query,
    );
  }
  for (const [filter, expected] of [
    ["outcomes: [GOODWILL]", [ids[1]]],
    [`improvementIds: ["${improvement.id}"]`, [ids[0]]],
    ['rootCauses: ["price"]', [ids[2]]],
    ['rootCauses: ["other"]', [ids[2]]],
    ['rootCauses: ["nothing"]', []],
  ] as const) {
    t.same(await graphql(filter), expected, filter);
  }

  for (const order of CASE_ORDERS) {
    const all = (await rest(`orderBy=${order}`)).data.map(({ id }: { id: string }) => id);
    const paged: string[] = [];
    let cursor = "";
    do {
      const { body } = await client.get(`/v1/cases?orderBy=${order}&limit=5${cursor}`);
      paged.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor === null ? "" : `&cursor=${body.nextCursor}`;
    } while (cursor !== "");
    t.same(paged, all, order);
  }
  for (const [query, name] of [
    ["orderBy=BEST", "orderBy"],
    ["status=DONE", "status"],
    ["dueBefore=tomorrow", "dueBefore"],
    ["limit=101", "limit"],
  ] as const) {
    t.match(await client.get(`/v1/cases?${query}`), { status: 400, body: { invalidParams: [{ name }] } });
  }
});

import t from "tap";
import { startService } from "../support/service.ts";

const forge = (cursor: unknown[]) => Buffer.from(JSON.stringify(cursor)).toString("base64url");

interface Listed {
  id: string;
  score: number;
}

t.test("lists of responses", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const respondedAt = "2026-05-04T09:00:00Z";
  const sent: { id: string; person: { id: string } | null; updatedAt: string }[] = [];
  for (let index = 0; index < 45; index += 1) {
    const body = {
      score: index % 11,
      // Many at the same instant, so that only the id tells them apart.
      respondedAt: index < 30 ? respondedAt : `2026-05-${String(index - 20).padStart(2, "0")}T00:00:00Z`,
      externalId: `r-${index}`,
      survey: { key: index % 2 === 0 ? "even" : "odd" },
      test: index === 44,
      ...(index === 7 ? { person: { email: "ana@example.com", account: { externalId: "acme" } } } : {}),
    };
    sent.push((await client.post("/v1/responses", body)).body);
  }
  const list = async (query: string): Promise<{ data: Listed[]; nextCursor: string | null }> => {
    const { status, body } = await client.get(`/v1/responses?${query}`);
    t.equal(status, 200, JSON.stringify(body));
    return body;
  };

  t.test("pages show every response once, newest first", async (t) => {
    const seen: Listed[] = [];
    let cursor = "";
    for (let page = 0; page < 10; page += 1) {
      const { data, nextCursor } = await list(`limit=7${cursor}`);
      seen.push(...data);
      if (nextCursor === null) break;
      cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
    }
    t.equal(seen.length, 45);
    t.equal(new Set(seen.map(({ id }) => id)).size, 45);
    t.equal(seen[0]?.id, sent[44]?.id);
    t.same((await list("")).data.length, 20, "20 where no limit is given");
  });

  t.test("every filter narrows, and a parameter given twice means any of the values", async (t) => {
    const count = async (query: string) => (await list(`limit=100&${query}`)).data.length;
    t.equal(await count("category=PROMOTER"), 8);
    t.equal(await count("category=PROMOTER&category=PASSIVE"), 16);
    t.equal(await count("dangerZone=true"), 17);
    t.equal(await count("dangerZone=false"), 28);
    t.equal(await count("surveyKey=odd"), 22);
    t.equal(await count("source=api&externalId=r-1&externalId=r-2"), 2);
    t.equal(await count("source=elsewhere"), 0);
    t.equal(await count(`personId=${sent[7]?.person?.id}`), 1);
    t.equal(await count("from=2026-05-04T09:00:00Z&to=2026-05-04T09:00:00.001Z"), 30, "from is in, to is out");
    t.equal(await count("to=2026-05-04T11:00:00%2B02:00"), 0, "any offset");
    t.equal(await count("dangerZone=true&dangerZone=false"), 45, "either");
    t.equal(await count("from=2026-05-04T09:00:00.0004Z&to=2026-05-04T09:00:00.001Z"), 0, "finer than stored times");
    t.equal(await count("to=2026-05-04T09:00:00.0004Z"), 30);
    t.equal(await count("excluded=true"), 1);
    t.equal(await count("excluded=false"), 44);
  });

  t.test("updatedSince is inclusive, in the order of change", async (t) => {
    const since = sent[40]?.updatedAt ?? "";
    const { data, nextCursor } = await list(`updatedSince=${since}&limit=3`);
    t.same(
      data.map(({ id }) => id),
      [40, 41, 42].map((index) => sent[index]?.id),
    );
    const rest = await list(`updatedSince=${since}&limit=3&cursor=${nextCursor}`);
    t.equal(rest.data.length, 2);
  });

  t.test("what the list does not know is 400 and named", async (t) => {
    const bad: [string, string][] = [
      ["limit=0", "limit"],
      ["limit=101", "limit"],
      ["limit=ten", "limit"],
      ["limit=5&limit=6", "limit"],
      ["limit=0x10", "limit"],
      ["limit=1e1", "limit"],
      ["limit=%205", "limit"],
      ["from=0000-01-01T00:00:00Z", "from"],
      ["to=9999-12-31T23:59:59-23:59", "to"],
      [`cursor=${forge(["NEWEST", "0000-01-01T00:00:00.000Z", "01a20384-8f34-7616-a3d6-aa384e874811"])}`, "cursor"],
      [`cursor=${forge(["NEWEST", "infinity", "01a20384-8f34-7616-a3d6-aa384e874811"])}`, "cursor"],
      [`cursor=${forge(["NEWEST", "2026-01-01T00:00:00.000Z", "x"])}`, "cursor"],
      ["cursor=nonsense", "cursor"],
      ["category=promoter", "category"],
      ["dangerZone=1", "dangerZone"],
      ["page=2", "page"],
      ["from=yesterday", "from"],
      ["from=2026-05-05T00:00:00Z&to=2026-05-04T00:00:00Z", "from"],
      ["personId=7", "personId"],
    ];
    for (const [query, name] of bad) {
      const { status, body } = await client.get(`/v1/responses?${query}`);
      t.equal(status, 400, query);
      t.equal(body.invalidParams[0].name, name);
    }
    t.equal((await client.post("/v1/responses?followup=NONE", { score: 1 })).body.invalidParams[0].name, "followup");
    const { nextCursor } = await list("limit=1");
    const other = await client.get(`/v1/responses?updatedSince=2026-01-01T00:00:00Z&cursor=${nextCursor}`);
    t.equal(other.status, 400, "a cursor of another order");
  });

  t.test("GraphQL pages the same way, and counts only when asked", async (t) => {
    const seen = new Set<string>();
    let after: string | null = null;
    for (let page = 0; page < 10; page += 1) {
      const { responses } = await client.query(
        `query ($after: String) { responses(filter: { surveyKeys: ["even"] }, orderBy: OLDEST, first: 5, after: $after) {
           totalCount edges { node { id survey { key } } cursor }
           pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
        { after },
      );
      t.equal(responses.totalCount, 22, "one of 23 is excluded");
      for (const { node } of responses.edges) seen.add(node.id);
      t.ok(responses.edges.every(({ node }: { node: { survey: { key: string } } }) => node.survey.key === "even"));
      t.equal(responses.pageInfo.hasPreviousPage, page > 0);
      t.equal(responses.pageInfo.startCursor, responses.edges[0].cursor);
      if (!responses.pageInfo.hasNextPage) break;
      after = responses.pageInfo.endCursor;
    }
    t.equal(seen.size, 22);
  });
});

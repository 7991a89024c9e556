import t from "tap";
import { startService } from "../support/service.ts";

t.test("accounts, as the organisation asks for them", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const send = (externalId: string, account: object, scores: [number, string, string][]) =>
    Promise.all(
      scores.map(([score, respondedAt, person]) =>
        client.post("/v1/responses", {
          score,
          respondedAt,
          person: { externalId: person, account: { externalId, ...account } },
        }),
      ),
    );
  await send("big", { annualValue: 900_000, segment: "ENTERPRISE", owner: "ben", renewsOn: "2026-12-01" }, [
    [2, "2026-05-01T00:00:00Z", "u-1"],
    [9, "2026-06-01T00:00:00Z", "u-2"],
  ]);
  await send("mended", { annualValue: 500_000, segment: "ENTERPRISE", name: "Mended" }, [
    [1, "2026-01-01T00:00:00Z", "u-3"],
  ]);
  await send("mended", {}, [[8, "2026-03-01T00:00:00Z", "u-3"]]);
  await send("small", { annualValue: 100, segment: "SMALL", renewsOn: "2026-11-30" }, [
    [10, "2025-01-01T00:00:00Z", "u-4"],
  ]);
  await client.put("/v1/accounts", { externalId: "silent" });

  const names = async (args: string) => {
    const { accounts } = await client.query(`{ accounts${args} { totalCount edges { node { externalId } } } }`);
    t.equal(accounts.totalCount, accounts.edges.length);
    return accounts.edges.map(({ node }: { node: { externalId: string } }) => node.externalId);
  };

  t.test("in every order, what is not known last", async (t) => {
    t.same(await names(""), ["big", "mended", "small", "silent"]);
    t.same((await names("(orderBy: RENEWS_ON)")).slice(0, 2), ["small", "big"]);
    t.same(await names("(orderBy: NAME)"), ["mended", "big", "silent", "small"]);
    for (const order of ["ANNUAL_VALUE", "RENEWS_ON", "NAME"]) {
      const seen: string[] = [];
      let after = "";
      for (let page = 0; page < 6; page += 1) {
        const { accounts } = await client.query(
          `{ accounts(orderBy: ${order}, first: 1${after}) { edges { node { externalId } } pageInfo { hasNextPage endCursor } } }`,
        );
        seen.push(...accounts.edges.map(({ node }: { node: { externalId: string } }) => node.externalId));
        if (!accounts.pageInfo.hasNextPage) break;
        after = `, after: "${accounts.pageInfo.endCursor}"`;
      }
      t.same(seen, await names(`(orderBy: ${order})`), order);
    }
  });

  t.test("by every filter", async (t) => {
    const by = (filter: string) => names(`(filter: { ${filter} })`);
    t.same(await by('segments: ["ENTERPRISE"]'), ["big", "mended"]);
    t.same(await by('owners: ["ben"]'), ["big"]);
    t.same(await by("minAnnualValue: 500000"), ["big", "mended"]);
    t.same(await by('renewsBefore: "2026-12-01"'), ["small"]);
    t.same(await by("dangerZone: true"), ["big"], "whoever answered better since is out of it");
    t.same(await by("dangerZone: false"), ["mended", "small", "silent"]);
    t.same(await by("hasOpenCase: true"), ["big", "mended"]);
    t.same(await by("hasOpenCase: false"), ["small", "silent"]);
    t.same(await by('lastRespondedBefore: "2026-01-01T00:00:00Z"'), ["small", "silent"]);
    t.same(await by('dangerZone: true, segments: ["SMALL"]'), []);
  });

  t.test("one account or person by any of their names", async (t) => {
    const { account, person } = await client.query(`{
      account(externalId: "big") { id name people(first: 1) { externalId account { externalId } } }
      person(externalId: "u-3") { id responses { score } cases { status responses { score } } account { externalId } }
    }`);
    t.match(account.people, [{ account: { externalId: "big" } }]);
    t.match(person, {
      responses: [{ score: 8 }, { score: 1 }],
      cases: [{ status: "OPEN" }],
      account: { externalId: "mended" },
    });
    t.match(await client.query(`{ account(id: "${account.id}") { name } person(id: "${person.id}") { externalId } }`), {
      person: { externalId: "u-3" },
    });
    await client.put("/v1/people", { externalId: "u-3", email: "ana@example.com" });
    t.match(
      await client.query('{ person(email: "ANA@example.com") { externalId } account(externalId: "none") { id } }'),
      {
        person: { externalId: "u-3" },
        account: null,
      },
    );
    for (const args of ["", '(externalId: "a", email: "b@example.com")']) {
      const { body } = await client.post("/graphql", { query: `{ person${args} { id } }` });
      const reason = "must be given alone: exactly one of id, externalId, email";
      t.match(body.errors[0].extensions, { code: "invalid_request", invalidParams: [{ name: "id", reason }] });
    }
    const forged = Buffer.from('["RENEWS_ON","soon","01a20384-8f34-7616-a3d6-aa384e874811"]').toString("base64url");
    const { body } = await client.post("/graphql", {
      query: `{ accounts(orderBy: RENEWS_ON, after: "${forged}") { totalCount } }`,
    });
    t.match(body.errors[0].extensions, { code: "invalid_request", invalidParams: [{ name: "after" }] });
  });
});

import { getIntrospectionQuery } from "graphql";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { startService } from "../support/service.ts";

/** A path of links without pages, so many fields deep; `open` and `close` go around every level. */
function deep(depth: number, open = "", close = "", start = `case(id: "${newId()}")`): string {
  const path = Array.from({ length: depth - 2 }, (_, index) => (index % 2 === 0 ? "responses" : "case"));
  return [start, ...path].reduceRight((selections, field) => `${open} ${field} { ${selections} } ${close}`, "id");
}

const aliases = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `a${from + index}: __typename`).join(" ");

t.test("GraphQL within its limits and just beyond them", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await client.post("/v1/responses", { score: 3, person: { email: "ana@example.com" } });
  const ask = async (query: string, variables?: object, operationName?: string) => {
    const { status, body } = await client.post("/graphql", { query, variables, operationName });
    return { status, code: body.errors?.[0]?.extensions.code, message: body.errors?.[0]?.message ?? "", body };
  };

  /** The first is taken, the second refused with this message. */
  async function limits(name: string, taken: string, refused: string, message: RegExp, ...variables: object[]) {
    await t.test(name, async (t) => {
      t.match(await ask(taken, variables[0]), { status: 200, message: /^$/ });
      const first = await ask(refused, variables[1]);
      t.match(first, { status: 400, code: "invalid_request", message, body: { data: undefined } });
      t.same(await ask(refused, variables[1]), first, "and the same again, from the cache");
    });
  }

  const TOO_DEEP = /^The operation is 11 fields deep; at most 10 are taken\.$/;
  await limits("depth", `{ ${deep(10)} }`, `{ ${deep(11)} }`, TOO_DEEP);
  await limits(
    "depth through inline fragments, which are no level",
    `{ ${deep(10, "... {", "}")} }`,
    `{ ${deep(11, "... {", "}")} }`,
    TOO_DEEP,
  );
  const inFragment = (depth: number) => `
    query { case(id: "${newId()}") { ...A } }
    fragment A on Case { responses { ...B } }
    fragment B on Response { ${deep(depth - 2, "", "", "case")} }`;
  await limits("depth through named fragments", inFragment(10), inFragment(11), TOO_DEEP);
  const named = (depth: number) => `query Fine { __typename } query Deep { ${deep(depth)} }`;
  t.match(await ask(named(10), {}, "Fine"), { status: 200 });
  t.match(await ask(named(11), {}, "Fine"), { status: 400, message: TOO_DEEP }, "of any operation of the document");

  const TOO_MANY = /^The operation has 21 aliases; at most 20 are taken\.$/;
  await limits("aliases", `{ ${aliases(20)} }`, `{ ${aliases(21)} }`, TOO_MANY);
  await limits(
    "aliases through inline fragments",
    `{ ... { ${aliases(10)} } ... on Query { ${aliases(10, 10)} } }`,
    `{ ... { ${aliases(10)} } ... on Query { ${aliases(11, 10)} } }`,
    TOO_MANY,
  );
  const spread = (times: number, inside: number) =>
    `{ ${"...A ".repeat(times)} } fragment A on Query { ...B } fragment B on Query { ${aliases(inside)} }`;
  await limits("aliases as often as a fragment is spread", spread(4, 5), spread(3, 7), TOO_MANY);

  const tokens = (count: number) => {
    const around = "{ nps(filter: { scores: [ ] }) { nps } }";
    return around.replace("[ ", `[${" 9".repeat(count - 16)}`);
  };
  await limits("tokens", tokens(2_000), tokens(2_001), /more that 2000 tokens/);
  const comments = (count: number) => `${"#\n".repeat(count)}{ __typename }`;
  await limits("comments", comments(2_000), comments(2_001), /has 2001 comments; at most 2000/);

  // 1 for the field itself, then the page times what is in it: 100 × (1 + 1 + 48).
  const costing = (fields: number, first = "first: 100") =>
    `{ responses(${first}) { edges { node { ${"id ".repeat(fields)} } } } }`;
  const TOO_DEAR = /^The operation costs 5101; at most 5000 are taken\.$/;
  await limits("cost", costing(47), costing(49), TOO_DEAR);
  const inVariable = `query ($n: Int = 100) ${costing(49, "first: $n")}`;
  await limits("cost by a variable, and its default", inVariable, inVariable, TOO_DEAR, { n: 97 }, {});
  await limits(
    "cost by a variable that is null: a page of 20",
    `query ($n: Int) ${costing(247, "first: $n")}`,
    `query ($n: Int) ${costing(248, "first: $n")}`,
    /costs 5001/,
    { n: null },
    {},
  );
  await limits(
    "cost of a page of 20, where none is named",
    costing(247, "after: null"),
    costing(248, "after: null"),
    /costs 5001/,
  );
  const nested = (fields: number, open: string, close: string) =>
    `{ accounts(first: 10) { edges { node { ${open} people(first: 10) { ${"id ".repeat(fields)} } ${close} } } } }`;
  for (const [name, open, close] of [
    ["pages in pages", "", ""],
    ["pages in pages through inline fragments", "... on Account { ... {", "} }"],
  ] as const) {
    // 1 + 10 × (edges, node, people) + 100 × fields
    await limits(`cost of ${name}`, nested(49, open, close), nested(50, open, close), /costs 5031/);
  }
  const fragments = (fields: number) =>
    `
    query { a: accounts(first: 5) { ...A } b: accounts(first: 5) { ...A } }
    fragment A on AccountConnection { edges { node { people(first: 10) { ...P } } } }
    fragment P on Person { ${"id ".repeat(fields)} }`;
  await limits("cost of fragments, as often as they are spread", fragments(49), fragments(50), /costs 5032/);
  const expensive = (count: number) =>
    `{ ${Array.from({ length: count }, (_, index) => `a${index}: npsBreakdown(by: SURVEY, first: 46) { key label ...S }`).join(" ")} }
    fragment S on NpsGroup { summary { nps } }`;
  // 17 × (100 + 46 × 4) = 4,828
  await limits("cost of what reads many rows", expensive(17), expensive(18), /costs 5112/);

  t.test("a page out of bounds is refused before anything is executed, and named", async (t) => {
    for (const [first, variables, shown] of [
      ["first: 101", {}, "101 at responses"],
      ["first: 0", {}, "0 at responses"],
      ["first: -1", {}, "-1 at responses"],
      ["first: $n", { n: 2_147_483_647 }, "2147483647 by $n at responses"],
      ["first: $n", { n: -2_147_483_648 }, "-2147483648 by $n at responses"],
    ] as const) {
      const query = `query ($n: Int = 1) { ...A other: responses(first: $n) { totalCount } } fragment A on Query { responses(${first}) { totalCount } }`;
      const { status, body } = await client.post("/graphql", { query, variables });
      t.equal(status, 400);
      t.match(body, {
        errors: [{ extensions: { code: "invalid_request", invalidParams: [{ name: "first" }] } }],
      });
      t.match(body.errors[0].message, `must be from 1 to 100 (it is ${shown})`);
    }
    t.match(await ask("{ responses(first: 100) { totalCount } }"), { status: 200 });
  });

  t.test("a fragment inside itself, and ones that double each other, end", async (t) => {
    const cyclic = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A nps { nps } }";
    t.match(await ask(cyclic), { status: 400, code: "invalid_request", message: /itself/ });
    const doubling = Array.from({ length: 80 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    const last = (inside: string) => `{ ...F0 } ${doubling.join(" ")} fragment F80 on Query { ${inside} }`;
    const started = performance.now();
    t.match(await ask(last("a: __typename")), { status: 400, message: /aliases/ });
    t.match(await ask(last("__typename")), { status: 400, message: /costs 1\.2\d+e\+24/ });
    t.ok(performance.now() - started < 2_000);
  });

  t.test("only one operation a request, as text, of 64 kB", async (t) => {
    t.match(await client.post("/graphql", [{ query: "{ __typename }" }]), {
      status: 400,
      body: { code: "invalid_request" },
    });
    for (const tree of [
      { kind: "Document", definitions: [] },
      { kind: "Document", loc: {}, definitions: [{ kind: "OperationDefinition", operation: "query" }] },
      {},
      null,
      1,
    ]) {
      t.match(await ask(JSON.stringify(tree)), { status: 400, code: "invalid_request" }, JSON.stringify(tree));
    }
    const sized = (bytes: number) => {
      const body = JSON.stringify({ query: "{ __typename }", variables: { x: "" } });
      return client.post("/graphql", body.replace('""', `"${"x".repeat(bytes - body.length)}"`));
    };
    t.equal((await sized(65_536)).status, 200);
    t.match(await sized(65_537), { status: 413, body: { code: "payload_too_large" } });
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]) {
      const answer = await client.post("/graphql", '{"query":"{__typename}"}', { "content-type": type });
      t.match(answer, { status: 415, body: { code: "unsupported_media_type" } }, `no foreign page can send ${type}`);
    }
    const got = await client.get("/graphql?query=%7B__typename%7D");
    t.match(got, { status: 404 });
  });

  t.test("the schema is told, and its names are suggested, only to workspace:manage", async (t) => {
    const limited = await client.withScopes("aggregates:read");
    const hidden = async (query: string, variables?: object) => limited.post("/graphql", { query, variables });
    for (const query of [
      getIntrospectionQuery(),
      "{ __schema { queryType { name } } }",
      '{ nps { nps } x: __type(name: "Query") { name } }',
      "{ ... { ...A } } fragment A on Query { ... on Query { __schema { __typename } } }",
      "query ($not: Boolean = false) { nps { nps } __schema @include(if: $not) { __typename } }",
    ]) {
      t.match(await hidden(query), {
        status: 403,
        body: { data: undefined, errors: [{ extensions: { code: "forbidden" }, message: /workspace:manage/ }] },
      });
      t.match(await ask(query), { status: 200, code: undefined }, query.slice(0, 60));
    }
    t.match(await hidden("{ __typename nps { __typename } }"), {
      status: 200,
      body: { data: { __typename: "Query", nps: { __typename: "NpsSummary" } } },
    });
    const ofType = (depth: number) =>
      `{ __type(name: "Query") { ${"ofType { ".repeat(depth - 2)} name ${"}".repeat(depth - 2)} } }`;
    t.match(await ask(ofType(15)), { status: 200, code: undefined });
    t.match(await ask(ofType(16)), { status: 400, message: /is 16 fields of the schema deep; at most 15/ });

    for (const [query, variables] of [
      ["{ npx { nps } }", {}],
      ["{ nps { np } }", {}],
      ["{ nps(unit: RESPONSES) { nps } }", {}],
      ["{ nps(units: RESPONSE) { nps } }", {}],
      ["query ($u: CountingUnit) { nps(unit: $u) { nps } }", { u: "RESPONSES" }],
      ["query ($f: ResponseFilter) { nps(filter: $f) { nps } }", { f: { form: null } }],
      ["query ($f: ResponseFiltr) { nps(filter: $f) { nps } }", {}],
    ] as const) {
      const shown = await ask(query, variables);
      t.match(shown, { status: 400, message: /Did you mean/ }, query);
      const kept = await hidden(query, variables);
      t.equal(kept.status, 400);
      t.match(kept.body.errors[0].message, /\.$/);
      t.notMatch(JSON.stringify(kept.body), /did you mean/i);
    }
  });

  await t.test("a case and its answers, one within another, end before they are more than memory holds", async (t) => {
    const person = { externalId: "often" };
    await client.post("/v1/responses/batch", { responses: Array.from({ length: 60 }, () => ({ score: 3, person })) });
    const [id] = (await client.rows("select case_id from case_responses group by 1 having count(*) > 50")).map(
      (row) => row["case_id"],
    );
    const within = (query: string) => ask(query.replace("case(id", `case(id: "${String(id)}") #`));
    t.match(await within("{ case(id\n { responses { case { responses { id } } } } }"), {
      status: 200,
      code: undefined,
    });
    const refused = await within(
      "{ case(id\n { responses { case { responses { case { responses { case { responses { id } } } } } } } } }",
    );
    t.match(refused, { status: 200, code: "invalid_request", message: /More answers of cases/ });
  });
});

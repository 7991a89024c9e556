import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import { startService } from "../support/service.ts";

t.test("GraphQL mutations", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const open = async () => (await client.post("/v1/responses", { score: 5 })).body.case.id as string;

  t.test("see what the one before has done, links included", async (t) => {
    const id = await open();
    const data = await client.query(
      `mutation ($id: ID!) {
        first: addCaseNote(id: $id, input: { text: "one" }) { version responses { case { version } } }
        second: addCaseNote(id: $id, input: { text: "two" }) { version responses { case { version } } }
      }`,
      { id },
    );
    t.same(data, {
      first: { version: 2, responses: [{ case: { version: 2 } }] },
      second: { version: 3, responses: [{ case: { version: 3 } }] },
    });
  });

  t.test("are done together: where one fails, none is", async (t) => {
    const id = await open();
    const query = `mutation ($id: ID!) {
      addCaseNote(id: $id, input: { text: "one" }) { version }
      verifyCase(id: $id, input: { satisfied: true }) { version }
    }`;
    const { status, body } = await client.post("/graphql", { query, variables: { id } });
    t.equal(status, 200);
    t.match(body, { data: null, errors: [{ path: ["verifyCase"], extensions: { code: "invalid_transition" } }] });
    t.equal((await client.get(`/v1/cases/${id}`)).body.version, 1);
  });

  t.test("are not kept either where a field of what they answer fails", async (t) => {
    const id = await open();
    const limited = await client.withScopes("cases:write", "cases:read");
    const query = 'mutation ($id: ID!) { addCaseNote(id: $id, input: { text: "one" }) { version person { name } } }';
    const { body: person } = await client.put("/v1/people", { externalId: "p" });
    await client.rows(`update cases set person_id = '${person.id}' where id = '${id}'`);
    const { status, body } = await limited.post("/graphql", { query, variables: { id } });
    t.match({ status, body }, { status: 200, body: { data: null, errors: [{ extensions: { code: "forbidden" } }] } });
    t.equal((await client.get(`/v1/cases/${id}`)).body.version, 1);
  });

  t.test("hold their input to the rules of the REST body, and name the field", async (t) => {
    const id = await open();
    for (const [input, name] of [
      ['{ text: "" }', "input.text"],
      ['{ text: " " }', "input.text"],
      [`{ text: "${"x".repeat(10_001)}" }`, "input.text"],
    ] as const) {
      const { body } = await client.post("/graphql", {
        query: `mutation { addCaseNote(id: "${id}", input: ${input}) { id } }`,
      });
      t.match(
        body.errors,
        [{ extensions: { code: "invalid_request", invalidParams: [{ name }] } }],
        input.slice(0, 40),
      );
    }
    const assess = async (input: object) => {
      const query =
        "mutation ($id: ID!, $input: AssessmentInput!) { assessCase(id: $id, input: $input) { assessment { feasibility } } }";
      return (await client.post("/graphql", { query, variables: { id, input } })).body;
    };
    t.match(await assess({ feasibility: 6 }), {
      errors: [{ extensions: { invalidParams: [{ name: "input.feasibility" }] } }],
    });
    t.match(await assess({ feasibility: 5, alignment: null }), {
      data: { assessCase: { assessment: { feasibility: 5 } } },
    });
    t.match(await assess({ feasibility: "5" }), { errors: [{ extensions: { code: "invalid_request" } }] });
    t.match(await assess({ resolutionDueAt: "2026-05-04" }), { errors: [{ message: /resolutionDueAt/ }] });
    t.equal((await client.get(`/v1/cases/${id}`)).body.version, 2);
    const create =
      'mutation ($keys: [String!]!) { createImprovement(input: { title: "x", rootCauseKeys: $keys }) { id } }';
    t.match(
      (await client.post("/graphql", { query: create, variables: { keys: ["unknown"] } })).body.errors,
      [{ message: /^input\.rootCauseKeys\.0 /, extensions: { invalidParams: [{ name: "input.rootCauseKeys.0" }] } }],
      "also where it takes a look at what there is",
    );
    const ofNothing = "mutation ($id: ID!) { openCase(input: { responseId: $id }) { id } }";
    t.match(
      (await client.post("/graphql", { query: ofNothing, variables: { id: newId() } })).body.errors,
      [{ extensions: { code: "not_found", invalidParams: [{ name: "input.responseId" }] } }],
      "whatever its code",
    );
    const noCase = await client.post("/graphql", {
      query: 'mutation { addCaseNote(id: "x", input: { text: "x" }) { id } }',
    });
    t.match(noCase.body.errors, [{ extensions: { invalidParams: [{ name: "id" }] } }], "an argument has its own name");
  });

  t.test("of another workspace's case find nothing", async (t) => {
    const id = await open();
    const other = await service.newClient();
    const query = 'mutation ($id: ID!) { addCaseNote(id: $id, input: { text: "x" }) { id } }';
    const ask = async (target: string) => (await other.post("/graphql", { query, variables: { id: target } })).body;
    t.same(await ask(id), await ask(newId()));
  });

  t.test("run again as a whole where somebody else was quicker", async (t) => {
    const person = { email: "ana@example.com" };
    const { body: response } = await client.post("/v1/responses", { score: 8, comment: "Hm", person });
    const query = `mutation ($id: ID!) {
      putRootCause(key: "price", input: { label: "Price" }) { key }
      openCase(input: { responseId: $id }) { id status }
    }`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.post("/graphql", { query, variables: { id: response.id } })),
    );
    const opened = answers.filter(({ body }) => body.errors === undefined);
    t.equal(opened.length, 1);
    for (const { body } of answers) {
      if (body.errors)
        t.match(body.errors, [{ extensions: { code: "conflict", existingId: opened[0]?.body.data.openCase.id } }]);
    }
  });

  t.test("are not reached by a query that is called one", async (t) => {
    const { body } = await client.post("/graphql", { query: "query mutation { nps { answered } }" });
    t.match(body.data, { nps: { answered: Number } });
    const two = 'query a { nps { answered } } mutation b { putRootCause(key: "b", input: { label: "b" }) { key } }';
    t.match((await client.post("/graphql", { query: two, operationName: "b" })).body.data, {
      putRootCause: { key: "b" },
    });
    t.match((await client.post("/graphql", { query: two, operationName: "a" })).body.data, {
      nps: { answered: Number },
    });
    t.equal((await client.post("/graphql", { query: two })).status, 400);
  });
});

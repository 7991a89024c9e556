import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { startService } from "../support/service.ts";

const many = (count: number, row: object) => Array.from({ length: count }, () => row);

t.test("a batch", async (t) => {
  const service = await startService(t);

  t.test("of 1,000 with 10 bad rows stores 990, and says which 10 and why", async (t) => {
    const client = await service.newClient();
    const responses: object[] = Array.from({ length: 1000 }, (_, index) => ({
      score: index % 11,
      externalId: `r-${index}`,
      comment: index % 3 === 0 ? `Comment ${index}` : null,
      survey: { key: `survey-${index % 4}` },
      person: {
        externalId: `u-${index % 300}`,
        email: `u-${index % 300}@example.com`,
        account: { externalId: `a-${index % 20}` },
      },
    }));
    const bad: [number, object, string, string][] = [
      [0, { score: 11 }, "invalid_request", "score"],
      [17, { score: "5" }, "invalid_request", "score"],
      [99, {}, "invalid_request", "score"],
      [100, { score: 5, nps: 1 }, "invalid_request", "nps"],
      [250, { score: 5, person: { email: "nobody" } }, "invalid_request", "person.email"],
      [333, { score: 5, person: {} }, "invalid_request", "person"],
      [500, { score: 5, comment: "a\u0000" }, "invalid_request", "comment"],
      [640, { score: 5, respondedAt: "2999-01-01T00:00:00Z" }, "invalid_request", "respondedAt"],
      [998, { score: 5, externalId: "r-1" }, "conflict", ""],
      [999, [] as object, "invalid_request", "body"],
    ];
    for (const [index, body] of bad) responses[index] = body;
    const { status, body } = await client.post("/v1/responses/batch", { responses });
    t.equal(status, 200);
    t.same(
      body.results.map(({ index }: { index: number }) => index),
      Array.from({ length: 1000 }, (_, index) => index),
    );
    t.equal(body.results.filter(({ status: outcome }: { status: string }) => outcome === "created").length, 990);
    for (const [index, , code, name] of bad) {
      const { status: outcome, problem } = body.results[index];
      t.match({ outcome, problem }, { outcome: "rejected", problem: { code } }, `row ${index}`);
      if (name !== "") t.equal(problem.invalidParams[0].name, name);
    }
    t.equal(body.results[998].id, body.results[1].id, "the answer it contradicts");
    const counts = await client.rows(
      "select (select count(*) from responses) as responses, (select count(*) from people) as people, (select count(*) from accounts) as accounts",
    );
    t.same(counts, [{ responses: 990, people: 300, accounts: 20 }]);
    const { nps } = await client.query("{ nps { answered } }");
    t.equal(nps.answered, 990);

    const again = await client.post("/v1/responses/batch", { responses });
    t.equal(again.body.results.filter(({ status: outcome }: { status: string }) => outcome === "existing").length, 990);
    t.same(await client.rows("select count(*) as responses from responses"), [{ responses: 990 }]);
  });

  t.test("holds its own repetitions together", async (t) => {
    const client = await service.newClient();
    const answer = { score: 3, externalId: "same", person: { email: "ana@example.com" } };
    const { body } = await client.post("/v1/responses/batch", {
      responses: [answer, answer, { ...answer, score: 4 }, { ...answer, externalId: "next" }],
    });
    t.same(
      body.results.map(({ status }: { status: string }) => status),
      ["created", "existing", "rejected", "created"],
    );
    t.same(await client.rows("select count(*) as cases, sum(version) as changes from cases"), [
      { cases: 1, changes: 1 },
    ]);
  });

  t.test("of history opens no case and tells nobody, also when an answer of it is changed", async (t) => {
    const client = await service.newClient();
    const responses = [
      { score: 1, person: { email: "ana@example.com" } },
      { score: 10, followUpRequested: true },
    ];
    const { body } = await client.post("/v1/responses/batch?followUp=NONE&events=false", { responses });
    t.same(await client.rows("select (select count(*) from cases) + (select count(*) from events) as written"), [
      { written: 0 },
    ]);
    const { body: changed } = await client.patch(`/v1/responses/${body.results[0].id}`, {
      score: 0,
      followUpRequested: true,
    });
    t.equal(changed.case, null);
    t.match(await client.query("{ nps { answered } }"), { nps: { answered: 2 } });
    t.equal(
      (await client.post("/v1/responses/batch?followUp=none", { responses })).body.invalidParams[0].name,
      "followUp",
    );
    t.equal((await client.post("/v1/responses/batch?events=no", { responses })).body.invalidParams[0].name, "events");
  });

  t.test("may be empty, and not larger than 1,000 rows or 5 MB", async (t) => {
    const client = await service.newClient();
    t.same((await client.post("/v1/responses/batch", { responses: [] })).body, { results: [] });
    const row = { score: 9 };
    t.equal((await client.post("/v1/responses/batch", { responses: many(1001, row) })).status, 400);
    const comment = "x".repeat(9_000);
    t.equal((await client.post("/v1/responses/batch", { responses: many(500, { score: 9, comment }) })).status, 200);
    t.equal((await client.post("/v1/responses/batch", { responses: many(600, { score: 9, comment }) })).status, 413);
    for (const body of [{}, { responses: {} }, { responses: [], more: 1 }]) {
      t.equal((await client.post("/v1/responses/batch", body)).status, 400);
    }
  });

  t.test("a row that the database refuses by a fault of ours stands alone", async (t) => {
    const client = await service.newClient();
    await client.rows("alter table responses add constraint fault check (comment <> 'poison') not valid");
    const responses = Array.from({ length: 50 }, (_, index) => ({
      score: 2,
      comment: index === 31 ? "poison" : "fine",
    }));
    const { body } = await client.post("/v1/responses/batch", { responses });
    const rejected = body.results.filter(({ status }: { status: string }) => status === "rejected");
    t.match(rejected, [{ index: 31, problem: { code: "internal", status: 500 } }]);
    t.same(await client.rows("select count(*) as responses from responses"), [{ responses: 49 }]);
    t.same(await client.rows("select count(*) as cases from cases"), [{ cases: 49 }]);
    await client.rows("alter table responses drop constraint fault");
  });

  t.test("that waits for somebody keeps no other workspace waiting, however many come after it", async (t) => {
    const [client, other] = await Promise.all([service.newClient(), service.newClient()]);
    const batchOf = (name: string) => ({ responses: [{ score: 9, person: { externalId: "u-1", name } }] });
    await client.post("/v1/responses/batch", batchOf("Ana"));
    const holder = await service.pool.connect();
    await holder.query(`begin; set local app.workspace_id = '${client.workspaceId}'`);
    await holder.query("select 1 from people where workspace_id = $1 for update", [client.workspaceId]);
    let done = 0;
    const waiting = Array.from({ length: 12 }, async (_, n) => {
      const { status } = await client.post("/v1/responses/batch", batchOf(`Ana ${n}`));
      done += 1;
      return status;
    });
    // So long that all of them have begun which may.
    await sleep(200);
    t.ok(service.pool.totalCount - service.pool.idleCount <= 1 + 3, "the holder, and three of its batches");
    t.equal((await other.post("/v1/responses/batch", batchOf("Bea"))).status, 200);
    t.equal(done, 0, "while it is held");
    await holder.query("rollback");
    holder.release();
    t.same(new Set(await Promise.all(waiting)), new Set([200]));
    t.same(await client.rows("select count(*)::int as n from responses"), [{ n: 13 }]);
  });
});

t.test("two batches over the same people at once neither deadlock nor double anything, 50 times", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (let round = 0; round < 50; round += 1) {
    const rows = Array.from({ length: 40 }, (_, index) => ({
      score: index % 7,
      externalId: `${round}-${index}`,
      survey: { key: `survey-${round}-${index % 3}` },
      person: {
        externalId: `u-${round}-${index % 10}`,
        email: `u-${round}-${index % 10}@example.com`,
        name: `Name ${index}`,
        account: { externalId: `a-${round}-${index % 5}`, name: `Account ${index}` },
      },
    }));
    const answers = await Promise.all(
      [rows, rows.toReversed()].map((responses) => client.post("/v1/responses/batch", { responses })),
    );
    for (const { status, body } of answers) {
      t.equal(status, 200, JSON.stringify(body).slice(0, 300));
      if (status === 200)
        t.notOk(
          body.results.some((result: { status: string }) => result.status === "rejected"),
          `round ${round}`,
        );
    }
  }
  const counts = await client.rows(
    `select (select count(*) from responses) as responses, (select count(*) from people) as people,
       (select count(*) from accounts) as accounts, (select count(*) from cases) as cases,
       (select count(*) from case_responses) as joined, (select count(*) from events where type = 'response.recorded') as events`,
  );
  t.same(counts, [{ responses: 2000, people: 500, accounts: 250, cases: 500, joined: 2000, events: 2000 }]);
});

t.test("many batches that overlap store each answer once, and none of them fails", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, batch) => {
        const responses = Array.from({ length: 50 }, (__, index) => {
          const id = (batch * 31 + index * 7) % 200;
          return { score: id % 11, externalId: `${round}-${id}` };
        });
        return client.post("/v1/responses/batch", { responses });
      }),
    );
    for (const { status, body } of answers) {
      t.equal(status, 200, JSON.stringify(body).slice(0, 200));
      t.ok(body.results?.every((result: { status: string }) => result.status !== "rejected"));
    }
  }
  const [row] = await client.rows("select count(*) - count(distinct external_id) as doubled from responses");
  t.same(row, { doubled: 0 });
});

t.test("each answer of a batch keeps the account of its moment, as if they had come one by one", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const a = { externalId: "a", segment: "S1" };
  const accounts = [null, a, null, { externalId: "b", segment: "S2" }, null, { externalId: "b", segment: "S3" }, null];
  const expected = [null, ["a", "S1"], ["a", "S1"], ["b", "S2"], ["b", "S2"], ["b", "S3"], ["b", "S3"]];
  const answersOf = (externalId: string) =>
    accounts.map((account) => ({ score: 9, person: { externalId, ...(account === null ? {} : { account }) } }));
  const { body } = await client.post("/v1/responses/batch", { responses: answersOf("at-once") });
  const ids: string[] = body.results.map(({ id }: any) => id);
  const fresh = await service.newClient();
  const others: string[] = [];
  for (const answer of answersOf("one-by-one")) others.push((await fresh.post("/v1/responses", answer)).body.id);
  for (const [place, account] of expected.entries()) {
    for (const [from, id] of [
      [client, ids[place]],
      [fresh, others[place]],
    ] as const) {
      const { body: stored } = await from.get(`/v1/responses/${id}`);
      t.same(stored.account && [stored.account.externalId, stored.account.segment], account, `${place}`);
    }
  }
});

import t from "tap";
import { collectDatabaseErrors, isOfWaiting } from "../support/databaseErrors.ts";
import { startService } from "../support/service.ts";

const ROUNDS = 12;
const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);

t.test("two people change one case at the same moment", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const open = async (body: object = { score: 5 }) => {
    const { body: response } = await client.post("/v1/responses", body);
    return { response, path: `/v1/cases/${response.case.id}` };
  };

  t.test("and lose nothing: each sees what the other did", async (t) => {
    const { path } = await open();
    const notes = Array.from({ length: 30 }, (_, n) => client.post(`${path}/notes`, { text: `note ${n}` }));
    const answers = await Promise.all(notes);
    t.same(new Set(statusesOf(answers)), new Set([200]));
    const versions = answers.map(({ body }) => body.version).toSorted((a, b) => a - b);
    t.same(
      versions,
      Array.from({ length: 30 }, (_, n) => n + 2),
    );
    const { body } = await client.get(path);
    t.equal(new Set(body.activities.map(({ text }: { text: string }) => text)).size, 31);
  });

  t.test("and who asked for a version gets it or 409", async (t) => {
    const { path } = await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.post(`${path}/notes`, { text: String(n) }, { "if-match": '"1"' })),
    );
    t.same(statusesOf(answers), [200, ...Array.from({ length: 19 }, () => 409)]);
    t.equal((await client.get(path)).body.activities.length, 2);
  });

  t.test("and of two moves that exclude each other one is made", async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { path } = await open();
      await client.post(`${path}/contacts`, CALL);
      const answers = await Promise.all([
        client.post(`${path}/resolution`, { outcome: "FIXED", resolution: "Mended" }),
        client.post(`${path}/resolution`, { outcome: "EDUCATED", resolution: "Explained" }),
      ]);
      t.same(statusesOf(answers), [200, 409]);
      const winner = answers.find(({ status }) => status === 200);
      t.equal((await client.get(path)).body.outcome, winner?.body.outcome);
    }
  });

  t.test("while the answer is corrected, and nobody waits for ever", async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { path, response } = await open({ score: 5, comment: "Slow" });
      const answers = await Promise.all([
        client.post(`${path}/contacts`, { ...CALL, topics: ["THANKED"] }),
        client.patch(`/v1/responses/${response.id}`, { score: 2 }),
        client.post(`/v1/responses/${response.id}/acknowledgement`, {}),
        client.patch(`/v1/responses/${response.id}`, { followUpRequested: true }),
      ]);
      t.same(statusesOf(answers), [200, 200, 200, 200]);
      const { body } = await client.get(path);
      t.match(body.reasons, ["DETRACTOR", "DANGER_ZONE", "FOLLOW_UP_REQUESTED"]);
      t.ok(body.clocks[0].metAt !== null);
      const { score, acknowledgedAt } = (await client.get(`/v1/responses/${response.id}`)).body;
      t.same([score, acknowledgedAt !== null], [2, true]);
      // What the contact did not know of any more needs one of its own.
      t.equal(body.status, body.firstContact.metAt === null ? "OPEN" : "CONTACTED");
    }
  });

  t.test("by contacts and corrections in a storm, and nobody has to give way to a deadlock", async (t) => {
    const errors = collectDatabaseErrors();
    const connection = await service.pool.connect();
    await t.rejects(connection.query("select 1 / 0"));
    connection.release();
    t.match(errors, [{ code: "22012" }], "what fails is seen");
    const { path, response } = await open({ score: 5, comment: "Slow", person: { email: "storm@example.com" } });
    const storm = Array.from({ length: 24 }, (_, n) => {
      if (n % 4 === 0) return client.post(`${path}/contacts`, { ...CALL, topics: ["THANKED"] });
      if (n % 4 === 1) return client.patch(`/v1/responses/${response.id}`, { score: n % 7, comment: `Slow ${n}` });
      if (n % 4 === 2) return client.post(`${path}/notes`, { text: String(n) });
      return client.post("/v1/responses", { score: n % 7, person: { email: "storm@example.com" } });
    });
    const answers = await Promise.all(storm);
    t.ok(
      answers.every(({ status }) => status < 300),
      statusesOf(answers).join(" "),
    );
    t.same(errors.filter(isOfWaiting), [], "nobody waited for somebody who waited for them");
  });

  t.test("and of two who open one by hand, or open an old one again, one does", async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = { externalId: `u-${round}` };
      const { body: passive } = await client.post("/v1/responses", { score: 8, comment: "Hm", person });
      const byHand = () => client.post("/v1/cases", { responseId: passive.id });
      const opened = await Promise.all([byHand(), byHand(), byHand()]);
      t.same(statusesOf(opened), [201, 409, 409]);
      const first = `/v1/cases/${opened.find(({ status }) => status === 201)?.body.id}`;
      await client.post(`${first}/closure`, { outcome: "FIXED", reason: "x" });
      const { path: second } = await open({ score: 4, person });
      await client.post(`${second}/closure`, { outcome: "FIXED", reason: "x" });
      const reopened = await Promise.all(
        [first, second].map((path) => client.post(`${path}/reopening`, { reason: "x" })),
      );
      t.same(statusesOf(reopened), [200, 409]);
    }
  });

  t.test("and people answer while their case is closed: it joins, or opens another", async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = { externalId: `p-${round}` };
      const { path, response } = await open({ score: 5, person });
      const [closed, answered] = await Promise.all([
        client.post(`${path}/closure`, { outcome: "FIXED", reason: "x" }),
        client.post("/v1/responses", { score: 5, person }),
      ]);
      t.same(statusesOf([closed, answered]), [200, 201]);
      const live = await client.rows(
        `select count(*)::int as n from cases where person_id = '${response.person.id}' and status = 'OPEN'`,
      );
      const isJoined = answered.body.case.id === response.case.id;
      t.same(live, [{ n: isJoined ? 0 : 1 }]);
    }
  });
});

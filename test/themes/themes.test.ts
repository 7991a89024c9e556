import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import t from "tap";
import { RECORDING } from "../../src/recording.ts";
import { recordResponses, whereResponses } from "../../src/responses/index.ts";
import { applyThemes } from "../../src/themes/index.ts";
import { foldWords } from "../../src/themes/matching.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { callerIn } from "../support/events.ts";
import { withClient } from "../support/server.ts";
import { type Client, startService } from "../support/service.ts";

const put = (client: Client, key: string, phrases: string[], label = key) =>
  client.put(`/v1/themes/${key}`, { label, phrases });

async function idsOf(client: Client, filter: string): Promise<string[]> {
  const query = `{ responses(orderBy: OLDEST, first: 100, filter: { ${filter} }) { edges { node { comment } } } }`;
  return (await client.query(query)).responses.edges.map(({ node }: any) => node.comment);
}

t.test("themes", async (t) => {
  const service = await startService(t);

  t.test("are found in comments when these arrive and when they change", async (t) => {
    const client = await service.newClient();
    t.match(await put(client, "speed", ["slow", "langsam"], "Speed"), {
      status: 201,
      body: { key: "speed", label: "Speed", phrases: ["slow", "langsam"] },
    });
    await put(client, "price", ["too expensive"]);
    const { body: first } = await client.post("/v1/responses", { score: 5, comment: "LANGSAM und too expensive" });
    await client.post("/v1/responses", { score: 8, comment: "Slow" });
    await client.post("/v1/responses", { score: 9, comment: "Great" });
    await client.post("/v1/responses", { score: 9 });
    t.same(await idsOf(client, 'themes: ["speed"]'), ["LANGSAM und too expensive", "Slow"]);
    t.same(await idsOf(client, 'themes: ["price", "nothing"]'), ["LANGSAM und too expensive"]);
    const groups = async (filter = "") =>
      (
        await client.query(`{ npsBreakdown(by: THEME, filter: { ${filter} }) { key label summary { answered } } }`)
      ).npsBreakdown.map((group: any) => [group.key, group.label, group.summary.answered]);
    t.same(await groups(), [
      ["", "(none)", 2],
      ["speed", "Speed", 2],
      ["price", "price", 1],
    ]);
    t.same(await groups("categories: [PASSIVE]"), [["speed", "Speed", 1]], "what passives say");
    await client.patch(`/v1/responses/${first.id}`, { comment: "Fine now" });
    t.same(await idsOf(client, 'themes: ["speed"]'), ["Slow"]);
  });

  t.test("are found in older comments in the background, again after every change of the rule", async (t) => {
    const client = await service.newClient();
    const responses = Array.from({ length: 1_000 }, (_, n) => ({ score: 5, comment: n % 4 === 0 ? "Slow" : "Dear" }));
    for (const half of [0, 1]) {
      await client.post("/v1/responses/batch", {
        responses: responses.map((one) => ({ ...one, language: String(half) })),
      });
    }
    const { body } = await put(client, "speed", ["slow"]);
    t.equal(body.isApplied, false);
    const count = async () =>
      (await client.query('{ nps(filter: { themes: ["speed"] }) { answered } }')).nps.answered as number;
    t.equal(await count(), 0);
    // Two workers at once: each batch is looked at by one.
    const looked = await Promise.all([applyThemes(service.tenancy), applyThemes(service.tenancy)]);
    if (looked[0] + looked[1] < 2_000) await applyThemes(service.tenancy);
    t.equal(await count(), 500);
    const { themes } = await client.query("{ themes { key isApplied } }");
    t.same(themes, [{ key: "speed", isApplied: true }]);
    await put(client, "speed", ["slow"], "Speed");
    t.equal(await applyThemes(service.tenancy), 0, "another label is no other rule");
    await put(client, "speed", ["dear"]);
    await applyThemes(service.tenancy);
    t.equal(await count(), 1_500);
    await put(client, "speed", []);
    await applyThemes(service.tenancy);
    t.equal(await count(), 0);
  });

  t.test("miss no comment that was being recorded while the rule was changed", async (t) => {
    const client = await service.newClient();
    await put(client, "speed", ["slow"]);
    await applyThemes(service.tenancy);
    const [isRecorded, isToEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const recording = service.tenancy.inWorkspace(callerIn(client), async (tx) => {
      await recordResponses(tx, [{ score: 3, comment: "Dear" }], RECORDING);
      isRecorded.resolve();
      await isToEnd.promise;
    });
    await isRecorded.promise;
    const changed = put(client, "speed", ["dear"]);
    // Time enough to be done, if nothing held it up.
    await Promise.race([changed, sleep(300)]);
    await applyThemes(service.tenancy);
    isToEnd.resolve();
    await recording;
    t.equal((await changed).status, 200);
    await applyThemes(service.tenancy);
    t.same(await idsOf(client, 'themes: ["speed"]'), ["Dear"]);
  });

  t.test("are listed page by page, whatever their keys", async (t) => {
    const client = await service.newClient();
    const keys = ["遅", "高"].map((letter) => letter.repeat(255));
    for (const key of keys) t.equal((await put(client, encodeURIComponent(key), ["x"], "x")).status, 201);
    const first = (await client.get("/v1/themes?limit=1")).body;
    const second = (await client.get(`/v1/themes?limit=1&cursor=${first.nextCursor}`)).body;
    t.same(
      [...first.data, ...second.data].map(({ key }) => key),
      keys,
    );
  });

  t.test("need words, and are the workspace's own", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    t.match(await put(client, "x", ["slow", "!"]), { status: 400, body: { invalidParams: [{ name: "phrases.1" }] } });
    await put(other, "theirs", ["slow"]);
    await client.post("/v1/responses", { score: 5, comment: "slow" });
    t.same((await client.get("/v1/themes")).body.data, []);
    t.same(await idsOf(client, 'themes: ["theirs"]'), []);
  });
});

t.test("search over comments", async (t) => {
  const service = await startService(t);
  const [client, other] = [await service.newClient(), await service.newClient()];
  const comments = [
    "The Größe is wrong",
    "Delivery was slow, and support slower",
    "slow support",
    "Prix élevé",
    "100 % great",
  ];
  for (const comment of comments) {
    await client.post("/v1/responses", { score: 5, comment });
    await other.post("/v1/responses", { score: 5, comment: `${comment} of theirs` });
  }
  const find = (search: string) => idsOf(client, `search: ${JSON.stringify(search)}`);

  t.test("finds words whatever their case and accents, phrases, and without", async (t) => {
    t.same(await find("grosse"), [comments[0]]);
    t.same(await find("SLOW support"), [comments[1], comments[2]]);
    t.same(await find('"slow support"'), [comments[2]]);
    t.same(await find("slow -delivery"), [comments[2]]);
    t.same(await find("eleve or great"), [comments[3], comments[4]]);
    t.same(await find("nothing like it"), []);
    t.same(await find("' ) ; drop table responses --"), []);
    t.same(await find(""), []);
    t.equal((await client.query('{ nps(filter: { search: "slow" }) { answered } }')).nps.answered, 2);
  });

  t.test("stays inside the workspace, also for whoever asks the view", async (t) => {
    t.same(await find("theirs"), []);
    const count = (workspaceId: string) =>
      withClient(service.url, async (connection) => {
        await connection.query("begin");
        await connection.query(`set local role afterscore_app; set local app.workspace_id = '${workspaceId}'`);
        const { rows } = await connection.query("select count(*)::int as n from commented_responses");
        return rows[0]?.n;
      });
    t.same([await count(client.workspaceId), await count(other.workspaceId), await count("")], [5, 5, 0]);
    const { rows } = await service.pool.query(
      "select relowner::regrole::text as owner from pg_class where relname = 'commented_responses'",
    );
    t.same(rows, [{ owner: "afterscore_search" }], "it goes by the rights of a role that has nothing else");
  });

  t.test("uses an index", { skip: skipOnCluster("there the search has none") }, async (t) => {
    await client.rows(`insert into responses (workspace_id, id, survey_key, score, comment, follow_up_requested, incentivised, properties,
        responded_at, received_at, updated_at, source, follow_up)
      select '${client.workspaceId}', gen_random_uuid(), 'default', 5, 'filler ' || n || ' words', false, false, '{}', now(), now(), now(), 'x', 'OPEN'
      from generate_series(1, 5000) as n`);
    await service.pool.query("analyze responses");
    const caller = { workspaceId: client.workspaceId, actor: { kind: "job" as const, id: "test" }, requestId: null };
    const plan = await service.tenancy.readWorkspace(caller, (tx) =>
      tx.run<Record<string, string>>(
        sql`explain select id from responses where ${whereResponses(tx.workspaceId, { search: "slow" })}`,
      ),
    );
    t.match(
      plan.map((row) => row["QUERY PLAN"]).join("\n"),
      /responses_by_words[\s\S]*Index Cond: \(\(workspace_id = .* AND \(to_tsvector/,
    );
  });
});

t.test("themes and search take the same letters for one another", async (t) => {
  const service = await startService(t);
  // Latin-1, Extended-A and Additional: of European languages and Vietnamese.
  const codes = [0xc0, 0x100, 0x1e00].flatMap((from) =>
    Array.from({ length: from === 0xc0 ? 0x40 : 0x80 }, (_, n) => from + n),
  );
  // The n with an apostrophe is deprecated; the others are of transcriptions and old prints.
  const letters = [...codes, ...Array.from({ length: 0x80 }, (_, n) => 0x1e80 + n)]
    .map((code) => String.fromCodePoint(code))
    .filter((letter) => /\p{L}/u.test(letter) && !"ŉẚẛẜẝẟỺỻỼỽỾỿ".includes(letter));
  const { rows } = await service.pool.query(
    "select letter, fold_text(letter) as folded from unnest($1::text[]) as letter",
    [letters],
  );
  t.same(
    rows,
    letters.map((letter) => ({ letter, folded: foldWords(letter) })),
  );
  t.ok(letters.length > 400);
});

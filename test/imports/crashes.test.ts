import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { listening, startProgram } from "../support/program.ts";
import { cloneDatabase, rowsOf } from "../support/server.ts";

const ROWS = 20_000;
const ROW_OF_NOBODY = 17;
const lines = Array.from({ length: ROWS }, (_, index) =>
  index % 1_000 === ROW_OF_NOBODY
    ? "{}"
    : JSON.stringify({ score: index % 11, externalId: String(index), person: { externalId: `u-${index % 500}` } }),
);
const BAD = ROWS / 1_000;

t.test("killed with -9 again and again in the middle of an import, every row is there once", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0" };
  const create = startProgram(["workspace", "create", "--name", "Acme"], { env });
  t.equal(await create.exit, 0, create.output());
  const { workspace, apiKey } = JSON.parse(create.result());
  const api = startProgram(["api"], { env });
  const url = await listening(api);
  const call = (path: string, init: RequestInit = {}) =>
    fetch(url + path, {
      ...init,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/x-ndjson" },
    });
  const latest = async (): Promise<any> => ((await (await call("/v1/imports?limit=1")).json()) as any).data[0];

  const body = lines.join("\n");
  const posted = await call("/v1/imports?followUp=NONE&events=false", { method: "POST", body });
  t.equal(posted.status, 202);
  t.match(await posted.json(), { status: "QUEUED", received: ROWS });
  for (let kills = 0; kills < 2; kills += 1) {
    const before = (await latest()).created;
    const workers = [startProgram(["worker"], { env }), startProgram(["worker"], { env })];
    while ((await latest()).created < before + 3_000) await sleep(20);
    for (const { child } of workers) child.kill("SIGKILL");
    await Promise.all(workers.map(({ exit }) => exit));
  }
  t.match(await latest(), { status: "RUNNING" }, "it was still under way");
  const worker = startProgram(["worker"], { env });
  while ((await latest()).status !== "DONE") await sleep(100);
  t.match(await latest(), { received: ROWS, created: ROWS - BAD, existing: 0, rejected: BAD });
  const place = { databaseUrl: database.url, workspaceId: workspace.id };
  t.same(
    await rowsOf(
      place,
      `select (select count(*)::int from responses) as responses,
      (select count(distinct external_id)::int from responses) as distinct, (select count(*)::int from people) as people,
      (select count(*)::int from import_rejections) as rejections, (select count(*)::int from import_chunks) as chunks`,
    ),
    [{ responses: ROWS - BAD, distinct: ROWS - BAD, people: 500, rejections: BAD, chunks: 0 }],
  );

  await t.test("killed in the middle of an upload, it ends FAILED and nothing of it is recorded", async (t) => {
    const sending = call("/v1/imports?source=half", {
      method: "POST",
      body: new ReadableStream({
        async pull(controller) {
          if (api.child.signalCode !== null) return controller.close();
          controller.enqueue(Buffer.from(`${body}\n`));
          await sleep(20);
        },
      }),
      duplex: "half",
    }).catch(() => "broken");
    const one = async (sql: string) => (await rowsOf<any>(place, sql))[0];
    const last = "select status, received::int, created::int, failure from imports order by created_at desc limit 1";
    const half = "select from imports where status = 'RECEIVING' and received > 5000";
    while ((await one(half)) === undefined) await sleep(20);
    api.child.kill("SIGKILL");
    t.equal(await sending, "broken");
    await api.exit;
    t.match(await one(last), { status: "RECEIVING" });
    // As if a minute had passed in which nothing was heard of it.
    const minuteAgo = new Date(Date.now() - 61_000).toISOString();
    await one(`update imports set touched_at = '${minuteAgo}' where status = 'RECEIVING'`);
    while ((await one("select count(*)::int as n from import_chunks")).n > 0) await sleep(50);
    t.match(await one(last), { status: "FAILED", created: 0, failure: /broke off/ });
    t.match(await one("select count(*)::int as n from responses where source = 'half'"), { n: 0 });
  });
  worker.child.kill("SIGTERM");
  t.equal(await worker.exit, 0, worker.output());
});

t.test("files by the command line, in and out", async (t) => {
  const database = await cloneDatabase();
  const file = join(tmpdir(), `afterscore-${randomBytes(6).toString("hex")}.csv`);
  t.teardown(async () => {
    await database.drop();
    await rm(file, { force: true });
  });
  const env = { DATABASE_URL: database.url };
  const run = async (code: number, ...args: string[]) => {
    const program = startProgram(args, { env });
    t.equal(await program.exit, code, program.output());
    return program;
  };
  const { workspace } = JSON.parse((await run(0, "workspace", "create", "--name", "Acme")).result());
  await writeFile(file, "Note;Wann\n9;1.5.2026\nx;2.5.2026\n");
  const options = [
    "--map",
    "score=Note",
    "--map",
    "respondedAt=Wann",
    "--timestamp-format",
    "d.M.yyyy",
    "--time-zone",
    "Europe/Berlin",
  ];
  const imported = await run(0, "import", file, "--id", workspace.id, ...options);
  t.match(JSON.parse(imported.result()), { isNew: true, import: { status: "DONE", created: 1, rejected: 1 } });
  t.match(imported.output(), /\.csv:3: score must be a whole number/);
  t.match(JSON.parse((await run(0, "import", file, ...options)).result()), { isNew: false, import: { created: 1 } });
  const exported = await run(0, "export", "responses");
  t.match(JSON.parse(exported.result()), { score: 9, respondedAt: "2026-04-30T22:00:00.000Z" });
  t.match((await run(0, "export", "people", "--format", "csv")).result(), /^id,externalId,/);
  t.match((await run(2, "import")).output(), /which file/);
  t.match((await run(1, "import", `${file}.csv`)).output(), /ENOENT/);
  t.match((await run(2, "export", "nonsense")).output(), /export responses, cases/);
  t.match((await run(1, "import", file, "--map", "nonsense=Note")).output(), /map\.nonsense is not a known field/);
  t.match((await run(1, "import", file, "--time-zone", "Mars/Base")).output(), /timeZone/);
});

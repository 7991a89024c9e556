import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { idsOf, startLocalPostgres, stopLocalPostgres } from "../support/localPostgres.ts";
import { listening, startProgram } from "../support/program.ts";
import { createEmptyDatabase, rowsOf, withClient } from "../support/server.ts";
import { type Attempt, attempt, checkHistory } from "./support/history.ts";
import { send } from "./support/http.ts";
import { postgresBinaries } from "./support/postgres.ts";
import { createWorkspace, startProcess } from "./support/processes.ts";

const run = promisify(execFile);
const ROOM_BYTES = 6_000_000;

t.test("three processes started at once on an empty database", async (t) => {
  const database = await createEmptyDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0" };
  const programs = ["serve", "api", "serve"].map((role) => startProgram([role], { env }));
  const urls = await Promise.all(programs.map(listening));
  for (const url of urls) t.equal((await send(`${url}/readyz`)).status, 200);
  const migrated = programs.map(({ output }) => output().match(/"msg":"migrated"/g)?.length ?? 0);
  const [applied] = await withClient(
    database.url,
    async (client) => (await client.query<{ n: number }>("select count(*)::int as n from schema_migrations")).rows,
  );
  t.same(
    migrated.toSorted((a, b) => a - b),
    [0, 0, applied?.n],
    "one of them has migrated it, the others have waited",
  );
  const workspace = await createWorkspace(database.url);
  const history: Attempt[] = [];
  const recorder = { ...workspace, urls, history };
  await Promise.all(Array.from({ length: 60 }, (_, number) => attempt(recorder, number)));
  t.ok(history.every(({ outcome }) => outcome === "ok"));
  await checkHistory(t, workspace, history);
  for (const { child, exit } of programs) {
    child.kill("SIGTERM");
    t.equal(await exit, 0);
  }
});

t.test("a read-only database", async (t) => {
  const postgres = await startLocalPostgres((await postgresBinaries())[0]?.bin ?? "");
  t.teardown(() => stopLocalPostgres(postgres));
  const setReadOnly = (value: "on" | "off") =>
    withClient(postgres.url, async (client) => {
      await client.query("set default_transaction_read_only = off");
      await client.query(`alter database owner set default_transaction_read_only = ${value}`);
    });

  t.test("that is empty: it does not start, and says why in one line", async (t) => {
    await setReadOnly("on");
    const program = startProgram(["serve"], { env: { DATABASE_URL: postgres.url, PORT: "0" } });
    t.equal(await program.exit, 1);
    const lines = program.output().trim().split("\n");
    t.equal(lines.length, 1, program.output());
    t.match(lines[0], /^afterscore: .*read-only/);
    await setReadOnly("off");
  });

  t.test("that becomes so under way: reads are answered, writes are 503 until it is over", async (t) => {
    const workspace = await createWorkspace(postgres.url);
    const server = await startProcess("serve", postgres.url);
    const history: Attempt[] = [];
    const recorder = { ...workspace, urls: [server.url], history };
    t.match(await attempt(recorder, 1), { outcome: "ok" });
    await setReadOnly("on");
    const disconnect = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'afterscore'";
    await withClient(postgres.url, (client) => client.query(disconnect));
    t.match(await attempt(recorder, 2), { status: 503, text: "unavailable" });
    const headers = { authorization: `Bearer ${workspace.apiKey}` };
    const read = await send(`${server.url}/v1/responses`, { headers });
    t.equal(read.status, 200);
    t.equal(JSON.parse(read.text).data.length, 1, "nothing is half done");
    await setReadOnly("off");
    await withClient(postgres.url, (client) => client.query(disconnect));
    t.match(await attempt(recorder, 2), { outcome: "ok" });
    await checkHistory(t, workspace, history);
    t.match(await server.stop(), { code: 0 });
  });
});

t.test("a full disk", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "afterscore-disk-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=160m", "tmpfs", folder]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    t.comment("skipped: a small file system cannot be mounted here");
    return;
  }
  t.teardown(() => run("umount", ["-l", folder]));
  const { uid, gid } = await idsOf("postgres");
  await chown(folder, uid, gid);
  await chmod(folder, 0o700);
  const postgres = await startLocalPostgres((await postgresBinaries())[0]?.bin ?? "", folder);
  t.teardown(() => stopLocalPostgres(postgres));
  const workspace = await createWorkspace(postgres.url);
  const server = await startProcess("serve", postgres.url);
  const history: Attempt[] = [];
  const recorder = { ...workspace, urls: [server.url], history };
  t.match(await attempt(recorder, 1), { outcome: "ok" });
  const full = join(folder, "full");
  await run("dd", ["if=/dev/zero", `of=${full}`, "bs=1M"]).catch(() => undefined);
  // Room for some answers, so that it becomes full in the middle of them.
  await truncate(full, (await stat(full)).size - ROOM_BYTES);
  const post = (from: number) => {
    const responses = Array.from({ length: 500 }, (_, n) => ({
      score: 9,
      comment: "x".repeat(2_000),
      source: "big",
      externalId: `${from + n}`,
    }));
    const headers = { authorization: `Bearer ${workspace.apiKey}`, "content-type": "application/json" };
    return send(`${server.url}/v1/responses/batch`, { headers, body: JSON.stringify({ responses }) });
  };
  const acknowledged: string[] = [];
  const statuses = new Set<number>();
  for (let from = 0; from < 50_000 && !statuses.has(503); from += 500) {
    const { status, text } = await post(from);
    statuses.add(status);
    if (status !== 200) continue;
    const { results } = JSON.parse(text) as { results: { status: string; id: string }[] };
    t.ok(
      results.every((result) => result.status === "created"),
      "no answer is rejected for it",
    );
    for (const { id } of results) acknowledged.push(id);
  }
  t.same(
    [...statuses].toSorted((a, b) => a - b),
    [200, 503],
    "unavailable, and nothing else",
  );
  await rm(full);
  // PostgreSQL may have ended over it, and starts anew by itself.
  let last = await attempt(recorder, 2);
  for (let tries = 0; last.outcome !== "ok" && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    last = await attempt(recorder, 2);
  }
  t.equal(last.outcome, "ok", "with room again it goes on");
  const stored = await rowsOf<{ id: string }>(workspace, "select id::text from responses where source = 'big'");
  const ids = new Set(stored.map(({ id }) => id));
  t.same(
    acknowledged.filter((id) => !ids.has(id)),
    [],
    "nothing that was acknowledged is lost",
  );
  t.equal(stored.length % 500, 0, "no batch is there in part");
  t.comment(`${acknowledged.length} recorded before the disk was full, ${stored.length} are there`);
  await checkHistory(t, workspace, history);
  t.match(await server.stop(), { code: 0 });
});

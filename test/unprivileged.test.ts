import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { idsOf } from "./support/localPostgres.ts";
import { listening, printed, startProgram } from "./support/program.ts";
import { cloneDatabase } from "./support/server.ts";

const run = promisify(execFile);
const filesIn = async (folder: string) => (await run("find", [folder], { maxBuffer: 2 ** 26 })).stdout;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const isRoot = process.getuid?.() === 0;

/** What the image has, where nobody may write: in a folder of root, with what is not for development. */
async function install(): Promise<{ home: string; checkout: string; node: string }> {
  const home = await mkdtemp(join(tmpdir(), "afterscore-image-"));
  const checkout = join(home, "app");
  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const packages = Object.entries<{ dev?: boolean }>(lock.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true && existsSync(join(ROOT, path)))
    .map(([path]) => path);
  for (const path of ["src", "migrations", "package.json", ...packages]) {
    if (existsSync(join(checkout, path))) continue;
    await mkdir(dirname(join(checkout, path)), { recursive: true });
    await run("cp", ["-R", join(ROOT, path), join(checkout, path)]);
  }
  await run("chmod", ["-R", "a-w,a+rX", checkout]);
  const node = join(home, "node");
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  await chmod(home, 0o755);
  return { home, checkout, node };
}

t.test(
  "the image's entry point, as a user who may write nowhere in a checkout that nobody may write to",
  { skip: !isRoot && "not root" },
  async (t) => {
    const database = await cloneDatabase();
    const { home, checkout, node } = await install();
    t.teardown(async () => {
      await rm(home, { recursive: true, force: true });
      await database.drop();
    });
    const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
    const listOf = (instruction: string): string[] =>
      JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(dockerfile)?.[1] ?? "[]");
    t.same(listOf("ENTRYPOINT"), ["node", "src/main.ts"]);
    const [, script, expression = ""] = listOf("  CMD");
    t.equal(script, "-e");

    const user = await idsOf("nobody");
    const env = { DATABASE_URL: database.url, PORT: "0", METRICS_PORT: "0", NODE_ENV: "production" };
    const options = { checkout, node, user, env };
    const create = startProgram(["workspace", "create", "--name", "Acme"], options);
    t.equal(await create.exit, 0, create.output());
    const { apiKey } = JSON.parse(create.result());

    const before = await filesIn(checkout);
    const server = startProgram(["serve"], options);
    const url = await listening(server);
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/responses`, { method: "POST", headers, body: JSON.stringify({ score: 3 }) });
    t.equal(answer.status, 201);
    t.equal((await fetch(`${url}/readyz`)).status, 200);
    const port = await printed(server, /"port":(\d+),"msg":"metrics at/);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    for (const line of [
      /^afterscore_loop_seconds_count\{loop="sweep",outcome="ok"\} [1-9]/m,
      /^afterscore_queues_readable 1$/m,
      /^afterscore_jobs_dead\{job="imports"\} 0$/m,
      /^afterscore_pool_connections\{state="total"\} [1-9]/m,
    ]) {
      t.match(metrics, line);
    }
    const isHealthy = (PORT: string) =>
      run(node, ["-e", expression], { env: { PORT } }).then(
        () => true,
        () => false,
      );
    t.equal(await isHealthy(new URL(url).port), true, "the health check sees it");

    const alone = startProgram(["serve"], { ...options, env: { PORT: "0" } });
    t.equal(await alone.exit, 1);
    t.match(alone.output(), /^afterscore: there is no embedded PostgreSQL .*: set DATABASE_URL\n$/);

    server.child.kill("SIGTERM");
    t.equal(await server.exit, 0, server.output());
    t.equal(await isHealthy(new URL(url).port), false, "and sees it gone");
    t.equal(await filesIn(checkout), before, "it has written nothing there");
  },
);

t.test("the image is pinned, and runs as nobody", async (t) => {
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base ?? "");
  t.ok(bases.length >= 2 && new Set(bases).size === 1);
  t.match(bases[0], /^node:24[^@]*@sha256:[0-9a-f]{64}$/);
  t.match(dockerfile, /^USER 65534:65534$/m);
});

import { execFile } from "node:child_process";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import t, { type Test } from "tap";
import { type Block, differences, lastJson, readBlocks, shapeOf } from "../support/pages.ts";
import { printed as awaitPrinted, listening, startProgram } from "../support/program.ts";
import { cloneDatabase, withClient } from "../support/server.ts";

const run = promisify(execFile);
const ROOT = new URL("../../", import.meta.url);
const ADDRESS = /(http:\/\/)?(localhost|127\.0\.0\.1):3000/g;
const METRICS = "localhost:9464";

/** Where the code of other languages is run, and what must be there for it. */
const INTERPRETERS: Record<string, { file: string; command: string[]; version: string[] }> = {
  js: { file: "page.mjs", command: [process.execPath], version: [process.execPath, "--version"] },
  python: { file: "page.py", command: ["python3"], version: ["python3", "--version"] },
  php: { file: "page.php", command: ["php"], version: ["php", "--version"] },
  go: { file: "page.go", command: ["go", "run"], version: ["go", "version"] },
  ruby: { file: "page.rb", command: ["ruby"], version: ["ruby", "--version"] },
};
const SHELLS = new Set(["sh", "bash"]);

/** While a page is written it can be run alone: PAGES=webhooks,senders. */
const PAGES = process.env["PAGES"]?.split(",");
const isAsked = (name: string) => PAGES === undefined || PAGES.some((page) => name.endsWith(`${page}.md`));

interface Place {
  url: string;
  /** Where its metrics are. */
  metrics: string;
  key: string;
  folder: string;
  env: Record<string, string>;
}

t.test("what the pages show can be run, and answers in the shape that they show", async (t) => {
  const place = await startDemo(t);
  const docs = await readdir(new URL("docs/", ROOT), { recursive: true });
  const names = docs.filter((name) => name.endsWith(".md")).toSorted();
  let count = 0;
  const pages = ["README.md", "CONTRIBUTING.md", ...names.map((file) => `docs/${file}`)];
  for (const name of pages.filter(isAsked)) {
    const blocks = await readBlocks(new URL(name, ROOT), name);
    for (const block of blocks) {
      t.match(block.info, /^$|^verifies$|^exact$|^no-run: ./, `${block.place} says why it is not run`);
    }
    const toRun = blocks.filter(({ info }) => !info.startsWith("no-run"));
    count += toRun.length;
    await runShell(
      t,
      place,
      toRun.filter(({ language }) => SHELLS.has(language)),
    );
    for (const block of toRun) {
      if (block.language === "graphql") await runQuery(t, place, block);
      else if (block.language === "sql") await runStatements(t, place, block);
      else if (!SHELLS.has(block.language)) await runCode(t, place, block);
    }
  }
  t.ok(count >= (PAGES === undefined ? 30 : 1), `${count} blocks were run`);
});

/** A server as an operator starts it, with the year of the demo, and a checkout to stand in whose files may be written. */
async function startDemo(t: Test): Promise<Place> {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0", LOG_LEVEL: "info", SECRETS_KEY: `${"A".repeat(43)}=` };
  const created = startProgram(["workspace", "create", "--name", "demo"], { env });
  await created.exit;
  const { apiKey: key } = JSON.parse(created.result());
  const server = startProgram(["serve"], {
    env: { ...env, OUTBOUND_ALLOWED_NETWORKS: "127.0.0.0/8", METRICS_PORT: "0" },
  });
  t.teardown(async () => {
    server.child.kill("SIGTERM");
    await server.exit;
  });
  const url = await listening(server);
  const script = fileURLToPath(new URL("demo/main.ts", ROOT));
  const demo = startProgram(["--url", url, "--key", key, "--answers", "600"], { script });
  t.equal(await demo.exit, 0, demo.output());

  const folder = t.testdir({ ".afterscore": { "demo-key": `${key}\n` } });
  for (const name of ["src", "migrations", "node_modules", "package.json", "openapi", "test"]) {
    await symlink(fileURLToPath(new URL(name, ROOT)), join(folder, name));
  }
  const body = JSON.stringify({ name: "Pages", vendor: "STANDARD_WEBHOOKS" });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const source: any = await (await fetch(`${url}/v1/sources`, { method: "POST", headers, body })).json();
  const path = `${fileURLToPath(new URL("node_modules/.bin", ROOT))}:${process.env["PATH"]}`;
  return {
    url,
    metrics: `localhost:${await awaitPrinted(server, /"port":(\d+),"msg":"metrics at/)}`,
    key,
    folder,
    env: {
      ...env,
      PATH: path,
      HOME: folder,
      KEY: key,
      AFTERSCORE_URL: url,
      WEBHOOK_URL: `${url}/v1/intake/${source.id}`,
      WEBHOOK_SECRET: source.secret,
    },
  };
}

/** The blocks of a page in one shell, one after the other, as a reader pastes them. */
async function runShell(t: Test, { url, metrics, folder, env }: Place, blocks: Block[]): Promise<void> {
  const parts = blocks.map(
    ({ code }) => `${code.replaceAll(ADDRESS, url).replaceAll(METRICS, metrics)}\nprintf '\\036%s\\036' $?\n`,
  );
  // Without the hooks that the test runner adds to every node that is spawned, and what that spawns.
  const shell = ["-u", "NODE_OPTIONS", "bash", "-c", parts.join("")];
  const { stdout, stderr } = await run("env", shell, { cwd: folder, env, maxBuffer: 2 ** 26 });
  const printed = stdout.split("\x1e");
  for (const [index, block] of blocks.entries()) {
    const output = printed[2 * index] ?? "";
    t.equal(printed[2 * index + 1], "0", `${block.place} ends well: ${output} ${stderr}`);
    if (block.output === undefined)
      t.notMatch(output, /"requestId"|"errors"/, `${block.place} is answered without an error`);
    else compare(t, block, lastJson(output), output);
  }
}

function compare(t: Test, { place, output: shown = "" }: Block, value: unknown, text: string): void {
  t.same(differences(shapeOf(JSON.parse(shown)), shapeOf(value)), [], `${place} answers in the shape shown: ${text}`);
}

/** Each line of JSON by itself. */
function linesOf(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function runQuery(t: Test, { url, key }: Place, block: Block): Promise<void> {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ query: block.code }),
  });
  const { data, errors }: any = await answer.json();
  t.equal(errors, undefined, `${block.place}: ${JSON.stringify(errors)}`);
  t.ok(block.output, `${block.place} shows its result`);
  compare(t, block, data, JSON.stringify(data));
}

/** What an operator asks the database. */
async function runStatements(t: Test, { env }: Place, { place, code }: Block): Promise<void> {
  await t.resolves(
    withClient(env["DATABASE_URL"] ?? "", (client) => client.query(code)),
    place,
  );
}

/** A program: what it prints has the shape shown, or is `exact`ly that; or it `verifies` a webhook, a true one and no other. */
async function runCode(t: Test, { folder, env }: Place, block: Block): Promise<void> {
  const interpreter = INTERPRETERS[block.language];
  t.ok(interpreter, `${block.place} is in a language that we know how to run`);
  if (interpreter === undefined) return;
  const [program = "", ...args] = interpreter.version;
  const isThere = await run(program, args).then(
    () => true,
    () => false,
  );
  if (!isThere) return console.error(`skipped: ${block.place} needs ${program}`);
  const home = join(folder, block.place.replaceAll(/\W/g, "-"));
  await mkdir(home);
  await writeFile(join(home, interpreter.file), block.code);
  const [command, ...rest] = [...interpreter.command, join(home, interpreter.file)];
  const start = async (more: Record<string, string> = {}, body = "") => {
    const running = run(command, rest, { cwd: folder, env: { ...env, ...more } });
    running.child.stdin?.on("error", () => {}).end(body);
    return running.then(
      ({ stdout }) => ({ ok: true, text: stdout }),
      (error: Error) => ({ ok: false, text: error.message }),
    );
  };
  if (block.info !== "verifies") {
    const { ok, text } = await start();
    t.ok(ok, `${block.place}: ${text}`);
    if (block.info === "exact")
      t.same(linesOf(text), linesOf(block.output ?? ""), `${block.place} prints what it shows`);
    else if (block.output !== undefined) compare(t, block, lastJson(text), text);
    return;
  }
  const body = '{"type": "case.opened", "timestamp": "2026-07-15T09:12:00.000Z", "data": {"note": "ü – ö"}}';
  const now = new Date();
  const signed = (time: Date, secret: string) => ({
    WEBHOOK_ID: "msg_1",
    WEBHOOK_TIMESTAMP: String(Math.floor(time.getTime() / 1000)),
    WEBHOOK_SIGNATURE: `v1,${"A".repeat(43)}= ${new Webhook(secret).sign("msg_1", time, body)}`,
  });
  const secret = env["WEBHOOK_SECRET"] ?? "";
  const good = await start(signed(now, secret), body);
  t.ok(good.ok, `${block.place} takes ours: ${good.text}`);
  t.notOk((await start(signed(now, secret), `${body} `)).ok, `${block.place} refuses another body`);
  t.notOk((await start(signed(now, `whsec_${"A".repeat(44)}`), body)).ok, `${block.place} refuses another secret`);
  t.notOk((await start(signed(new Date(0), secret), body)).ok, `${block.place} refuses an old one`);
}

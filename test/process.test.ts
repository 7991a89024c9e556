import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import t from "tap";
import { cloneDatabase } from "./support/server.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

interface Run {
  child: ChildProcess;
  output: () => string;
  exit: Promise<number | null>;
}

/** The program as an operator starts it, in a process of its own. */
function start(args: string[], env: Record<string, string>): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env["PATH"] ?? "", ...env } });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (text += chunk));
  return { child, output: () => text, exit: once(child, "exit").then(([code]) => code) };
}

async function listening({ output, exit }: Run): Promise<string> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const address = /Server listening at (http:\S+?)"/.exec(output())?.[1];
    if (address !== undefined) return address;
    const ended = await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 100, "running"))]);
    if (ended !== "running") break;
  }
  throw new Error(`it does not listen: ${output()}`);
}

t.test("the program on a DATABASE_URL", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0" };

  t.test("makes a workspace, takes an answer, and is told to stop in the middle of others", async (t) => {
    const create = start(["workspace", "create", "--name", "Acme", "--time-zone", "Europe/Berlin"], env);
    t.equal(await create.exit, 0, create.output());
    const { workspace, apiKey } = JSON.parse(create.output());
    t.match(workspace, { id: /^[0-9a-f-]{36}$/, name: "Acme", timeZone: "Europe/Berlin" });

    const server = start(["serve"], env);
    const url = await listening(server);
    t.equal((await fetch(`${url}/livez`)).status, 200);
    t.equal((await fetch(`${url}/readyz`)).status, 200);
    const post = (index: number) =>
      fetch(`${url}/v1/responses`, {
        method: "POST",
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({
          score: index % 11,
          comment: "canary comment",
          externalId: String(index),
          person: { email: `canary-${index}@example.com`, name: "Canary Name", phone: "+49 30 9876" },
        }),
      }).then(
        ({ status }) => status,
        () => "refused",
      );
    t.equal(await post(0), 201);
    t.equal((await fetch(`${url}/v1/people?email=canary@example.com`)).status, 404);
    const underWay = Array.from({ length: 20 }, (_, index) => post(index + 1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    server.child.kill("SIGTERM");
    const stored = (await Promise.all(underWay)).filter((status) => status === 201).length;
    t.equal(await server.exit, 0);
    t.match(server.output(), /"msg":"stopped"/);

    const again = start(["api"], env);
    const { data }: any = await (
      await fetch(`${await listening(again)}/graphql`, {
        method: "POST",
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ query: "{ nps { answered definition { timeZone } } }" }),
      })
    ).json();
    t.equal(data.nps.definition.timeZone, "Europe/Berlin");
    t.ok(data.nps.answered >= stored + 1, "what was acknowledged is there");
    again.child.kill("SIGINT");
    t.equal(await again.exit, 0);

    const log = server.output();
    t.match(log, /"route":"\/v1\/responses"/);
    t.notMatch(log, /canary|Canary|9876|nps_[0-9a-f]{32}_/, "nothing of anybody is in the log");
  });

  t.test("lists, adds keys to and deletes workspaces, a line of JSON each", async (t) => {
    const line = async (...args: string[]) => {
      const run = start(["workspace", ...args], env);
      t.equal(await run.exit, 0, run.output());
      return JSON.parse(run.output());
    };
    const { workspace } = await line("create", "--name", "Gone");
    t.equal(workspace.timeZone, "UTC");
    t.match(await line("key", "--id", workspace.id), { apiKey: /^nps_/ });
    t.match(await line("delete", "--id", workspace.id), { id: workspace.id, deleted: true });
    t.notOk((await line("list")).workspaces.some(({ id }: { id: string }) => id === workspace.id));
  });

  t.test("says in one line what is wrong, and ends with a code", async (t) => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    t.teardown(() => blocker.close());
    const address = blocker.address();
    const port = String(typeof address === "object" && address !== null ? address.port : 0);
    const cases: [string[], Record<string, string>, number, RegExp][] = [
      [["serve"], { ...env, PORT: port }, 1, new RegExp(`port ${port} is in use`)],
      [["serve"], { ...env, PORT: "abc" }, 2, /PORT must be/],
      [["serve"], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" }, 1, /cannot reach the database/],
      [["serve"], { DATABASE_URL: "garbage" }, 2, /DATABASE_URL must be/],
      [["workspace", "create"], env, 2, /--name is missing/],
      [
        ["workspace", "create", "--name", "X", "--time-zone", "Mars/Base"],
        env,
        1,
        /timeZone must be an IANA time zone/,
      ],
      [["workspace", "delete", "--id", "nobody"], env, 1, /there is no workspace nobody/],
      [["dance"], env, 2, /unknown command: dance/],
      [["serve", "--loud"], env, 2, /--loud/],
    ];
    for (const [args, environment, code, message] of cases) {
      const run = start(args, environment);
      t.equal(await run.exit, code, run.output());
      const lines = run
        .output()
        .split("\n")
        .filter((text) => text.startsWith("afterscore: "));
      t.equal(lines.length, 1, run.output());
      t.match(lines[0], message);
    }
  });
});

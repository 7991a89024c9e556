import { once } from "node:events";
import { createServer } from "node:net";
import t from "tap";
import { listening, startProgram } from "./support/program.ts";
import { cloneDatabase } from "./support/server.ts";

const start = (args: string[], env: Record<string, string>) => startProgram(args, { env });

t.test("the program on a DATABASE_URL", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0" };

  t.test("makes a workspace, takes an answer, and is told to stop in the middle of others", async (t) => {
    const create = start(["workspace", "create", "--name", "Acme", "--time-zone", "Europe/Berlin"], env);
    t.equal(await create.exit, 0, create.output());
    const { workspace, apiKey } = JSON.parse(create.result());
    t.match(workspace, { id: /^[0-9a-f-]{36}$/, name: "Acme", timeZone: "Europe/Berlin" });

    const server = start(["serve"], env);
    const url = await listening(server);
    t.equal((await fetch(`${url}/livez`)).status, 200);
    t.equal((await fetch(`${url}/readyz`)).status, 200);
    t.equal((await fetch(`${url}/graphiql`, { method: "HEAD" })).status, 200);
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
    t.equal((await fetch(`${url}/v1/nobody?email=canary@example.com`)).status, 404);
    const underWay = Array.from({ length: 20 }, (_, index) => post(index + 1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    server.child.kill("SIGTERM");
    // As npm hands it on, beside a terminal.
    setTimeout(() => server.child.kill("SIGTERM"), 50);
    const stored = (await Promise.all(underWay)).filter((status) => status === 201).length;
    t.equal(await server.exit, 0);
    t.match(server.output(), /"msg":"stopped"/);

    const again = start(["api"], { ...env, NODE_ENV: "production" });
    const reached = await listening(again);
    t.equal((await fetch(`${reached}/graphiql`)).status, 404, "no GraphiQL in production");
    const { data }: any = await (
      await fetch(`${reached}/graphql`, {
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
    t.notMatch(log, /canary|Canary|49 ?30 ?9876|nps_[0-9a-f]{32}_/, "nothing of anybody is in the log");
  });

  t.test("lists, adds keys to and deletes workspaces, a line of JSON each", async (t) => {
    const line = async (...args: string[]) => {
      const run = start(["workspace", ...args], env);
      t.equal(await run.exit, 0, run.output());
      return JSON.parse(run.result());
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
      [["migrate", "--check"], env, 2, /--check is no option of this command/],
      [["import", "/", "--format", "csv"], env, 1, /\/ is a directory/],
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

t.test("killed with -9 in the middle of keyed requests, and asked all of them again", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const env = { DATABASE_URL: database.url, PORT: "0" };
  const create = start(["workspace", "create", "--name", "Acme"], env);
  t.equal(await create.exit, 0, create.output());
  const { apiKey } = JSON.parse(create.result());
  const send = async (url: string, index: number): Promise<string | undefined> => {
    const answer = await fetch(`${url}/v1/responses`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        "idempotency-key": `k-${index}`,
      },
      body: JSON.stringify({ score: index % 11, person: { email: `u-${index % 7}@example.com` } }),
    });
    return answer.status === 201 ? answer.text() : undefined;
  };
  const first = start(["serve"], env);
  const url = await listening(first);
  const underWay = Array.from({ length: 60 }, (_, index) => send(url, index).catch(() => undefined));
  await Promise.race(underWay);
  first.child.kill("SIGKILL");
  const acknowledged = await Promise.all(underWay);
  t.ok(
    acknowledged.some((text) => text !== undefined) && acknowledged.includes(undefined),
    "some were answered, some were not",
  );

  const second = start(["serve"], env);
  const again = await listening(second);
  for (const [index, text] of acknowledged.entries()) {
    const replay = await send(again, index);
    t.ok(replay !== undefined && (text === undefined || replay === text), `answer ${index} is the first one`);
  }
  const { body } = await fetch(`${again}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ query: "{ nps { answered } cases { totalCount } }" }),
  }).then(async (answer) => ({ body: await answer.text() }));
  t.same(JSON.parse(body).data, { nps: { answered: 60 }, cases: { totalCount: 7 } });
  second.child.kill("SIGTERM");
  t.equal(await second.exit, 0);
});

import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { findPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { listening, startProgram } from "../support/program.ts";
import { cloneDatabase, withClient } from "../support/server.ts";

const ANSWERS = 40;
const version = await findPgBouncer();
const [major = 0, minor = 0] = (version ?? "0.0").split(".").map(Number);
/** Before 1.21 it forwards no prepared statements at all. */
const modes: { name: string; settings: Record<string, number> }[] = [
  { name: "without prepared statements", settings: major > 1 || minor >= 21 ? { max_prepared_statements: 0 } : {} },
  ...(major > 1 || minor >= 21
    ? [{ name: "with prepared statements", settings: { max_prepared_statements: 200 } }]
    : []),
];
if (version === undefined) console.error("skipped: no pgbouncer is installed");
else if (modes.length === 1) console.error(`skipped: PgBouncer ${version} forwards no prepared statements`);

for (const { name, settings } of version === undefined ? [] : modes) {
  t.test(`the whole program behind PgBouncer ${version} in transaction mode, ${name}`, async (t) => {
    const database = await cloneDatabase();
    const bouncer = await startPgBouncer(database.url, settings);
    const env = { DATABASE_URL: bouncer.url, DATABASE_DIRECT_URL: database.url, PORT: "0" };
    const create = startProgram(["workspace", "create", "--name", "Acme"], { env });
    t.equal(await create.exit, 0, create.output());
    const { apiKey } = JSON.parse(create.result());
    const server = startProgram(["serve"], { env });
    t.teardown(async () => {
      server.child.kill("SIGTERM");
      t.equal(await server.exit, 0);
      await bouncer.stop();
      await database.drop();
    });
    const url = await listening(server);
    const send = async (
      method: string,
      path: string,
      body?: object | string,
      type = "application/json",
    ): Promise<any> => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { "content-type": type }) },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return JSON.parse(text);
    };

    // One after the other and at once: by turns on the same and on other connections.
    const person = { email: "ana@example.com" };
    const unhappy = await send("POST", "/v1/responses", { score: 2, comment: "Too slow", person });
    await Promise.all(
      Array.from({ length: ANSWERS }, (_, n) =>
        send("POST", "/v1/responses", { score: 9, externalId: `one-${n}`, person: { externalId: `u-${n}` } }),
      ),
    );
    const responses = Array.from({ length: ANSWERS }, (_, n) => ({ score: 10, externalId: `batch-${n}` }));
    const { results } = await send("POST", "/v1/responses/batch", { responses });
    t.ok(results.every(({ status }: { status: string }) => status === "created"));

    const lines = Array.from({ length: ANSWERS }, (_, n) => `{"score": 8, "externalId": "file-${n}"}`).join("\n");
    const { id } = await send("POST", "/v1/imports", lines, "application/x-ndjson");
    let imported: any;
    for (let attempt = 0; attempt < 300 && imported?.status !== "DONE"; attempt += 1) {
      imported = await send("GET", `/v1/imports/${id}`);
      await sleep(50);
    }
    t.match(imported, { status: "DONE" }, "the worker's jobs go through it");

    const path = `/v1/cases/${unhappy.case.id}`;
    await send("POST", `${path}/contacts`, {
      channel: "PHONE",
      direction: "OUTBOUND",
      outcome: "REACHED",
      topics: ["LISTENED"],
    });
    await send("POST", `${path}/resolution`, { outcome: "FIXED", resolution: "Faster" }).catch((error) =>
      t.fail(error),
    );
    const query = "{ nps { answered promoters passives detractors } cases { edges { node { status } } } }";
    const { data } = await send("POST", "/graphql", { query });
    t.match(data.cases.edges, [{ node: { status: "RESOLVED" } }]);
    t.match(data.nps, { answered: 3 * ANSWERS + 1 });

    await withClient(database.url, async (client) => {
      const { rows } = await client.query<{ connections: number; left: string }>(
        `select count(*)::int as connections from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name = 'afterscore'`,
      );
      t.ok((rows[0]?.connections ?? 99) <= 3, `on ${rows[0]?.connections} connections`);
    });
  });
}
if (version === undefined) t.pass("skipped");

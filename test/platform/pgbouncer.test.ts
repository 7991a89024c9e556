import { BlockList } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { createLogger } from "../../src/platform/logger.ts";
import { createOutboundHttp } from "../../src/platform/outboundHttp.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import { startWorker } from "../../src/worker.ts";
import { NDJSON } from "../support/files.ts";
import { findPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { cloneDatabase, withClient } from "../support/server.ts";
import { startService } from "../support/service.ts";

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
  t.test(`everything behind PgBouncer ${version} in transaction mode, ${name}`, async (t) => {
    const database = await cloneDatabase();
    const bouncer = await startPgBouncer(database.url, settings);
    t.teardown(async () => {
      await bouncer.stop();
      await database.drop();
    });
    const service = await startService(t, { url: bouncer.url });
    // Compiled first, as `serve` does it, so that it keeps no transaction of the worker waiting.
    await service.app.ready();
    const client = await service.newClient();
    const http = createOutboundHttp({ allowedNetworks: new BlockList() });
    const sending = { http, secrets: createSecretBox(undefined), schedule: [0], random: Math.random };
    const worker = await startWorker(service.pool, createLogger("silent"), sending);
    t.teardown(async () => {
      await worker.stop();
      await http.close();
    });
    const send = async (path: string, body: object | string, headers?: Record<string, string>) => {
      const answer = await client.post(path, body, headers);
      if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    };

    // One after the other and at once: by turns on the same and on other connections.
    const person = { email: "ana@example.com" };
    const unhappy = await send("/v1/responses", { score: 2, comment: "Too slow", person });
    await Promise.all(
      Array.from({ length: ANSWERS }, (_, n) =>
        send("/v1/responses", { score: 9, externalId: `one-${n}`, person: { externalId: `u-${n}` } }),
      ),
    );
    const responses = Array.from({ length: ANSWERS }, (_, n) => ({ score: 10, externalId: `batch-${n}` }));
    const { results } = await send("/v1/responses/batch", { responses });
    t.ok(results.every(({ status }: { status: string }) => status === "created"));

    const lines = Array.from({ length: ANSWERS }, (_, n) => `{"score": 8, "externalId": "file-${n}"}`).join("\n");
    const { id } = await send("/v1/imports", lines, NDJSON);
    let imported: any;
    for (let attempt = 0; attempt < 300 && imported?.status !== "DONE"; attempt += 1) {
      imported = (await client.get(`/v1/imports/${id}`)).body;
      await sleep(50);
    }
    t.match(imported, { status: "DONE" }, "the worker's jobs go through it");

    const path = `/v1/cases/${unhappy.case.id}`;
    await send(`${path}/contacts`, {
      channel: "PHONE",
      direction: "OUTBOUND",
      outcome: "REACHED",
      topics: ["LISTENED"],
    });
    await send(`${path}/resolution`, { outcome: "FIXED", resolution: "Faster" }).catch((error) => t.fail(error));
    const data = await client.query("{ nps { answered } cases { edges { node { status } } } }");
    t.match(data.cases.edges, [{ node: { status: "RESOLVED" } }]);
    t.match(data.nps, { answered: 3 * ANSWERS + 1 });

    await withClient(database.url, async (owner) => {
      const { rows } = await owner.query<{ connections: number }>(
        `select count(*)::int as connections from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name = 'afterscore'`,
      );
      t.ok((rows[0]?.connections ?? 99) <= 3, `on ${rows[0]?.connections} connections`);
    });
  });
}
if (version === undefined) t.pass("skipped");

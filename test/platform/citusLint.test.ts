import { Client as Connection, type Pool } from "pg";
import t from "tap";
import { lookForShifts, maintainRollups } from "../../src/aggregates/index.ts";
import { sweep } from "../../src/cases/index.ts";
import { listTables, planDistribution } from "../../src/platform/distribute.ts";
import { eraseCopies, findRunningErasures } from "../../src/privacy/index.ts";
import { claimDeliveries, insertAttempts } from "../../src/webhooks/deliveryQueries.ts";
import { forgetEvents, relayEvents } from "../../src/webhooks/index.ts";
import { NDJSON, workImports } from "../support/files.ts";
import { startService } from "../support/service.ts";

interface Sent {
  text: string;
  isSystem: boolean;
}

/** Every statement that any connection of this process sends from now on, and whether it may look across workspaces. */
function collectStatements(): Map<string, Sent> {
  const sent = new Map<string, Sent>();
  const roles = new WeakMap<object, boolean>();
  const query = Reflect.get(Connection.prototype, "query") as (this: object, ...args: unknown[]) => unknown;
  Object.assign(Connection.prototype, {
    query(this: object, ...args: unknown[]) {
      const [first] = args;
      const text = typeof first === "string" ? first : ((first as { text?: string }).text ?? "");
      if (text.includes("set_config('role'")) roles.set(this, text.includes("'afterscore_system'"));
      else if (!/^(begin|commit)/.test(text)) sent.set(text, { text, isSystem: roles.get(this) === true });
      return query.apply(this, args);
    },
  });
  return sent;
}

const nameOf = (text: string) => /\/\* ([\w.]+) \*\//.exec(text)?.[1] ?? text.slice(0, 120);
const mentions = (text: string, table: string) =>
  new RegExp(`(from|join|into|update|using)\\s+"?${table}"?(?![\\w.])`, "i").test(text);
/** A value for the workspace, in a condition or in what is inserted. */
const OF_ONE_WORKSPACE =
  /"?workspace_id"?\s*=\s*\$|"?workspaces"?\."?id"?\s*=\s*\$|\(("?workspace_id"?|"id")[^)]*\)\s*(values\s*\(\$|select\s+(distinct\s+)?\$)|where id = \$/i;

/** How often distributed tables are read in a statement, and how often one is told the workspace. */
const timesRead = (text: string, tables: string[]) =>
  tables.reduce(
    (count, table) =>
      count + [...text.matchAll(new RegExp(`(?:from|join|update|using)\\s+"?${table}"?(?![\\w.])`, "gi"))].length,
    0,
  );
const timesTold = (text: string) =>
  [...text.matchAll(/"?workspace_id"?\s*=\s*\$|"?workspaces"?\."?id"?\s*=\s*\$|from workspaces where id = \$/gi)]
    .length;

/** What an UPDATE calls to make its values. */
const functionsInSet = (text: string) => {
  const set = /\bupdate\s+"?\w+"?\s+set\b([^;]*?)(\bfrom\b|\bwhere\b|$)/i.exec(text)?.[1] ?? "";
  return [...set.matchAll(/\b([a-z_]\w*)\(/gi)].flatMap(([, name]) => name?.toLowerCase() ?? []);
};

/** Functions whose result may depend on more than what they are given, like settings or the time. */
async function listVaryingFunctions(pool: Pool): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ name: string }>(`select proname as name from pg_proc where provolatile <> 'i'`);
  return new Set(rows.map(({ name }) => name));
}

t.test("what Citus asks of the schema and of every statement", async (t) => {
  const service = await startService(t);
  const tables = await listTables(service.pool);
  const placed = planDistribution(tables).flatMap((text) => /^select create_\w+\('(\w+)'/.exec(text)?.[1] ?? []);
  const ordinary = ["event_queue", "delivery_queue"];

  t.test("no sequence, no trigger, and the workspace in every unique and foreign key", async (t) => {
    const { rows } = await service.pool.query(`
      select 'sequence ' || relname as what from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace
      union all select 'trigger ' || tgname from pg_trigger where not tgisinternal and tgrelid in
        (select oid from pg_class where relnamespace = 'public'::regnamespace)
      union all select 'unique ' || indexrelid::regclass from pg_index join pg_class on pg_class.oid = indrelid
        join pg_attribute on attrelid = indrelid and attname = case relname when 'workspaces' then 'id' else 'workspace_id' end
        where indisunique and relnamespace = 'public'::regnamespace and not attnum = any (indkey)
      union all select 'foreign key ' || conname from pg_constraint
        join pg_class as other on other.oid = confrelid
        join pg_attribute as here on here.attrelid = conrelid and here.attname = 'workspace_id'
        join pg_attribute as there on there.attrelid = confrelid
          and there.attname = case other.relname when 'workspaces' then 'id' else 'workspace_id' end
        where contype = 'f' and connamespace = 'public'::regnamespace
          and not exists (select 1 from generate_subscripts(conkey, 1) as n where conkey[n] = here.attnum and confkey[n] = there.attnum)`);
    t.same(rows, []);
  });

  t.test("one workspace in each statement, and no rows locked over several", async (t) => {
    const client = await service.newClient();
    const sent = collectStatements();
    const person = { email: "ana@example.com", account: { externalId: "acme", annualValue: 5 } };
    await client.put("/v1/themes/ours", { label: "Ours", phrases: ["ours"] });
    await client.put("/v1/root-causes/price", { label: "Price" });
    const { body: answer } = await client.post(
      "/v1/responses",
      { score: 2, comment: "Ours", person },
      { "idempotency-key": "k" },
    );
    const taking = { url: "https://example.com/", eventTypes: ["response.recorded"] };
    const { body: endpoint } = await client.post("/v1/webhook-endpoints", taking);
    for (let round = 0; round < 2; round += 1) {
      await client.post("/v1/responses/batch", { responses: [{ score: 9, person: { externalId: `u-${round}` } }] });
      await maintainRollups(service.tenancy);
    }
    await client.patch(`/v1/responses/${answer.id}`, { score: 1 });
    await client.post(`/v1/cases/${answer.case.id}/notes`, { text: "Asked" });
    await client.post("/v1/imports", '{"score": 9}\n{}', NDJSON);
    await workImports(service);
    await sweep(service.tenancy);
    await lookForShifts(service.tenancy);
    await relayEvents(service.tenancy);
    const claim = { limit: 1, limitOfEndpoint: 1, limits: new Map(), leaseMs: 60_000 };
    const claimed = await service.tenancy.acrossWorkspaces("deliver webhooks", (tx) => claimDeliveries(tx, claim));
    t.equal(claimed.length, 1);
    const caller = { workspaceId: client.workspaceId, actor: { kind: "job" as const, id: "test" }, requestId: null };
    const made = { n: 1, durationMs: 1, status: 204, error: null, answer: null, nextAttemptAt: null };
    await service.tenancy.inWorkspace(caller, (tx) =>
      insertAttempts(
        tx,
        claimed.map((one) => ({ ...made, ...one, attemptedAt: tx.now, outcome: "DELIVERED" as const })),
      ),
    );
    for (const status of ["PAUSED", "ACTIVE", "DISABLED"]) {
      t.equal((await client.patch(`/v1/webhook-endpoints/${endpoint.id}`, { status })).status, 200);
    }
    t.equal((await client.delete(`/v1/people/${answer.person.id}`)).status, 202);
    for (const job of await findRunningErasures(service.tenancy)) await eraseCopies(service.tenancy, job);
    t.equal((await client.delete(`/v1/webhook-endpoints/${endpoint.id}`)).status, 204);
    await forgetEvents(service.tenancy);
    for (const path of [
      "responses",
      "people",
      "accounts",
      "cases",
      "imports",
      "themes",
      "surveys",
      "sources",
      "events",
    ]) {
      await client.get(`/v1/${path}`);
    }
    await client.query(`{ nps { answered } responses { edges { node { case { id } person { name } account { name } } } }
      cases { edges { node { activities { type } clocks { state } responses { score } person { name } } } } }`);

    t.ok(sent.size > 60, `saw ${sent.size} statements`);
    const kinds = ["unbound", "untold", "mixed", "locking", "insertsWithin", "copied", "varying"];
    const faults: Record<string, string[]> = Object.fromEntries(kinds.map((kind) => [kind, []]));
    const varying = await listVaryingFunctions(service.pool);
    const find = (fault: string, text: string) => faults[fault]?.push(nameOf(text));
    for (const { text, isSystem } of sent.values()) {
      const touched = placed.filter((table) => mentions(text, table));
      if (touched.length === 0) continue;
      const isBound = OF_ONE_WORKSPACE.test(text);
      if (!isBound && !isSystem) find("unbound", text);
      if (!isBound && /\bfor (no key )?(update|share)\b/i.test(text)) find("locking", text);
      if (ordinary.some((table) => mentions(text, table))) find("mixed", text);
      if (/\binsert into\b/i.test(text) && /^(\/\*.*?\*\/\s*)?with\b/i.test(text)) find("insertsWithin", text);
      if (/\binsert into\b[^;]*\bselect\b[^;]*\bfrom (rows from \()?unnest\(/i.test(text)) find("copied", text);
      if (functionsInSet(text).some((name) => varying.has(name))) find("varying", text);
      if (!isSystem && timesRead(text, placed) > timesTold(text)) find("untold", text);
    }
    for (const [fault, names] of Object.entries(faults)) t.same([...new Set(names)].toSorted(), [], fault);
  });
});

import { setTimeout } from "node:timers/promises";
import { Client as Connection } from "pg";
import t from "tap";
import { lookForShifts, maintainRollups } from "../../src/aggregates/index.ts";
import { sweep } from "../../src/cases/index.ts";
import { newId } from "../../src/platform/ids.ts";
import { SYSTEM_REASONS } from "../../src/platform/tenancy.ts";
import { relayEvents } from "../../src/webhooks/index.ts";
import { isCluster } from "../support/cluster.ts";
import { NDJSON, workImports } from "../support/files.ts";
import { type Client, type Service, startService } from "../support/service.ts";

/** The tables that may be read across workspaces, and nothing else: this list only ever grows with a reason. */
const SYSTEM_TABLES = {
  workspaces: ["INSERT", "SELECT"],
  imports: ["SELECT"],
  erasures: ["SELECT"],
  api_keys: ["SELECT"],
  themes: ["SELECT"],
  sources: ["SELECT"],
  nps_rollups: ["SELECT"],
  nps_deltas: ["SELECT"],
  nps_shift_looks: ["SELECT"],
  case_clocks: ["SELECT"],
  case_commitments: ["SELECT"],
  event_queue: ["SELECT"],
  delivery_queue: ["SELECT", "UPDATE"],
};

interface Table {
  name: string;
  key: string;
}

/** Every table but the record of migrations, with the column that says whose row it is. */
async function tablesOf(client: Connection): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    select relname as name, case relname when 'workspaces' then 'id' else 'workspace_id' end as key
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'schema_migrations'
    order by relname`);
  return rows;
}

/** Works a case from one end to the other, so that there is a row of every table. */
async function fillEveryTable(service: Service, client: Client, answer: object): Promise<void> {
  await client.put("/v1/policies/first-contact", { dangerZone: { hours: 0.0001 } });
  await client.put("/v1/themes/ours", { label: "Ours", phrases: ["ours"] });
  const { body: response } = await client.post("/v1/responses", answer, { "idempotency-key": "k" });
  // Two rounds: the first makes the counts, which the answer after it then changes.
  await maintainRollups(service.tenancy);
  await client.post("/v1/responses", { score: 9 });
  await maintainRollups(service.tenancy);
  await client.post("/v1/responses", { score: 9 });
  await client.rows(`insert into nps_wide_dimensions values ('${client.workspaceId}', 'TOUCHPOINT')`);
  await lookForShifts(service.tenancy);
  await client.rows(
    `insert into nps_shifts values ('${client.workspaceId}', 'default', '', '2026-05-04', 1, 'UP', '2026-05-04')`,
  );
  await setTimeout(600);
  await sweep(service.tenancy);
  await client.post("/v1/responses", { score: 9, test: true });
  await client.put("/v1/root-causes/price", { label: "Price" });
  const { body: improvement } = await client.post("/v1/improvements", { title: "Cheaper", rootCauseKeys: ["price"] });
  await client.post(`/v1/improvements/${improvement.id}/told`, { personIds: [response.person.id] });
  const file = '{"score": 9}\n{}';
  await client.post("/v1/imports", file, NDJSON);
  await workImports(service);
  await client.post("/v1/imports?again=true", file, NDJSON);
  const { body: source } = await client.post("/v1/sources", { name: "Ours", vendor: "TALLY" });
  await client.rows(`insert into source_receipts (workspace_id, source_id, id, received_at, headers, body, outcome, is_waiting, processed_at)
    values ('${client.workspaceId}', '${source.id}', '${newId()}', now(), '{}', 'x', 'IGNORED', false, now())`);
  await client.post("/v1/webhook-endpoints", { url: "https://example.com/", eventTypes: ["response.recorded"] });
  await client.post("/v1/responses", { score: 9 });
  await relayEvents(service.tenancy);
  await client.post("/v1/responses", { score: 9 });
  await client.rows(`insert into webhook_attempts select workspace_id, id, 1, now(), 1, 200, null, null
    from webhook_deliveries where workspace_id = '${client.workspaceId}'`);
  const { body: erased } = await client.post("/v1/responses", { score: 9, person: { email: "eve@example.com" } });
  await client.delete(`/v1/people/${erased.person.id}`);
  const path = `/v1/cases/${response.case.id}`;
  await client.post(`${path}/commitments`, { text: "We call again", dueOn: "2026-05-04" });
  const { status } = await client.put(`${path}/references/zendesk`, { externalId: "1" });
  if (status !== 200) throw new Error(`the case cannot be worked: ${status}`);
}

t.test("the workspace boundary", async (t) => {
  const service = await startService(t);
  const [ours, theirs] = [await service.newClient(), await service.newClient()];
  const answer = { score: 2, comment: "Ours", person: { email: "ana@example.com", account: { externalId: "acme" } } };
  await fillEveryTable(service, ours, answer);
  await theirs.post("/v1/responses", answer);
  const client = new Connection({ connectionString: service.url });
  await client.connect();
  t.teardown(() => client.end());
  // As the owner of the tables, who is bound by row-level security like everybody.
  await client.query("select set_config('app.workspace_id', $1, false)", [ours.workspaceId]);
  const tables = await tablesOf(client);
  t.ok(tables.length >= 10, `saw ${tables.length} tables`);

  t.test("every table forces row-level security and begins its keys with the workspace", async (t) => {
    for (const { name, key } of tables) {
      const { rows } = await client.query(
        `select relrowsecurity, relforcerowsecurity,
           (select array_agg(conname::text) from pg_constraint where conrelid = oid_ and contype in ('p', 'u')
              and (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) <> $2) as badkeys,
           (select array_agg(conname::text) from pg_constraint where conrelid = oid_ and contype = 'f'
              and confrelid <> 'workspaces'::regclass
              and (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) <> $2) as badreferences,
           (select array_agg(tgname::text) from pg_trigger where tgrelid = oid_ and not tgisinternal) as triggers,
           (select count(*)::int from pg_policies where tablename = $1 and 'public' = any(roles)) as policies
         from (select *, oid as oid_ from pg_class where relname = $1 and relnamespace = 'public'::regnamespace) as class`,
        [name, key],
      );
      const expected = { badkeys: null, badreferences: null, triggers: null, policies: 1 };
      t.same(rows[0], { relrowsecurity: true, relforcerowsecurity: true, ...expected }, name);
    }
  });

  t.test("the roles can do what they must and no more", async (t) => {
    // As these one server of a cluster goes to another.
    const logsIn = `${isCluster} and rolname <> 'afterscore_search'`;
    const { rows } = await client.query<{ role: string; bad: boolean }>(
      `select rolname as role, rolsuper or rolbypassrls or rolcanlogin and not (${logsIn}) or rolcreaterole as bad from pg_roles
       where rolname in ('afterscore_app', 'afterscore_search', 'afterscore_system') order by rolname`,
    );
    t.same(rows, [
      { role: "afterscore_app", bad: false },
      { role: "afterscore_search", bad: false },
      { role: "afterscore_system", bad: false },
    ]);
    const { rows: search } = await client.query(
      `select table_name as table, privilege_type as right from information_schema.role_table_grants where grantee = 'afterscore_search'`,
    );
    t.same(search, [{ table: "responses", right: "SELECT" }], "who searches reads comments and nothing else");
    const { rows: members } = await client.query(
      `select pg_has_role(rolname, 'afterscore_search', 'usage') as is from pg_roles
       where rolname in (current_user, 'afterscore_app', 'afterscore_system') order by rolname`,
    );
    t.same(members, [{ is: false }, { is: false }, { is: false }], "and nobody becomes that role");
    const grants = await client.query<{ table: string; rights: string[] }>(
      `select table_name as table, array_agg(privilege_type::text order by privilege_type) as rights
       from information_schema.role_table_grants where grantee = 'afterscore_system' group by table_name`,
    );
    t.same(Object.fromEntries(grants.rows.map(({ table, rights }) => [table, rights])), SYSTEM_TABLES);
    const { rows: dangerous } = await client.query(
      `select table_name, privilege_type from information_schema.role_table_grants
       where grantee = 'afterscore_app' and (privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER')
         or (table_name in ('audit_log', 'case_activities', 'case_clock_steps') and privilege_type in ('UPDATE', 'DELETE')))`,
    );
    t.same(dangerous, []);
    t.same(SYSTEM_REASONS, [
      "find the workspace of an API key",
      "find the workspace of a user",
      "manage workspaces",
      "check readiness",
      "find what is due",
      "find the workspace of a source",
      "deliver webhooks",
    ]);
  });

  /** What becomes of a statement as the application's role: how many rows, or why not; nothing of it stays. */
  const attempt = async (workspaceId: string | undefined, statement: string): Promise<unknown> => {
    // Where none was ever set the setting does not exist, which is not the same as empty.
    const connection = workspaceId === undefined ? fresh : client;
    const setting = workspaceId === undefined ? "" : `; set local app.workspace_id = '${workspaceId}'`;
    await connection.query("begin");
    await connection.query(`set local role afterscore_app${setting}`);
    const outcome = await connection.query(statement).then(
      ({ rowCount }) => rowCount,
      (error: { code: string }) => error.code,
    );
    await connection.query("rollback");
    return outcome;
  };
  const fresh = new Connection({ connectionString: service.url });
  await fresh.connect();
  t.teardown(() => fresh.end());
  /** The releases before asked by the function, which no cluster takes. */
  const searches = [...(isCluster ? [] : ["select search_comments('ours')"]), "select * from commented_responses"];
  /** Citus refuses to put a row elsewhere before PostgreSQL sees whose it is. */
  const refused = new Set<unknown>(["42501", ...(isCluster ? ["0A000"] : [])]);
  const denied = new Set<unknown>([0, ...refused]);

  for (const [title, workspaceId] of [
    ["with no workspace ever set", undefined],
    ["with an empty one", ""],
    ["in an unknown workspace", newId()],
    ["in another workspace", theirs.workspaceId],
  ] as const) {
    t.test(`${title}, the application's role sees and changes nothing of ours in any table`, async (t) => {
      const isSomebody = workspaceId === theirs.workspaceId;
      for (const { name, key } of tables) {
        const ofOurs = isSomebody ? `where ${key} = '${ours.workspaceId}'` : "";
        t.equal(await attempt(workspaceId, `select * from ${name} ${ofOurs}`), 0, `select from ${name}`);
        t.ok(denied.has(await attempt(workspaceId, `update ${name} set ${key} = ${key} ${ofOurs}`)), `update ${name}`);
        t.ok(denied.has(await attempt(workspaceId, `delete from ${name} ${ofOurs}`)), `delete from ${name}`);
        t.equal(await attempt(workspaceId, `truncate ${name} cascade`), "42501", `truncate ${name}`);
        const rows = await ours.rows(`select * from ${name} where ${key} = '${ours.workspaceId}' limit 1`);
        t.equal(rows.length, 1, `${name} has a row to try with`);
        const columns = Object.keys(rows[0] ?? {}).join(", ");
        const row = `jsonb_populate_record(null::${name}, $json$${JSON.stringify(rows[0])}$json$)`;
        const copy = `insert into ${name} (${columns}) select ${columns} from ${row}`;
        for (const more of ["", " on conflict do nothing"]) {
          t.ok(
            refused.has(await attempt(workspaceId, copy + more)),
            `insert into ${name} for another workspace${more}`,
          );
        }
      }
      for (const search of searches) {
        t.equal(await attempt(workspaceId, search), isSomebody ? 1 : 0, `nor does the search: ${search}`);
      }
      t.equal(await attempt(workspaceId, "delete from commented_responses"), "42501");
      t.equal(await attempt(workspaceId, "select * from responses where comment ilike '%ours%'"), isSomebody ? 1 : 0);
    });
  }

  t.test("in one workspace, no row of a table can be given to another", async (t) => {
    for (const { name, key } of tables) {
      const move = `update ${name} set ${key} = '${theirs.workspaceId}'`;
      t.ok(refused.has(await attempt(ours.workspaceId, move)), name);
    }
  });

  t.test("the application's role reaches no other schema, function or relation than these", async (t) => {
    const names = async (statement: string) =>
      (await client.query<{ name: string }>(statement)).rows.map(({ name }) => name);
    const may = "has_schema_privilege('afterscore_app', oid, 'usage')";
    t.same(
      await names(
        `select nspname::text as name from pg_namespace where ${may} and nspname !~ '^(pg|citus)_' order by 1`,
      ),
      ["information_schema", "public"],
    );
    t.same(
      await names(
        "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind not in ('r', 'p', 'i', 'I') and relname !~ '^citus_'",
      ),
      ["commented_responses"],
      "one view, which goes by the rights of its owner, and no sequence",
    );
    t.same(
      await names(
        "select proname::text as name from pg_proc where prosecdef and pronamespace = 'public'::regnamespace",
      ),
      ["search_comments"],
      "one function with rights of its own",
    );
    t.equal(await attempt(ours.workspaceId, "select * from schema_migrations"), "42501");
    t.equal(await attempt("nobody", "select * from responses"), "22P02", "what is no id is an error");
    for (const search of searches) t.same(await attempt(ours.workspaceId, search), 1, "it finds what is ours");
  });

  t.test("in one workspace, the application's role cannot touch another's rows", async (t) => {
    await client.query("begin");
    await client.query(`set local role afterscore_app; set local app.workspace_id = '${ours.workspaceId}'`);
    for (const { name, key } of tables) {
      const { rows } = await client.query(
        `select count(*)::int as all, count(*) filter (where ${key} <> $1)::int as foreign from ${name}`,
        [ours.workspaceId],
      );
      t.match(rows[0], { foreign: 0 }, name);
      t.ok(rows[0].all > 0, `${name} has rows of ours`);
    }
    await client.query("rollback");
  });

  t.test("answers of another workspace's ids are those of an unknown id", async (t) => {
    const { body: response } = await theirs.post("/v1/responses", { score: 1, person: { email: "ben@example.com" } });
    const foreign = await ours.get(`/v1/responses/${response.id}`);
    const unknown = await ours.get(`/v1/responses/${newId()}`);
    const blank = ({ status, headers, body }: typeof foreign) => ({
      status,
      headers: { ...headers, date: "" },
      body: { ...body, instance: "", requestId: "" },
    });
    t.equal(foreign.status, 404);
    t.same(blank(foreign), blank(unknown));
    const query = "query ($id: ID!, $case: ID!) { response(id: $id) { id } case(id: $case) { id } }";
    t.same(await ours.query(query, { id: response.id, case: response.case.id }), { response: null, case: null });
  });
});

import { Client as Connection } from "pg";
import t from "tap";
import { lookForShifts, maintainRollups } from "../../src/aggregates/index.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { populate } from "../support/population.ts";
import { startService } from "../support/service.ts";

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Cond"?: string;
  "Index Name"?: string;
  Plans?: Plan[];
}

/** The tables that grow with the answers, and what an index condition on them must name besides the workspace. */
const NEXT: Record<string, RegExp> = {
  responses: /responded_at|response_id|\bid =|person_id/,
  nps_daily: /generation.*dimension/,
  cases: /status|\bid =|case_id/,
};

/** Every statement of these names that any connection of this process sends, with its values. */
function record(name: RegExp): { text: string; values: unknown[] }[] {
  const query = Reflect.get(Connection.prototype, "query") as (this: Connection, ...args: unknown[]) => unknown;
  const seen: { text: string; values: unknown[] }[] = [];
  Object.assign(Connection.prototype, {
    query(this: Connection, ...args: unknown[]) {
      const { text, values = [] } = (typeof args[0] === "object" ? args[0] : {}) as {
        text?: string;
        values?: unknown[];
      };
      if (text !== undefined && name.test(text)) seen.push({ text, values });
      return query.apply(this, args);
    },
  });
  return seen;
}

function scansOf(plan: Plan, inherited = ""): { table: string; condition: string }[] {
  // Of a bitmap scan the condition stands with the scan of the index.
  const below = (plan.Plans ?? []).flatMap((child) => scansOf(child, plan["Relation Name"] ?? ""));
  const table = plan["Relation Name"] ?? (plan["Node Type"] === "Bitmap Index Scan" ? inherited : "");
  if (table === "" || plan["Node Type"] === "Bitmap Heap Scan") return below;
  return [{ table, condition: plan["Index Cond"] ?? "" }, ...below];
}

t.test(
  "every aggregate reads its workspace's part of an index, and of that the part it asks for",
  { skip: skipOnCluster("its plans are of one server") },
  async (t) => {
    const service = await startService(t);
    const [client, other] = [await service.newClient(), await service.newClient()];
    for (const one of [client, other]) await populate(one, 900, 3);
    await maintainRollups(service.tenancy);
    await service.pool.query("analyze");
    const statements = record(/\/\* aggregates\./);
    const window = 'from: "2026-02-01T12:00:00Z", to: "2026-03-01T12:00:00Z"';
    const later = 'from: "2026-03-01T12:00:00Z", to: "2026-03-09T12:00:00Z"';
    const cases = 'filter: { statuses: [CLOSED], openedFrom: "2020-01-01T00:00:00Z" }';
    await client.query(`{
    a: nps(filter: { ${window} }) { nps }
    b: nps(filter: { ${window} }, unit: RESPONDENT) { nps }
    c: nps(filter: { ${window} }, unit: ACCOUNT, weighting: ACCOUNT_VALUE) { nps }
    d: nps(filter: { ${window}, properties: [{ key: "plan", in: ["plan-0"] }] }) { nps }
    e: npsTrend(interval: WEEK, filter: { ${window} }) { start }
    f: npsTrend(interval: WEEK, rollingDays: 9, unit: RESPONDENT, filter: { ${window} }) { start }
    g: npsBreakdown(by: CHANNEL, filter: { ${window} }) { key }
    h: npsBreakdown(by: ROOT_CAUSE, filter: { ${window} }) { key }
    i: npsBreakdown(by: THEME, filter: { ${window} }) { key }
    j: npsTransitions(filter: { ${window} }) { people }
    k: npsMovers(from: DETRACTOR, to: PROMOTER, filter: { ${window} }) { totalCount edges { cursor } }
  }`);
    await client.query(`{
    l: closedLoopEffect(filter: { ${window} }) { difference }
    m: npsChange(baseline: { ${window} }, current: { ${later} }) { z }
    n: npsChange(baseline: { ${window} }, current: { ${later} }, paired: true) { z }
    o: firstContactKpi(${cases}) { met }
    p: firstContactTrend(interval: MONTH, ${cases}) { start }
    q: caseBreakdown(by: SEGMENT, ${cases}) { key }
  }`);
    await lookForShifts(service.tenancy);
    const names = new Set(statements.map(({ text }) => /\/\* aggregates\.(\w+)/.exec(text)?.[1]));
    t.ok(names.size >= 12, [...names].join(", "));
    const connection = new Connection({ connectionString: service.url });
    await connection.connect();
    t.teardown(() => connection.end());
    for (const { text, values } of statements.filter((one) => !one.text.includes("set local"))) {
      await connection.query(
        `begin; set local role afterscore_app; set local app.workspace_id = '${client.workspaceId}'`,
      );
      // A table of some hundred rows is read faster as a whole; what counts is what an index can do for millions.
      await connection.query(
        "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off",
      );
      const { rows } = await connection.query(`explain (format json) ${text}`, values);
      await connection.query("rollback");
      const name = /\/\* aggregates\.(\w+)/.exec(text)?.[1];
      for (const { table, condition } of scansOf(rows[0]["QUERY PLAN"][0].Plan)) {
        const next = NEXT[table];
        if (next === undefined) continue;
        t.match(condition, /workspace_id = /, `${name} on ${table}: ${condition}`);
        t.match(condition, next, `${name} on ${table}: ${condition}`);
      }
    }
  },
);

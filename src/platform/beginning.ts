import type { PoolClient } from "pg";
import { ask } from "./asking.ts";
import type { WORKING_ROLES } from "./database.ts";
import { together } from "./together.ts";

/**
 * How a transaction gets along with others. PATIENT: it waits a second for a row or key that another one holds, and
 * again, as somebody does who stands alone. HASTY: 200 ms, then it throws what was in its way: it holds up others.
 * AHEAD: as HASTY, and its first statements travel with those that begin it: before one of them is answered it has no `now`.
 * SNAPSHOT: as PATIENT, and all its statements see one state; what another has changed since, it cannot change, and runs again.
 */
export type Manner = "PATIENT" | "HASTY" | "AHEAD" | "SNAPSHOT";

/** Whether it gives up soon on what is in its way. */
export function isHasty(manner: Manner | "READ" | undefined): boolean {
  return manner === "HASTY" || manner === "AHEAD";
}

/** What a transaction begins with; the two travel at once. */
export interface Beginning {
  begin: string;
  enter: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Settings, each by an expression. */
type Settings = Record<string, string>;

/** Set in each transaction and not on the connection, so that a pooler between us and PostgreSQL may share it. */
const LIMITS: Settings = {
  lock_timeout: "'1s'",
  statement_timeout: "'5s'",
  idle_in_transaction_session_timeout: "'10s'",
};
const HASTY: Settings = { lock_timeout: "'200ms'" };

/** What a plan may do that reads a whole table. */
const READING_WHOLE = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"];
const readingWhole = (is: "on" | "off"): Settings => Object.fromEntries(READING_WHOLE.map((name) => [name, `'${is}'`]));
/**
 * A plan is made once a connection, for any values, and kept: it goes by indexes, row by row, because what was made
 * while a table was small must not read the whole of it when it has grown. Citus plans for the values that it is given:
 * they say which server it is about.
 */
const PLANS: Settings = {
  plan_cache_mode:
    "case when current_setting('citus.shard_count', true) is null then 'force_generic_plan' else 'auto' end",
  ...readingWhole("off"),
};
/** What takes that back, for statements that do read a whole table. */
export const OWN_PLAN = `select ${configure({ plan_cache_mode: "'auto'", ...readingWhole("on") })}`;

/**
 * Of a connection's first transactions, the 1st, 2nd, 4th, 8th and so on plan anew: of a table that is known to be
 * empty each index looks as good as the right one. By then those that grow fast have grown; later ANALYZE ends their plans.
 */
const PLANNED_ANEW_UNTIL = 64;
const transactionsOf = new WeakMap<PoolClient, number>();

const SNAPSHOT = "begin isolation level repeatable read";

/**
 * Lets a transaction see one workspace. The one setting that is a SET: Citus repeats it, with all that was sent in one
 * text, wherever the transaction goes. @throws for what is no UUID
 */
export function setWorkspace(workspaceId: string): string {
  // The id stands in the statement itself: SET takes no parameters.
  if (!UUID.test(workspaceId)) throw new Error("workspace id is not a UUID");
  return `set local app.workspace_id = '${workspaceId}'`;
}

/** Of a transaction in one workspace. */
export function beginIn(workspaceId: string, manner: Manner | "READ"): Beginning {
  const isRead = manner === "READ";
  const settings = { ...(!isRead && PLANS), ...(isHasty(manner) && HASTY) };
  return {
    begin: isRead ? `${SNAPSHOT} read only` : manner === "SNAPSHOT" ? SNAPSHOT : "begin",
    enter: `${setWorkspace(workspaceId)}; ${enterAs("afterscore_app", settings)}`,
  };
}

/** Of one that looks across workspaces. */
export const BEGIN_ACROSS: Beginning = { begin: "begin", enter: enterAs("afterscore_system") };

function enterAs(role: (typeof WORKING_ROLES)[number], settings: Settings = {}): string {
  return `select ${configure({ role: `'${role}'`, ...LIMITS, ...settings })}, transaction_timestamp() as now`;
}

/** Settings that hold until the transaction ends, in one statement. */
function configure(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `set_config('${name}', ${value}, true)`)
    .join(", ");
}

/**
 * Begins a transaction, in one round trip.
 * @param tell is told `transaction_timestamp()`, before anything that was asked later has its answer
 */
export async function begin(client: PoolClient, beginning: Beginning, tell: (now: Date) => void): Promise<void> {
  const enter = async () => {
    const entered = await client.query<{ now: Date }>(planAnew(client) + beginning.enter);
    // Of several statements in one text there are several results.
    const now = [entered].flat().at(-1)?.rows[0]?.now;
    if (now === undefined) throw new Error("the database told no time");
    tell(now);
  };
  // In the simple way it would leave at once and alone; so the socket holds it until what follows can go with it.
  await together([ask(client, { text: beginning.begin, values: [], queryMode: "extended" }), enter()]);
}

function planAnew(client: PoolClient): string {
  const count = (transactionsOf.get(client) ?? 0) + 1;
  transactionsOf.set(client, count);
  const isPowerOfTwo = (count & (count - 1)) === 0;
  return isPowerOfTwo && count <= PLANNED_ANEW_UNTIL ? "discard plans; " : "";
}

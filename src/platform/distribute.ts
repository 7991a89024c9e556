import type { Pool } from "pg";
import { limitSilence } from "./connection.ts";
import { WORKING_ROLES } from "./database.ts";
import { AppError } from "./errors.ts";

/** What is claimed with SKIP LOCKED over all workspaces is small and stays on the coordinator, as does what belongs to none. */
const ORDINARY = new Set(["event_queue", "delivery_queue", "schema_migrations"]);
/** By its own id; all others are placed beside it by `workspace_id`. */
const ROOT = "workspaces";

export interface Table {
  name: string;
  hasWorkspaceId: boolean;
  /** The tables that its foreign keys lead to, without itself. */
  references: string[];
}

/**
 * The statements that distribute these tables by workspace, each after what it refers to.
 * @param done what is distributed already
 * @throws for a table that has no place, and for foreign keys that go round in a circle
 */
export function planDistribution(tables: readonly Table[], done: ReadonlySet<string> = new Set()): string[] {
  const statements: string[] = [];
  for (const next of parentsFirst(tables.filter(({ name }) => !ORDINARY.has(name)))) {
    const lost = next.references.find((name) => ORDINARY.has(name));
    if (lost !== undefined) throw new Error(`${next.name} is distributed and refers to ${lost}, which is not`);
    if (!done.has(next.name)) statements.push(...place(next));
  }
  return statements;
}

/**
 * The tables in an order in which none comes before one that it refers to.
 * @throws for foreign keys that go round in a circle
 */
export function parentsFirst(tables: readonly Table[]): Table[] {
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const ordered: Table[] = [];
  while (waiting.size > 0) {
    const next = [...waiting.values()].find(({ references }) => !references.some((name) => waiting.has(name)));
    if (next === undefined) throw new Error(`foreign keys go round in a circle: ${[...waiting.keys()].join(", ")}`);
    waiting.delete(next.name);
    ordered.push(next);
  }
  return ordered;
}

function place({ name, hasWorkspaceId, references }: Table): string[] {
  if (name === ROOT) return unforced(name, `select create_distributed_table('${name}', 'id', colocate_with => 'none')`);
  if (hasWorkspaceId)
    return unforced(name, `select create_distributed_table('${name}', 'workspace_id', colocate_with => '${ROOT}')`);
  if (references.length > 0) throw new Error(`${name} refers to tables of workspaces and has no workspace_id`);
  return [`select create_reference_table('${name}')`];
}

/** The owner copies the rows, and must see them. */
function unforced(name: string, statement: string): string[] {
  return [`alter table ${name} no force row level security`, statement, `alter table ${name} force row level security`];
}

/** While the rows of a large table are copied, nothing is said. */
const SILENCE_MS = 24 * 3_600_000;

const SETTINGS = [
  // Foreign keys lead from each table to others that were placed a moment ago.
  "set local citus.multi_shard_modify_mode = 'sequential'",
  // The workspace and the limits of a transaction hold wherever it goes,
  `do $$ begin execute format('alter database %I set citus.propagate_set_commands = local', current_database()); end $$`,
  // and one server goes to another as the role that the transaction runs as.
  ...WORKING_ROLES.map(
    (role) => `do $$ begin
      if not (select rolcanlogin from pg_roles where rolname = '${role}') then alter role ${role} login; end if;
    end $$`,
  ),
];

/** Every table of ours with what it refers to, in the order of their making. */
export async function listTables(pool: Pick<Pool, "query">): Promise<Table[]> {
  const { rows } = await pool.query<Table>(`/* platform.listTables */
    select relname::text as name,
      exists (select 1 from pg_attribute where attrelid = pg_class.oid and attname = 'workspace_id' and not attisdropped)
        as "hasWorkspaceId",
      array(select distinct other.relname::text from pg_constraint join pg_class as other on other.oid = confrelid
        where conrelid = pg_class.oid and contype = 'f' and confrelid <> conrelid) as references
    from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
    order by pg_class.oid`);
  return rows;
}

/**
 * Turns a migrated database into one that Citus distributes by workspace; of one that is, what is new since.
 * @returns how many tables were placed
 * @throws {AppError} `conflict` where the extension is missing
 */
export async function distribute(pool: Pool): Promise<number> {
  const { rows: extensions } = await pool.query("select 1 from pg_extension where extname = 'citus'");
  if (extensions.length === 0) {
    throw new AppError(
      "conflict",
      "this database has no Citus extension: a superuser makes it with `create extension citus`, on servers that load it",
    );
  }
  const { rows: placed } = await pool.query<{ name: string }>(
    "/* platform.listDistributed */ select logicalrelid::regclass::text as name from pg_dist_partition",
  );
  const statements = planDistribution(await listTables(pool), new Set(placed.map(({ name }) => name)));
  // What statements that are sent on may call.
  const { rows: functions } = await pool.query<{ name: string }>(`/* platform.listFunctions */
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'public'::regnamespace and not prosecdef
      and not exists (select 1 from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')`);
  const called = functions.map(({ name }) => `select create_distributed_function('${name}')`);
  await inTransaction(pool, [...SETTINGS, ...called, ...statements]);
  return statements.filter((statement) => statement.startsWith("select")).length;
}

/** One by one, because Citus hands the text that it was sent on to the other servers. */
async function inTransaction(pool: Pool, statements: readonly string[]): Promise<void> {
  const client = await pool.connect();
  limitSilence(client, SILENCE_MS);
  try {
    await client.query("begin");
    for (const statement of statements) await client.query(statement);
    await client.query("commit");
    client.release();
  } catch (error) {
    // Whose connection is ended, its transaction is undone.
    client.release(true);
    throw error;
  }
}

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { APPLICATION_NAME, CONNECT_TIMEOUT_MS, isDeadlock, isLockTimeout, WORKING_ROLES } from "./database.ts";
import { migrateJobs } from "./jobStore.ts";

const FOLDER = new URL("../../migrations/", import.meta.url);
/** Any constant of ours: all instances that migrate one database queue behind it. */
const LOCK = 7_236_109_431;
const TURN_POLL_MS = 200;
const WAITING_TOLD_MS = 10_000;
/** PostgreSQL ends the session, and its lock, of a machine that is gone after about two minutes, not two hours. */
const KEEPALIVES = ["tcp_keepalives_idle = 60", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 6"];
const NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** So long at the most all others wait behind a migration that waits itself. */
const LOCK_TIMEOUT_MS = 2_000;
/** With the pauses between them about a quarter of an hour. */
const ATTEMPTS_MAX = 100;
const RETRY_MS = 500;
const RETRY_MS_MAX = 10_000;

const SEARCH_ROLE = "afterscore_search";
const INSUFFICIENT_PRIVILEGE = "42501";

export interface Migration {
  version: number;
  name: string;
  sql: string;
  checksum: string;
}

/** The numbered SQL files, in order. */
export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => NAME.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, FOLDER), "utf8");
      const checksum = createHash("sha256").update(sql).digest("hex");
      return { version: Number(name.slice(0, 4)), name, sql, checksum };
    }),
  );
}

/** Of an SQL file; comments, `$$` and quotes may hold a semicolon. */
const STATEMENT = /(?:--.*|\$\$[\s\S]*?\$\$|'(?:[^']|'')*'|[^;])+/g;

/** Names what is built beside the work of others. */
const CONCURRENT_INDEX = /^create (?:unique )?index concurrently if not exists (\w+)/m;

/** The statements of an SQL file, each with the comments before it. */
export function statementsOf(sql: string): string[] {
  const pieces = sql.match(STATEMENT) ?? [];
  return pieces.map((text) => text.trim()).filter((text) => text.replaceAll(/--.*/g, "").trim() !== "");
}

/**
 * Brings the database to this version and returns the names of what was applied. Safe to run from
 * many instances at once: they take turns. Needs a connection of its own to PostgreSQL itself, since
 * its lock belongs to the session, which a pooler would share.
 * @param mayBeNewer whether a database that a newer release has migrated is taken as it is: to go back to this one
 * @param onWaiting is told every 10 s while another process migrates
 * @throws when an applied file was changed afterwards, or the database is newer than this program
 */
export async function migrate(
  connectionString: string,
  mayBeNewer = false,
  onWaiting: () => void = () => undefined,
): Promise<string[]> {
  const client = new Client({
    connectionString,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // Where it is lost, the next statement says so.
  client.on("error", () => undefined);
  await client.connect();
  try {
    for (const limit of KEEPALIVES) await client.query(`set ${limit}`);
    await waitForTurn(client, onWaiting);
    await createRoles(client);
    await client.query(`create table if not exists schema_migrations (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now()
    )`);
    const { rows } = await client.query<Omit<Migration, "sql">>(
      "select version, name, checksum from schema_migrations",
    );
    const migrations = await readMigrations();
    const pending = findPending(migrations, rows, mayBeNewer);
    await client.query(`set lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
    for (const migration of pending) await applyPatiently(client, migration);
    await client.query("reset lock_timeout");
    await migrateJobs(client);
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** By asking again and again: whoever waited within a statement would hold up an index that is built concurrently. */
async function waitForTurn(client: Client, onWaiting: () => void): Promise<void> {
  let toldAt = performance.now();
  for (;;) {
    const { rows } = await client.query<{ isOurs: boolean }>('select pg_try_advisory_lock($1) as "isOurs"', [LOCK]);
    if (rows[0]?.isOurs === true) return;
    if (performance.now() - toldAt >= WAITING_TOLD_MS) {
      toldAt = performance.now();
      onWaiting();
    }
    await sleep(TURN_POLL_MS * (0.5 + Math.random()));
  }
}

function findPending(migrations: Migration[], applied: Omit<Migration, "sql">[], mayBeNewer: boolean): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const { version, name, checksum } of applied) {
    const migration = known.get(version);
    if (migration === undefined && mayBeNewer) continue;
    if (migration === undefined) {
      throw new Error(`the database has ${name}, which this version of the program does not know: start a newer one`);
    }
    if (migration.checksum !== checksum) throw new Error(`${name} was changed after it had been applied`);
  }
  const done = new Set(applied.map(({ version }) => version));
  return migrations.filter(({ version }) => !done.has(version));
}

/**
 * A statement that waits for a table makes all others wait that come after it. So it gives up soon, lets them by, and
 * is tried again: a migration takes longer on a busy database, and nobody else notices.
 */
async function applyPatiently(client: Client, migration: Migration): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await apply(client, migration);
    } catch (error) {
      if (!isLockTimeout(error) && !isDeadlock(error)) throw error;
      if (attempt === ATTEMPTS_MAX) {
        throw new Error(
          `${migration.name} could not get its locks in ${ATTEMPTS_MAX} attempts: find the transactions that stay open`,
          { cause: error },
        );
      }
      await sleep(Math.min(RETRY_MS * attempt, RETRY_MS_MAX) * (0.5 + Math.random()));
    }
  }
}

async function apply(client: Client, { version, name, sql, checksum }: Migration): Promise<void> {
  const record = () =>
    client.query("insert into schema_migrations (version, name, checksum) values ($1, $2, $3)", [
      version,
      name,
      checksum,
    ]);
  // One by one: Citus hands the text that it was sent on to the other servers.
  const run = async () => {
    for (const statement of statementsOf(sql)) await client.query(statement);
  };
  if (sql.startsWith("-- no transaction")) {
    // What is built beside the others' work waits for them and holds nobody up; given up half way it would be left half done.
    await client.query("set lock_timeout = 0");
    await dropHalfBuilt(client, sql);
    await run();
    await client.query(`set lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
    await record();
    return;
  }
  await client.query("begin");
  try {
    await run();
    await record();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** What a process that was killed has left of an index, which would be taken for the index. */
async function dropHalfBuilt(client: Client, sql: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indexrelid = to_regclass($1) and not indisvalid`,
    [CONCURRENT_INDEX.exec(sql)?.[1] ?? ""],
  );
  // Of a cluster's servers only some may have begun with it.
  for (const { name } of rows) await client.query(`drop index concurrently if exists ${name}`);
}

/**
 * The two roles that all work is done as, and the one that owns the search and that nobody becomes. Roles belong to the server and not to one database, so
 * another database's migration may be creating the same at this moment, unseen by our lock. A login
 * role that is no superuser must be granted what it may `set role` to, also what it created itself.
 */
async function createRoles(client: Client): Promise<void> {
  for (const role of [...WORKING_ROLES, SEARCH_ROLE]) {
    await client.query(`do $$ begin
      if to_regrole('${role}') is null then
        create role ${role} nologin;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  }
  for (const role of WORKING_ROLES) {
    await client
      .query(`do $$ begin
      set local role ${role};
      reset role;
    exception when insufficient_privilege then grant ${role} to current_user;
    end $$`)
      .catch(explainRoles);
  }
}

/** From PostgreSQL 16 on it takes more than the right to create roles to take on one that another owner has created. */
function explainRoles(error: Error & { code?: string }): never {
  if (error.code !== INSUFFICIENT_PRIVILEGE) throw error;
  const roles = [...WORKING_ROLES, SEARCH_ROLE].join(", ");
  throw new Error(
    `the roles ${roles} were created by another owner on this server: a superuser, or that owner, runs \`grant ${roles} to <the role of DATABASE_URL> with admin option\``,
    { cause: error },
  );
}

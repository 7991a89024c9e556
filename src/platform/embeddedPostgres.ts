import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { APPLICATION_NAME } from "./database.ts";
import { exists, type Place, preparePlace } from "./embeddedPostgresPlace.ts";

const run = promisify(execFile);
const SUPERUSER = "postgres";
/** We log in as an ordinary owner who may create roles, as in production, and not as the superuser. */
const OWNER = "afterscore";
/** A database is made in seconds. */
const LEFT_BEHIND_MS = 600_000;
/** Among its data, so that the two come and go together. */
const PASSWORD_FILE = "afterscore-password";

export interface EmbeddedPostgres {
  /** Of the database `afterscore`, with the password. */
  url: string;
  /** Stops the server unless another process of ours still uses it. Close your own connections first. */
  stop(): Promise<void>;
}

/** Settings by name, as `postgres -c` takes them. */
export type Settings = Record<string, string>;

/**
 * A real PostgreSQL from npm packages, kept below `home` (as root: elsewhere, and `home/data-location`
 * says where). Found running, after a crash of ours or because another process started it, it is used.
 */
export async function startEmbeddedPostgres(home: string, settings: Settings = {}): Promise<EmbeddedPostgres> {
  const place = await preparePlace(home);
  await initialise(place);
  const password = await readPassword(place);
  const running = await runningPort(place);
  const port = running ?? (await start(place, settings));
  try {
    return await enter(place, port, password);
  } catch (error) {
    // Unless another process has found it meanwhile. What failed first is what is told.
    if (running === undefined) await stopUnused(place, urlOf(port, password, SUPERUSER)).catch(() => undefined);
    throw error;
  }
}

async function enter(place: Place, port: number, password: string): Promise<EmbeddedPostgres> {
  const adminUrl = urlOf(port, password, SUPERUSER);
  await createDatabase(adminUrl, password);
  const url = urlOf(port, password, OWNER);
  const presence = await showPresence(url);
  return {
    url,
    stop: async () => {
      await presence.end();
      await stopUnused(place, adminUrl);
    },
  };
}

/** Of the database that has the user's name. */
function urlOf(port: number, password: string, user: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${user}`;
}

async function stopUnused(place: Place, adminUrl: string): Promise<void> {
  if ((await runningPort(place)) === undefined) return;
  if (await isUsed(adminUrl)) return;
  await pgCtl(place, ["stop", "-m", "fast", "-w"]).catch(async (error: unknown) => {
    if ((await runningPort(place)) !== undefined) throw error;
  });
}

/** Runs a program of PostgreSQL's as the user who owns the data. @throws with what it says is wrong */
async function runAs({ user, data }: Place, program: string, args: string[]): Promise<void> {
  await run(program, args, { ...user, cwd: dirname(data) }).catch((error: Error & { stderr?: string }) => {
    const said = error.stderr?.trim().split("\n", 1)[0] ?? "";
    throw new Error(
      `the embedded PostgreSQL fails: ${said === "" ? error.message : said}; see ${data}.log, or set DATABASE_URL`,
      { cause: error },
    );
  });
}

async function pgCtl(place: Place, args: string[]): Promise<void> {
  await runAs(place, place.binaries.pg_ctl, ["-D", place.data, "-t", "60", ...args]);
}

/** Makes the database beside its place, and moves it there with its password when it is whole: what is there can be used. */
async function initialise(place: Place): Promise<void> {
  await clearAway(place);
  if (await isWhole(place)) return;
  // It may be all that is left of one.
  if (await isLeftBehind(place.data)) await rename(place.data, `${place.data}.broken-${Date.now()}`);
  const made = `${place.data}.${randomBytes(4).toString("hex")}`;
  const password = randomBytes(24).toString("hex");
  const pwfile = `${made}.password`;
  await writeFile(pwfile, password, { mode: 0o600 });
  if (place.user !== undefined) await chown(pwfile, place.user.uid, place.user.gid);
  const args = ["-D", made, "-U", SUPERUSER, "--pwfile", pwfile, "--auth=scram-sha-256", "--encoding=UTF8"];
  const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  try {
    await runAs(place, place.binaries.initdb, [...args, ...locale]);
    await rename(pwfile, join(made, PASSWORD_FILE));
    // Another process of ours may have been quicker, and what it has made is used.
    await rename(made, place.data).catch(async (error: unknown) => {
      if (!(await isWhole(place))) throw error;
    });
  } finally {
    for (const left of [pwfile, made]) await rm(left, { recursive: true, force: true });
  }
}

function isWhole({ data }: Place): Promise<boolean> {
  return exists(join(data, "global", "pg_control"));
}

/** What was being made when a process was killed, if that is long ago. */
async function clearAway({ data }: Place): Promise<void> {
  const made = new RegExp(`^${basename(data)}\\.[0-9a-f]{8}(\\.password)?$`);
  for (const name of await readdir(dirname(data))) {
    const path = join(dirname(data), name);
    if (made.test(name) && (await isLeftBehind(path))) await rm(path, { recursive: true, force: true });
  }
}

async function isLeftBehind(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > LEFT_BEHIND_MS;
}

async function readPassword(place: Place): Promise<string> {
  // Older releases kept it elsewhere.
  for (const file of [join(place.data, PASSWORD_FILE), place.passwordFile]) {
    if (await exists(file)) return readFile(file, "utf8");
  }
  throw new Error(
    `the embedded PostgreSQL in ${place.data} has no password: move that folder away, or set DATABASE_URL`,
  );
}

async function runningPort(place: Place): Promise<number | undefined> {
  const running = await pgCtl(place, ["status"]).then(
    () => true,
    () => false,
  );
  if (!running) return undefined;
  const lines = (await readFile(join(place.data, "postmaster.pid"), "utf8")).split("\n");
  return Number(lines[3]);
}

async function start(place: Place, settings: Settings): Promise<number> {
  const port = await freePort();
  const all = { listen_addresses: "127.0.0.1", port: String(port), unix_socket_directories: "", ...settings };
  const options = Object.entries(all)
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(" ");
  // pg_ctl gives the server a session of its own: Ctrl-C reaches us alone, and we stop it when we are done.
  await pgCtl(place, ["start", "-w", "-l", `${place.data}.log`, "-o", options]);
  return port;
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

async function createDatabase(adminUrl: string, password: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [OWNER]);
    if (rowCount !== 0) return;
    await client.query(`drop role if exists ${OWNER}`);
    await client.query(`create role ${OWNER} login createrole createdb password '${password}'`);
    await client.query(`create database ${OWNER} owner ${OWNER}`);
  });
}

/** A connection held for as long as the process needs the server: an idle pool has none that others could see. */
async function showPresence(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: APPLICATION_NAME });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Whether other connections of ours remain. A connection just closed is given a second to go. */
async function isUsed(adminUrl: string): Promise<boolean> {
  return withClient(adminUrl, async (client) => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const { rows } = await client.query<{ others: number }>(
        "select count(*)::int as others from pg_stat_activity where application_name = $1",
        [APPLICATION_NAME],
      );
      if (rows[0]?.others === 0) return false;
      await sleep(100);
    }
    return true;
  });
}

async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString, application_name: `${APPLICATION_NAME}-embedded` });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

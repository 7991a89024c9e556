import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort, optionsOf } from "./localPostgres.ts";
import { withClient } from "./server.ts";

const run = promisify(execFile);

/** A PgBouncer in transaction mode. */
export interface PgBouncer {
  /** The same database through it. */
  url: string;
  stop(): Promise<void>;
}

/** The version of the one that is installed, like `1.25.1`; undefined where there is none. */
export async function findPgBouncer(): Promise<string | undefined> {
  const told = await run("pgbouncer", ["--version"]).catch(() => undefined);
  return /PgBouncer ([0-9.]+)/.exec(told?.stdout ?? "")?.[1];
}

/** Starts one before this database, with so few connections to it that clients take turns on each. */
export async function startPgBouncer(
  databaseUrl: string,
  settings: Record<string, string | number> = {},
): Promise<PgBouncer> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), "afterscore-pgbouncer-"));
  // It does not run as root either.
  const { uid, gid } = await optionsOf(folder);
  const ownPort = await freePort();
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: ownPort,
    unix_socket_dir: "",
    auth_type: "any",
    pool_mode: "transaction",
    default_pool_size: 3,
    max_client_conn: 500,
    ...settings,
  };
  const file = join(folder, "pgbouncer.ini");
  // An empty one would be a mistake in its file.
  const secret = password === "" ? "" : ` password=${password}`;
  const target = `host=${hostname} port=${port} user=${username}${secret}`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  await writeFile(file, `[databases]\n* = ${target}\n[pgbouncer]\n${lines.join("\n")}\n`);
  if (uid !== undefined) for (const path of [folder, file]) await chown(path, uid, gid);
  await chmod(folder, 0o700);
  const child = spawn("pgbouncer", [file], {
    cwd: folder,
    ...(uid === undefined ? {} : { uid, gid }),
    stdio: "ignore",
  });
  const url = `postgres://${username}@127.0.0.1:${ownPort}${pathname}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withClient(url, (client) => client.query("select 1"));
      return { url, stop };
    } catch (error) {
      if (attempt === 100 || child.exitCode !== null) {
        await stop();
        throw error;
      }
      await sleep(50);
    }
  }
}

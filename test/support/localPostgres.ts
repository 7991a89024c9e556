import { execFile } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { withClient } from "./server.ts";

const run = promisify(execFile);

/** A throw-away PostgreSQL; the folder and binaries find it again from another process. */
export interface LocalPostgres {
  url: string;
  bin: string;
  folder: string;
}

/** Starts one from the binaries of this folder, of whatever version they are; in a new folder below `place`. */
export async function startLocalPostgres(bin: string, place = tmpdir()): Promise<LocalPostgres> {
  const folder = await mkdtemp(join(place, "afterscore-postgres-"));
  const options = await optionsOf(folder);
  if (options.uid !== undefined) await chown(folder, options.uid, options.gid);
  await chmod(folder, 0o700);
  const data = join(folder, "data");
  await run(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"],
    options,
  );
  const port = await freePort();
  const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories='' -c fsync=off -c max_connections=300`;
  await run(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(folder, "log"), "-o", settings, "start"], options);
  await withClient(`postgres://postgres@127.0.0.1:${port}/postgres`, async (client) => {
    await client.query("create role owner login createrole createdb");
    await client.query("create database owner owner owner");
  });
  return { url: `postgres://owner@127.0.0.1:${port}/owner`, bin, folder };
}

export async function stopLocalPostgres({ bin, folder }: LocalPostgres): Promise<void> {
  const data = join(folder, "data");
  await run(join(bin, "pg_ctl"), ["-D", data, "-m", "immediate", "-w", "stop"], await optionsOf(folder));
  await rm(folder, { recursive: true, force: true });
}

/** How its programs are run: PostgreSQL does not run as root. */
export async function optionsOf(folder: string): Promise<{ cwd: string; uid?: number; gid: number }> {
  const user = process.getuid?.() === 0 ? await idsOf("postgres") : undefined;
  return user === undefined ? { cwd: folder, gid: process.getgid?.() ?? 0 } : { cwd: folder, ...user };
}

/** The ids of a user of this machine. */
export async function idsOf(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, name])).stdout)),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

/** A port of this machine that nothing listens on. */
export async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

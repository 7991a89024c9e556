import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { preparePlace } from "../../src/platform/embeddedPostgresPlace.ts";
import { freePort, type LocalPostgres, optionsOf, startLocalPostgres, stopLocalPostgres } from "./localPostgres.ts";
import { readTestServer, withClient } from "./server.ts";

const run = promisify(execFile);

/** A primary of one's own and a streaming replica of it, of the version that the run is tested on. */
export interface ReplicatedPostgres {
  primaryUrl: string;
  replicaUrl: string;
  /** As superuser, on the replica. */
  onReplica(statement: string): Promise<void>;
  stopReplica(): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const primary = await startLocalPostgres(await findBinaries());
  const replica = await startReplicaOf(primary);
  const admin = new URL(replica.url);
  admin.username = "postgres";
  let isReplicaStopped = false;
  const stopReplica = async () => {
    if (!isReplicaStopped) await stopLocalPostgres(replica);
    isReplicaStopped = true;
  };
  return {
    primaryUrl: primary.url,
    replicaUrl: replica.url,
    onReplica: (statement) => withClient(admin.href, async (client) => void (await client.query(statement))),
    stopReplica,
    stop: async () => {
      await stopReplica();
      await stopLocalPostgres(primary);
    },
  };
}

/** A folder that also the user may look into who PostgreSQL runs as. */
async function findBinaries(): Promise<string> {
  const server = await readTestServer();
  if ("bin" in server) return server.bin;
  if ("workers" in server) throw new Error("of a cluster no replica is made here");
  return dirname((await preparePlace(server.home)).binaries.pg_ctl);
}

/** By a copy of the folder, as there is no pg_basebackup among the embedded binaries. */
async function startReplicaOf({ url, bin, folder }: LocalPostgres): Promise<LocalPostgres> {
  const own = await mkdtemp(join(tmpdir(), "afterscore-replica-"));
  const options = await optionsOf(folder);
  const data = join(own, "data");
  const admin = new URL(url);
  admin.username = "postgres";
  await withClient(admin.href, async (client) => {
    await client.query("select pg_backup_start('replica', true)");
    await cp(join(folder, "data"), data, { recursive: true, filter: (name) => !name.endsWith("postmaster.pid") });
    const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop(false)");
    await writeFile(join(data, "backup_label"), rows[0]?.labelfile ?? "");
  });
  await writeFile(join(data, "standby.signal"), "");
  const { port: primaryPort } = new URL(url);
  await writeFile(
    join(data, "postgresql.auto.conf"),
    `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=postgres'\n`,
  );
  if (options.uid !== undefined) await run("chown", ["-R", `${options.uid}:${options.gid}`, own]);
  await run("chmod", ["-R", "u=rwX,go=", own]);
  const port = await freePort();
  const settings = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories='' -c fsync=off -c max_connections=300`;
  const here = { ...options, cwd: own };
  await run(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(own, "log"), "-o", settings, "start"], here).catch(
    async (error: unknown) => {
      await rm(own, { recursive: true, force: true });
      throw error;
    },
  );
  return { url: `postgres://owner@127.0.0.1:${port}/owner`, bin, folder: own };
}

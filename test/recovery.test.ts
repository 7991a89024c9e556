import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, chown, copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { migrate } from "../src/platform/migrate.ts";
import { freePort, optionsOf, startLocalPostgres, stopLocalPostgres } from "./support/localPostgres.ts";
import { startProgram } from "./support/program.ts";
import { withClient } from "./support/server.ts";

const run = promisify(execFile);
const BIN = "/usr/lib/postgresql/15/bin";
const RESTORE = fileURLToPath(new URL("../docs/restore.sh", import.meta.url));

t.test(
  "back to the moment before an accident, as docs/operations.md says",
  { skip: !existsSync(join(BIN, "pg_basebackup")) && "no pg_basebackup of PostgreSQL 15 here" },
  async (t) => {
    const postgres = await startLocalPostgres(BIN);
    t.teardown(() => stopLocalPostgres(postgres));
    const { folder, url } = postgres;
    const as = await optionsOf(folder);
    const [data, log, copy] = ["data", "log-archive", "copy"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(log);
    if (as.uid !== undefined) await chown(log, as.uid, as.gid);
    const settings = `max_connections = 300\narchive_mode = on\narchive_command = 'test ! -f ${log}/%f && cp %p ${log}/%f'\n`;
    await appendFile(join(data, "postgresql.auto.conf"), settings);
    await run(join(BIN, "pg_ctl"), ["-D", data, "-w", "-l", join(folder, "log"), "restart"], as);
    const { port } = new URL(url);
    const asSuperuser = <T>(work: Parameters<typeof withClient<T>>[1]) =>
      withClient(`postgres://postgres@127.0.0.1:${port}/postgres`, work);
    const workspaces = async (args: string[], at = url) => {
      const program = startProgram(["workspace", ...args], { env: { DATABASE_URL: at } });
      t.equal(await program.exit, 0, program.output());
      return JSON.parse(program.result());
    };

    await migrate(url);
    const before = await workspaces(["create", "--name", "Before the copy"]);
    await run(
      join(BIN, "pg_basebackup"),
      ["-h", "127.0.0.1", "-p", port, "-U", "postgres", "-D", copy, "-X", "none", "-c", "fast"],
      as,
    );
    const after = await workspaces(["create", "--name", "After the copy"]);
    const moment = await asSuperuser(async (client) => {
      const { rows } = await client.query("select clock_timestamp()::text as moment");
      await sleep(50);
      return String(rows[0].moment);
    });
    await workspaces(["delete", "--id", after.workspace.id]);
    const { rows } = await asSuperuser((client) => client.query("select pg_walfile_name(pg_switch_wal()) as file"));
    for (let look = 0; look < 200 && !existsSync(join(log, rows[0].file)); look += 1) await sleep(50);

    const script = join(folder, "restore.sh");
    await copyFile(RESTORE, script);
    const other = String(await freePort());
    await run("sh", [script, BIN, copy, log, moment, other], as);
    t.teardown(async () => {
      await run(join(BIN, "pg_ctl"), ["-D", copy, "-m", "immediate", "-w", "stop"], as);
      await rm(copy, { recursive: true, force: true });
    });
    const again = url.replace(`:${port}/`, `:${other}/`);
    const list = await workspaces(["list"], again);
    t.same(
      list.workspaces.map(({ id }: { id: string }) => id),
      [before.workspace.id, after.workspace.id],
      "what the accident has deleted is there",
    );
    await workspaces(["create", "--name", "It takes writes"], again);
    t.equal((await workspaces(["list"])).workspaces.length, 1, "where it happened it is not");
  },
);

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
import { readBlocks } from "./support/pages.ts";
import { startProgram } from "./support/program.ts";
import { withClient } from "./support/server.ts";

const run = promisify(execFile);
const BIN = "/usr/lib/postgresql/15/bin";
const RESTORE = fileURLToPath(new URL("../docs/restore.sh", import.meta.url));
const PAGE = new URL("../docs/operations.md", import.meta.url);

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
    const blocks = await readBlocks(PAGE, "operations.md");
    const blockOf = (what: string) => blocks.find(({ code }) => code.includes(what))?.code ?? t.fail(`no ${what}`);
    const settings = `max_connections = 300\n${String(blockOf("archive_command")).replaceAll("/backup/wal", log)}`;
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
    const inShell = (code: string, at: string) => {
      const env = { PATH: `${BIN}:/usr/bin:/bin`, PGHOST: "127.0.0.1", PGPORT: at };
      return run("sh", ["-euc", code], { ...as, env });
    };
    await inShell(String(blockOf("pg_basebackup")).replace("/backup/$(date +%F)", copy), port);
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

    const third = await startLocalPostgres(BIN);
    t.teardown(() => stopLocalPostgres(third));
    const [dump = "", load = ""] = String(blockOf("pg_dump ")).split(/^# .*\n/m);
    await inShell(dump.replace(/ afterscore$/m, " owner"), other);
    const moved = new URL(third.url);
    await inShell(load.replaceAll(/ afterscore(?!\.)/g, " moved").replace("-O moved", "-O owner"), moved.port);
    moved.pathname = "/moved";
    t.same(await workspaces(["list"], moved.href), await workspaces(["list"], again), "a dump is loaded elsewhere");
    t.equal((await workspaces(["list"])).workspaces.length, 1, "where it happened it is not");
  },
);

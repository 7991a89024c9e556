import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { preparePlace } from "../../../src/platform/embeddedPostgresPlace.ts";
import { idsOf, type LocalPostgres } from "../../support/localPostgres.ts";

const run = promisify(execFile);
/** In a folder of its own: as root, what lies in one folder has one place. */
const HOME = fileURLToPath(new URL("../../../.afterscore/faults/home", import.meta.url));
/** Where Debian puts its servers. */
const DEBIAN = "/usr/lib/postgresql";

/** The folders of binaries to test with, by version: that of the npm package, and the oldest we support where it is installed. */
export async function postgresBinaries(): Promise<{ version: string; bin: string }[]> {
  const { binaries } = await preparePlace(HOME);
  const installed = (await readdir(DEBIAN).catch(() => [])).toSorted((a, b) => Number(a) - Number(b));
  const oldest = installed.find((version) => Number(version) >= 15);
  const embedded = { version: "embedded", bin: dirname(binaries.pg_ctl) };
  if (oldest === undefined) return [embedded];
  return [embedded, { version: oldest, bin: join(DEBIAN, oldest, "bin") }];
}

/** Ends it as a power cut would, but for the disk, and starts it again. Resolves as soon as it takes connections. */
export async function crashPostgres({ bin, folder }: LocalPostgres): Promise<void> {
  const user = process.getuid?.() === 0 ? await idsOf("postgres") : {};
  const data = join(folder, "data");
  // pg_ctl starts it with the options it was last started with.
  const args = ["-D", data, "-m", "immediate", "-w", "-l", join(folder, "log"), "restart"];
  await run(join(bin, "pg_ctl"), args, { cwd: folder, ...user });
}

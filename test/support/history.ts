import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readMigrations } from "../../src/platform/migrate.ts";

const run = promisify(execFile);
const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The last commit that did not have the newest migration: what runs while that is applied. Releases that bring no
 * migration make no difference to the schema, so no tags are needed.
 * @returns undefined, with a printed line, where the history is not there
 */
export async function findReleaseBefore(): Promise<string | undefined> {
  const newest = (await readMigrations()).at(-1)?.name ?? "";
  const git = async (...args: string[]) => (await run("git", args, { cwd: CHECKOUT })).stdout.trim();
  try {
    const added = ["log", "--first-parent", "-m", "-1", "--diff-filter=A", "--format=%H", "--", `migrations/${newest}`];
    const commit = await git(...added);
    // One that is not committed yet comes after everything that is.
    return await git("rev-parse", "--verify", commit === "" ? "HEAD" : `${commit}^1`);
  } catch (error) {
    console.error(`skipped: no history in which ${newest} is not there yet (${(error as Error).message.trim()})`);
    return undefined;
  }
}

/** What a commit runs, below a folder, with the packages of today. */
export async function checkOut(commit: string, folder: string): Promise<string> {
  const checkout = join(folder, "release-before");
  const archive = join(folder, "release-before.tar");
  await mkdir(checkout);
  await run("git", ["archive", "-o", archive, commit, "src", "migrations", "package.json"], { cwd: CHECKOUT });
  await run("tar", ["-xf", archive, "-C", checkout]);
  await symlink(join(CHECKOUT, "node_modules"), join(checkout, "node_modules"));
  return checkout;
}

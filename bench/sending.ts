import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Load, LoadResult } from "./load.ts";

const run = promisify(execFile);
const LOAD = fileURLToPath(new URL("load.ts", import.meta.url));

/** Sends this from a process of its own. @throws where anything was refused */
export async function send(load: Load): Promise<LoadResult> {
  const { stdout } = await run(process.execPath, [LOAD, JSON.stringify(load)]);
  const result: LoadResult = JSON.parse(stdout);
  if (result.failures > 0) throw new Error(`${result.failures} requests to ${load.url} failed`);
  return result;
}

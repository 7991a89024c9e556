import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Load, LoadResult } from "./load.ts";

const run = promisify(execFile);
const LOAD = fileURLToPath(new URL("load.ts", import.meta.url));
/** The servers that recording is held against. */
export const BASELINES = fileURLToPath(new URL("baselineServer.ts", import.meta.url));

export const CONNECTIONS = 64;
const SECONDS = 8;
/** Before each run, uncounted: a process that had nothing to do for some seconds has given up code that it had compiled. */
const WARM_UP_SECONDS = 4;
/** Between them, for what PostgreSQL still has to do for the one before: it is not the next one's to pay. */
const PAUSE_MS = 3_000;

/** What differs from one run to the next. */
export type Run = Omit<Load, "connections" | "seconds" | "warmUpSeconds"> & { connections?: number };

/** Sends this from a process of its own. @throws where anything was refused */
export async function send(what: Run): Promise<LoadResult> {
  await sleep(PAUSE_MS);
  const load: Load = { connections: CONNECTIONS, seconds: SECONDS, warmUpSeconds: WARM_UP_SECONDS, ...what };
  const { stdout } = await run(process.execPath, [LOAD, JSON.stringify(load)]);
  const result: LoadResult = JSON.parse(stdout);
  if (result.failures > 0) throw new Error(`${result.failures} requests to ${load.url} failed`);
  return result;
}

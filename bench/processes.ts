import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
/** Of all programs of one run. */
const SECRETS_KEY = randomBytes(32).toString("base64");

/** A program of ours in a process of its own. */
export interface RunningProgram {
  /** Of a server; empty for what does not listen. */
  url: string;
  /** What it has held resident at the most since it began or since `forgetPeak`, in MB; undefined where the system does not tell. */
  peakMegabytes(): Promise<number | undefined>;
  forgetPeak(): Promise<void>;
  stop(): Promise<void>;
  /** As a crash would. */
  kill(): Promise<void>;
}

/** Starts the script with its first argument, and waits until it says that it listens or works. */
export async function startProgram(
  script: string,
  name: string,
  databaseUrl: string,
  variables: Record<string, string> = {},
): Promise<RunningProgram> {
  // Into a file: to read it on would be work beside what is measured, a tenth of that of a server that logs each request.
  const folder = await mkdtemp(join(tmpdir(), "afterscore-bench-"));
  const log = await open(join(folder, "log"), "w+");
  const child = spawn(process.execPath, [script, name], {
    // One key sends all of the load.
    env: {
      RATE_LIMIT_PER_SECOND: "0",
      SECRETS_KEY,
      ...process.env,
      ...variables,
      DATABASE_URL: databaseUrl,
      PORT: "0",
      LOG_LEVEL: "info",
    },
    stdio: ["ignore", log.fd, "inherit"],
  });
  child.once("exit", () => void log.close().then(() => rm(folder, { recursive: true })));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  const procOf = (file: string) => `/proc/${child.pid}/${file}`;
  try {
    return {
      url: await readinessOf(child, join(folder, "log")),
      peakMegabytes: async () => {
        const status = await readFile(procOf("status"), "utf8").catch(() => "");
        const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
        return kibibytes === undefined ? undefined : (Number(kibibytes) * 1024) / 1e6;
      },
      // 5 sets the peak back to what is resident now (proc_pid_clear_refs(5)).
      forgetPeak: () => writeFile(procOf("clear_refs"), "5").catch(() => undefined),
      stop: () => end("SIGTERM"),
      kill: () => end("SIGKILL"),
    };
  } catch (error) {
    await end("SIGTERM");
    throw error;
  }
}

/** @returns its address once it listens, and nothing once it works without */
async function readinessOf(child: ChildProcess, log: string): Promise<string> {
  for (;;) {
    const [found, address = ""] = /Server listening at (http:\S+?)"|"working"/.exec(await readFile(log, "utf8")) ?? [];
    if (found !== undefined) return address;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("the program did not start");
    await sleep(POLL_MS);
  }
}

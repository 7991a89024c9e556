import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** The program as an operator starts it, in a process of its own. */
export interface Program {
  child: ChildProcess;
  /** What it has printed so far, on both streams. */
  output: () => string;
  /** What it has printed for other programs to read. */
  result: () => string;
  /** Its exit code, or null when a signal ended it. */
  exit: Promise<number | null>;
}

export interface ProgramOptions {
  env?: Record<string, string>;
  /** Where it is installed; this checkout when absent. */
  checkout?: string;
  node?: string;
  /** The file of another program than that of the checkout. */
  script?: string;
  user?: { uid: number; gid: number } | undefined;
}

export function startProgram(
  args: string[],
  {
    env = {},
    checkout = CHECKOUT,
    node = process.execPath,
    script = `${checkout}/src/main.ts`,
    user,
  }: ProgramOptions = {},
): Program {
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const variables = Object.entries({ PATH, NODE_COMPILE_CACHE, ...env }).map(([name, value]) => `${name}=${value}`);
  // By way of env, because the test runner adds hooks of its own to every node that is spawned by name.
  const command = ["-i", ...variables, node, script, ...args];
  const child = spawn("env", command, { cwd: checkout, ...user });
  let text = "";
  let result = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
    result += chunk;
  });
  child.stderr.on("data", (chunk) => (text += chunk));
  return { child, output: () => text, result: () => result, exit: once(child, "exit").then(([code]) => code) };
}

/** Its address, once it listens. */
export async function listening(program: Program): Promise<string> {
  return printed(program, /Server listening at (http:\S+?)"/);
}

/** The first group of a pattern, once it was printed. */
export async function printed({ output, exit }: Program, pattern: RegExp): Promise<string> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const found = pattern.exec(output())?.[1];
    if (found !== undefined) return found;
    const state = await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 50, "running"))]);
    if (state !== "running") break;
  }
  throw new Error(`it never printed ${pattern}: ${output()}`);
}

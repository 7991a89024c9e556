import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/localPostgres.ts";
import { type Program, printed, startProgram } from "../../support/program.ts";
import { send } from "./http.ts";

/** A process of the service that is started again at the same address as often as it ends. */
export interface Process {
  /** Of what listens. */
  url: string;
  program: Program;
  /** Ends it as a crash would, and starts it again. */
  crash(): Promise<void>;
  /** Tells it to stop. @returns its exit code, and how long it took, in milliseconds */
  stop(): Promise<{ code: number | null; ms: number }>;
}

/** Nobody is held up here for asking too often. */
const UNLIMITED = { RATE_LIMIT_PER_SECOND: "0", RATE_LIMIT_ADDRESS_PER_SECOND: "0", AUTH_FAILURES_PER_MINUTE: "0" };

export async function startProcess(
  role: "api" | "worker" | "serve",
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<Process> {
  const port = await freePort();
  // What only works says in its log that it has begun; elsewhere there would be a line for each request.
  const LOG_LEVEL = role === "worker" ? "info" : "warn";
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<Program> => {
    const program = startProgram([role], {
      env: { ...UNLIMITED, DATABASE_URL: databaseUrl, PORT: String(port), LOG_LEVEL, ...env },
    });
    if (role === "worker") await printed(program, /"msg":"(working)"/);
    else await alive(url, program);
    return program;
  };
  // A test that fails leaves nothing running.
  process.once("exit", () => self.program.child.kill("SIGKILL"));
  const self: Process = {
    url,
    program: await start(),
    crash: async () => {
      self.program.child.kill("SIGKILL");
      await self.program.exit;
      self.program = await start();
    },
    stop: async () => {
      const from = performance.now();
      self.program.child.kill("SIGTERM");
      const code = await self.program.exit;
      return { code, ms: Math.round(performance.now() - from) };
    },
  };
  return self;
}

/** Until it answers. @throws when it has ended instead */
async function alive(url: string, { child, output }: Program): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answer = await send(`${url}/livez`).catch(() => undefined);
    if (answer?.status === 200) return;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await sleep(50);
  }
  throw new Error(`it does not listen: ${output()}`);
}

/** Whether it still runs. */
export function isRunning({ program: { child } }: Process): boolean {
  return child.exitCode === null && child.signalCode === null;
}

export interface Workspace {
  databaseUrl: string;
  workspaceId: string;
  apiKey: string;
}

/** By the command line, which also migrates. */
export async function createWorkspace(databaseUrl: string): Promise<Workspace> {
  const create = startProgram(["workspace", "create", "--name", "Faults"], { env: { DATABASE_URL: databaseUrl } });
  if ((await create.exit) !== 0) throw new Error(create.output());
  const { workspace, apiKey } = JSON.parse(create.result());
  return { databaseUrl, workspaceId: workspace.id, apiKey };
}

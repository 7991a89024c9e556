import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Pool } from "pg";
import { rebuildRollups } from "./aggregates/index.ts";
import { describeApp } from "./app.ts";
import { EXPORTED } from "./exports/index.ts";
import { ConfigError, type Environment, readEnvironment } from "./platform/config.ts";
import { createPool } from "./platform/database.ts";
import { distribute } from "./platform/distribute.ts";
import { AppError } from "./platform/errors.ts";
import { listDeadLetters, listQueueStates, retryDeadLetters } from "./platform/jobStore.ts";
import { createLogger, type Logger } from "./platform/logger.ts";
import { createTenancy, type Tenancy } from "./platform/tenancy.ts";
import { type Database, openDatabase } from "./runtime.ts";
import { serve } from "./serve.ts";
import { exportTo, importFile, isExported } from "./transfer.ts";
import { createApiKey, createWorkspace, deleteWorkspace, getAllWorkspaces } from "./workspaces/index.ts";

const USAGE = `Usage: node src/main.ts <command>

  serve                                              HTTP and jobs, on an embedded PostgreSQL without DATABASE_URL
  api                                                HTTP only
  worker                                             jobs only
  migrate                                            brings the database to this version
  distribute                                         spreads a database with the Citus extension over its servers, by workspace
  workspace create --name <name> [--time-zone <zone>]
  workspace list
  workspace key --id <id>                            one more API key, with every scope
  workspace delete --id <id>                         with everything in it
  import <file> … [--id <id>]                        answers from CSV or NDJSON files, recorded before it ends
      [--format csv|ndjson] [--source <source>] [--map <field>=<column>] … [--timestamp-format <format>]
      [--time-zone <zone>] [--follow-up OPEN|NONE] [--no-events] [--again]
  export <what> [--id <id>] [--format csv|ndjson]    responses, cases, activities, people or accounts, to standard output
  jobs                                               how many jobs wait, and for how long
  jobs list                                          the dead letters: jobs that failed for good, oldest first
  jobs retry --id <id> | --all                       does them again
  rebuild [--id <id>]                                counts the scores by day anew, of all workspaces or of one
  openapi [--check]                                  writes openapi/, or says whether it is stale`;

/** How many arguments a command takes, where it takes any. */
const ARGUMENTS_MAX: Record<string, number> = { workspace: 1, import: Number.POSITIVE_INFINITY, export: 1, jobs: 1 };

/** A command line that makes no sense; the usage is shown with it. */
class UsageError extends Error {}

async function run(args: string[]): Promise<void> {
  const { positionals, values } = parse(args);
  const [command, subcommand, ...rest] = positionals;
  if (values.help === true) return console.log(USAGE);
  const takes = ARGUMENTS_MAX[command ?? ""] ?? 0;
  if (rest.length + (subcommand === undefined ? 0 : 1) > takes) {
    throw new UsageError(`unexpected argument: ${positionals.at(-1)}`);
  }
  const environment = readEnvironment();
  const logger = createLogger(environment.LOG_LEVEL);
  switch (command) {
    case "serve":
      return serve(environment, logger, { http: true, jobs: true });
    case "api":
      return serve(environment, logger, { http: true, jobs: false });
    case "worker":
      return serve(environment, logger, { http: false, jobs: true });
    case "migrate":
      return withDatabase(environment, logger, async () => {});
    case "distribute":
      return withDatabase(environment, createLogger("silent"), async ({ pool }) =>
        print({ distributed: await distribute(pool) }),
      );
    case "workspace":
      return withDatabase(environment, createLogger("silent"), (database) =>
        manageWorkspaces(database, subcommand, values),
      );
    case "import":
      return withDatabase(environment, createLogger("silent"), (database) =>
        importFiles(createTenancy(database.pool), positionals.slice(1), values),
      );
    case "export":
      return withDatabase(environment, createLogger("silent"), (database) =>
        exportAll(createTenancy(database.pool), subcommand, values),
      );
    case "jobs":
      return withDatabase(environment, createLogger("silent"), ({ pool }) => manageJobs(pool, subcommand, values));
    case "rebuild":
      return withDatabase(environment, logger, (database) => rebuild(createTenancy(database.pool), values.id));
    case "openapi":
      return writeInterface(values.check === true);
    default:
      throw new UsageError(command === undefined ? "no command" : `unknown command: ${command}`);
  }
}

type Options = ReturnType<typeof parse>["values"];

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: "string" },
        "time-zone": { type: "string" },
        id: { type: "string" },
        format: { type: "string" },
        source: { type: "string" },
        map: { type: "string", multiple: true },
        "timestamp-format": { type: "string" },
        "follow-up": { type: "string" },
        "no-events": { type: "boolean" },
        again: { type: "boolean" },
        all: { type: "boolean" },
        check: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function withDatabase(environment: Environment, logger: Logger, work: (database: Database) => Promise<void>) {
  const database = await openDatabase(environment, logger);
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

async function manageWorkspaces(database: Database, subcommand: string | undefined, options: Options): Promise<void> {
  const tenancy = createTenancy(database.pool);
  switch (subcommand) {
    case "create": {
      const name = required(options.name, "--name");
      return print(await createWorkspace(tenancy, { name, timeZone: options["time-zone"] ?? "UTC" }));
    }
    case "list":
      return print({ workspaces: await getAllWorkspaces(tenancy) });
    case "key": {
      const id = await existing(required(options.id, "--id"));
      return print({ apiKey: await createApiKey(tenancy, id, "made at the command line") });
    }
    case "delete": {
      const id = await existing(required(options.id, "--id"));
      return print({ id, deleted: await deleteWorkspace(database.pool, id) });
    }
    default:
      throw new UsageError("workspace create, list, key or delete");
  }

  async function existing(id: string): Promise<string> {
    if ((await getAllWorkspaces(tenancy)).some((workspace) => workspace.id === id)) return id;
    throw new AppError("not_found", `there is no workspace ${id}`);
  }
}

async function importFiles(tenancy: Tenancy, files: string[], options: Options): Promise<void> {
  if (files.length === 0) throw new UsageError("import which file?");
  const followUp = options["follow-up"];
  if (followUp !== undefined && followUp !== "OPEN" && followUp !== "NONE") {
    throw new UsageError("--follow-up is OPEN or NONE");
  }
  const map = (options.map ?? []).map((entry): [`map.${string}`, string] => {
    const [, field, column] = /^([^=]+)=(.+)$/s.exec(entry) ?? [];
    if (field === undefined || column === undefined) throw new UsageError("--map is <field>=<column>");
    return [`map.${field}`, column];
  });
  const question: Parameters<typeof importFile>[2] = {
    ...Object.fromEntries(map),
    source: options.source,
    timestampFormat: options["timestamp-format"],
    timeZone: options["time-zone"],
    followUp,
    events: options["no-events"] !== true,
  };
  const workspaceId = await chosenWorkspace(tenancy, options.id);
  for (const file of files) {
    const format = formatOf(options.format ?? file);
    const again = options.again === true;
    const { rejections, ...result } = await importFile(tenancy, { workspaceId, file, format, again }, question);
    for (const { line, reason } of rejections) console.error(`${file}:${line}: ${reason}`);
    print(result);
  }
}

/** @param name a format, or a file that has it as its extension */
function formatOf(name: string): "CSV" | "NDJSON" {
  if (/(^|\.)(csv|tsv|txt)$/i.test(name)) return "CSV";
  if (/(^|\.)(ndjson|jsonl)$/i.test(name)) return "NDJSON";
  throw new UsageError("--format is csv or ndjson");
}

async function exportAll(tenancy: Tenancy, name: string | undefined, options: Options): Promise<void> {
  if (!isExported(name)) throw new UsageError(`export ${Object.keys(EXPORTED).join(", ")}`);
  const format = formatOf(options.format ?? "ndjson") === "CSV" ? "csv" : "ndjson";
  await exportTo(tenancy, { workspaceId: await chosenWorkspace(tenancy, options.id), name, format }, process.stdout);
}

/** The workspace of this id, or the only one. */
async function chosenWorkspace(tenancy: Tenancy, id: string | undefined): Promise<string> {
  const all = await getAllWorkspaces(tenancy);
  const [chosen, another] = id === undefined ? all : all.filter((workspace) => workspace.id === id);
  if (chosen === undefined) throw new AppError("not_found", `there is no workspace ${id ?? "yet"}`);
  if (another !== undefined) throw new UsageError("--id is missing: there are several workspaces");
  return chosen.id;
}

async function manageJobs(pool: Pool, subcommand: string | undefined, { id, all }: Options): Promise<void> {
  switch (subcommand) {
    case undefined:
      return (await listQueueStates(pool)).forEach(print);
    case "list":
      return (await listDeadLetters(pool)).forEach(print);
    case "retry": {
      if ((id === undefined) === (all !== true)) throw new UsageError("jobs retry --id <id>, or --all");
      if (id !== undefined && !(await listDeadLetters(pool)).some((letter) => letter.id === id)) {
        throw new AppError("not_found", `there is no dead letter ${id}`);
      }
      return print({ retried: await retryDeadLetters(pool, id === undefined ? undefined : [id]) });
    }
    default:
      throw new UsageError("jobs, jobs list or jobs retry");
  }
}

/** Of all workspaces, or of this one. */
async function rebuild(tenancy: Tenancy, id: string | undefined): Promise<void> {
  const workspaces = (await getAllWorkspaces(tenancy)).filter((workspace) => id === undefined || workspace.id === id);
  if (workspaces.length === 0 && id !== undefined) throw new AppError("not_found", `there is no workspace ${id}`);
  await rebuildRollups(
    tenancy,
    workspaces.map((workspace) => workspace.id),
  );
  print({ rebuilt: workspaces.length });
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`${option} is missing`);
  return value;
}

function print(result: object): void {
  console.log(JSON.stringify(result));
}

/** The committed documents about the interface are made from the code, and `verify` holds them to it. */
async function writeInterface(check: boolean): Promise<void> {
  const logger = createLogger("silent");
  // Describing asks the database nothing, so this pool never connects.
  const pool = createPool({ connectionString: "postgres://localhost", max: 1, logger });
  const { openapi, sdl } = await describeApp(pool, logger);
  for (const [name, text] of [
    ["openapi.json", openapi],
    ["schema.graphql", sdl],
  ] as const) {
    const file = new URL(`../openapi/${name}`, import.meta.url);
    if (!check) await writeFile(file, text);
    else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
      throw new Error(`openapi/${name} is stale: run node src/main.ts openapi`);
    }
  }
}

/** One line that says what to mend; a stack helps only where it is our mistake. */
function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
  if (error instanceof ConfigError || error instanceof AppError) return error.message;
  const { code, message, stack } = error as Error & { code?: string };
  if (message === "timeout expired") return "cannot reach the database: it does not answer; check DATABASE_URL";
  if (code === "ECONNREFUSED") return "cannot reach the database: connection refused; check DATABASE_URL";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "cannot reach the database: unknown host; check DATABASE_URL";
  return code === undefined ? message : `${message} (${code})${code.startsWith("ERR_") ? `\n${stack}` : ""}`;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(`afterscore: ${explain(error)}`);
  process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

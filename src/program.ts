import { readFile, writeFile } from "node:fs/promises";
import { parse, UsageError } from "./commandLine.ts";
import { exportAll, importFiles, manageJobs, manageWorkspaces, print, rebuild } from "./commands.ts";
import { ConfigError, type Environment, readEnvironment } from "./platform/config.ts";
import { createPool } from "./platform/database.ts";
import { AppError } from "./platform/errors.ts";
import { createLogger, type Logger } from "./platform/logger.ts";
import { endAtSignals } from "./platform/signals.ts";
import { createTenancy } from "./platform/tenancy.ts";
import { type Database, openDatabase } from "./runtime.ts";
import type { Roles } from "./serve.ts";

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

const heedNone = endAtSignals();

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
  // What answers on standard output writes nothing else there.
  const quiet = createLogger("silent");
  // What one command needs alone is imported by it: all of it takes three times as long as any of the others.
  const serve = async (roles: Roles) => (await import("./serve.ts")).serve(environment, logger, roles, heedNone);
  switch (command) {
    case "serve":
      return serve({ http: true, jobs: true });
    case "api":
      return serve({ http: true, jobs: false });
    case "worker":
      return serve({ http: false, jobs: true });
    case "migrate":
      return withDatabase(environment, logger, async () => {});
    case "distribute":
      return withDatabase(environment, quiet, async ({ pool }) => {
        const { distribute } = await import("./platform/distribute.ts");
        print({ distributed: await distribute(pool) });
      });
    case "workspace":
      return withDatabase(environment, quiet, (database) => manageWorkspaces(database, subcommand, values));
    case "import":
      return withDatabase(environment, quiet, (database) =>
        importFiles(createTenancy(database.pool), positionals.slice(1), values),
      );
    case "export":
      return withDatabase(environment, quiet, (database) =>
        exportAll(createTenancy(database.pool), subcommand, values),
      );
    case "jobs":
      return withDatabase(environment, quiet, ({ pool }) => manageJobs(pool, subcommand, values));
    case "rebuild":
      return withDatabase(environment, logger, (database) => rebuild(createTenancy(database.pool), values.id));
    case "openapi":
      return writeInterface(values.check === true);
    default:
      throw new UsageError(command === undefined ? "no command" : `unknown command: ${command}`);
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

/** The committed documents about the interface are made from the code, and `verify` holds them to it. */
async function writeInterface(check: boolean): Promise<void> {
  const logger = createLogger("silent");
  // Describing asks the database nothing, so this pool never connects.
  const pool = createPool({ connectionString: "postgres://localhost", max: 1, logger });
  const { describeApp } = await import("./apiDocument.ts");
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
  const { code, message, stack } = error as Error & { code?: unknown };
  if (message === "timeout expired") return "cannot reach the database: it does not answer; check DATABASE_URL";
  if (code === "ECONNREFUSED") return "cannot reach the database: connection refused; check DATABASE_URL";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "cannot reach the database: unknown host; check DATABASE_URL";
  // Of a program that failed it is a number, which its message says more of.
  if (typeof code !== "string") return message;
  return `${message} (${code})${code.startsWith("ERR_") ? `\n${stack}` : ""}`;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(`afterscore: ${explain(error)}`);
  process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

import { parseArgs } from "node:util";

/** A command line that makes no sense; the usage is shown with it. */
export class UsageError extends Error {}

/** What was said with `--`. */
export type Options = ReturnType<typeof parse>["values"];

/** The options of each command, or subcommand. */
const TAKES = new Map<string, readonly string[]>(
  Object.entries({
    serve: [],
    api: [],
    worker: [],
    migrate: [],
    distribute: [],
    "workspace list": [],
    jobs: [],
    "jobs list": [],
    "workspace create": ["name", "time-zone"],
    "workspace key": ["id"],
    "workspace delete": ["id"],
    import: ["id", "format", "source", "map", "timestamp-format", "time-zone", "follow-up", "no-events", "again"],
    export: ["id", "format"],
    "jobs retry": ["id", "all"],
    rebuild: ["id"],
    openapi: ["check"],
  }),
);

/** Reads the command line. @throws {UsageError} for an option that there is not, or that the command does not take */
export function parse(args: string[]) {
  const parsed = read(args);
  const [command = "", subcommand = ""] = parsed.positionals;
  const taken = TAKES.get(`${command} ${subcommand}`) ?? TAKES.get(command);
  // What is no command is told by whoever looks for it.
  const other = taken && Object.keys(parsed.values).find((name) => name !== "help" && !taken.includes(name));
  if (other !== undefined && parsed.values.help !== true)
    throw new UsageError(`--${other} is no option of this command`);
  return parsed;
}

function read(args: string[]) {
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

/** @throws {UsageError} naming an option that is missing */
export function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`${option} is missing`);
  return value;
}

// What only some commands need is imported by them: the others start in a fraction of the time.
import type { Pool } from "pg";
import { type Options, required, UsageError } from "./commandLine.ts";
import { AppError } from "./platform/errors.ts";
import { listDeadLetters, listQueueStates, retryDeadLetters } from "./platform/jobStore.ts";
import { isId } from "./platform/schema.ts";
import { createTenancy, type Tenancy } from "./platform/tenancy.ts";
import type { Database } from "./runtime.ts";
import { createApiKey, createWorkspace, deleteWorkspace, getAllWorkspaces } from "./workspaces/index.ts";

/** `workspace create`, `list`, `key` and `delete`. */
export async function manageWorkspaces(
  database: Database,
  subcommand: string | undefined,
  options: Options,
): Promise<void> {
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
      const id = required(options.id, "--id");
      // Also what is left of one whose deletion was broken off.
      if (!isId(id) || !(await deleteWorkspace(database.pool, id))) throw noSuchWorkspace(id);
      return print({ id, deleted: true });
    }
    default:
      throw new UsageError("workspace create, list, key or delete");
  }

  async function existing(id: string): Promise<string> {
    if ((await getAllWorkspaces(tenancy)).some((workspace) => workspace.id === id)) return id;
    throw noSuchWorkspace(id);
  }
}

function noSuchWorkspace(id: string): AppError {
  return new AppError("not_found", `there is no workspace ${id}`);
}

/** `import`: one file after the other; what could not be recorded is told by its line. */
export async function importFiles(tenancy: Tenancy, files: string[], options: Options): Promise<void> {
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
  const { importFile } = await import("./transfer.ts");
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

/** `export`: everything of a kind, to standard output. */
export async function exportAll(tenancy: Tenancy, name: string | undefined, options: Options): Promise<void> {
  const { EXPORTABLE, exportTo, isExported } = await import("./transfer.ts");
  if (!isExported(name)) throw new UsageError(`export ${EXPORTABLE.join(", ")}`);
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

/** `jobs`, `jobs list` and `jobs retry`. */
export async function manageJobs(pool: Pool, subcommand: string | undefined, { id, all }: Options): Promise<void> {
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

/** `rebuild`: the counts of all workspaces, or of this one. */
export async function rebuild(tenancy: Tenancy, id: string | undefined): Promise<void> {
  const { rebuildRollups } = await import("./aggregates/index.ts");
  const workspaces = (await getAllWorkspaces(tenancy)).filter((workspace) => id === undefined || workspace.id === id);
  if (workspaces.length === 0 && id !== undefined) throw new AppError("not_found", `there is no workspace ${id}`);
  await rebuildRollups(
    tenancy,
    workspaces.map((workspace) => workspace.id),
  );
  print({ rebuilt: workspaces.length });
}

/** A result, as one line of JSON. */
export function print(result: object): void {
  console.log(JSON.stringify(result));
}

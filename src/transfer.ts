import { open } from "node:fs/promises";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { EXPORTED, type Exported, type ExportFormat, toText, writeExport } from "./exports/index.ts";
import {
  findImport,
  type ImportFormat,
  listRejections,
  receiveImport,
  toImportOptions,
  workImport,
} from "./imports/index.ts";
import { showProgress } from "./platform/progress.ts";
import type { Caller, Tenancy } from "./platform/tenancy.ts";
import { RECORDING } from "./recording.ts";

/** How often something is looked at that goes on elsewhere. */
const WATCH_MS = 200;
/** So many are told at the command line; all of them by the service. */
const REJECTIONS_SHOWN_MAX = 20;

function operatorOf(workspaceId: string): Caller {
  return { workspaceId, actor: { kind: "job", id: "command-line" }, requestId: null };
}

/**
 * Imports a file past HTTP, by the same way: received, then recorded, by this process or by a worker that
 * runs. When it is stopped in the middle, workers go on.
 * @returns the import, and the first rows that could not be recorded
 */
export async function importFile(
  tenancy: Tenancy,
  { workspaceId, file, format, again }: { workspaceId: string; file: string; format: ImportFormat; again: boolean },
  question: Parameters<typeof toImportOptions>[0],
) {
  const caller = operatorOf(workspaceId);
  const upload = { format, options: toImportOptions(question, format), again };
  const opened = await open(file);
  const found = await opened.stat();
  if (found.isDirectory()) {
    await opened.close();
    throw new Error(`${file} is a directory`);
  }
  const { size } = found;
  const bytes = opened.createReadStream();
  const watching = setInterval(() => showProgress(`bytes of ${file} received`, bytes.bytesRead, size), WATCH_MS);
  const received = await receiveImport(tenancy, caller, upload, bytes).finally(() => clearInterval(watching));
  const { id } = received.import;
  let current = received.import;
  while (current.status !== "DONE" && current.status !== "FAILED") {
    // Nothing to do for us: another worker has it.
    if (!(await workImport(tenancy, RECORDING, { workspaceId, id }))) await sleep(WATCH_MS);
    current = (await tenancy.readWorkspace(caller, (tx) => findImport(tx, id))) ?? current;
    const done = current.created + current.existing + current.rejected;
    showProgress(`rows of ${file} recorded`, done, current.received);
  }
  const rejections = await tenancy.readWorkspace(caller, (tx) =>
    listRejections(tx, id, { limit: REJECTIONS_SHOWN_MAX - 1 }),
  );
  return { file, isNew: received.isNew, import: current, rejections };
}

/** What can be exported. */
export const EXPORTABLE = Object.keys(EXPORTED);

/** Whether this is the name of something that can be exported. */
export function isExported(name: string | undefined): name is keyof typeof EXPORTED {
  return name !== undefined && Object.hasOwn(EXPORTED, name);
}

/** Writes all there is of a kind, as of one moment. */
export async function exportTo(
  tenancy: Tenancy,
  { workspaceId, name, format }: { workspaceId: string; name: keyof typeof EXPORTED; format: ExportFormat },
  out: Writable,
): Promise<void> {
  const { pages, columns }: Exported = EXPORTED[name];
  await writeExport(tenancy, operatorOf(workspaceId), (tx) => toText(pages(tx, {}), format, columns), out);
}

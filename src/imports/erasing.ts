import { sql } from "drizzle-orm";
import { isMentioned, normaliseIdentity } from "../people/index.ts";
import { unnest } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { DEFAULT_SOURCE } from "../responses/index.ts";
import { type ImportRow, insertRejections } from "./queries.ts";
import { splitRecords } from "./records.ts";
import { readRows } from "./rows.ts";

/** By what the rows of a person are known. */
export interface ErasedRows {
  externalId: string | null;
  email: string | null;
  phone: string | null;
  answers: readonly { source: string; externalId: string | null }[];
}

const REASON = "The row is of somebody who was erased.";

/** The parts of files that are still to be recorded. */
export async function listChunks(tx: WorkspaceTx): Promise<{ importId: string; n: number }[]> {
  return tx.run(sql`/* imports.listChunks */
    select import_id as "importId", n from import_chunks where workspace_id = ${tx.workspaceId} order by import_id, n`);
}

type Chunk = Pick<ImportRow, "format" | "options" | "columns" | "delimiter" | "bytesSha256"> & {
  body: Buffer;
  firstLine: number;
};

/**
 * Takes a person's rows out of a part of a file that is still to be recorded: they count as rejected.
 * @returns how many
 */
export async function eraseRows(
  tx: WorkspaceTx,
  { importId, n }: { importId: string; n: number },
  person: ErasedRows,
): Promise<number> {
  // Against the worker that would record it.
  await tx.run(sql`/* imports.lockImport */
    select id from imports where workspace_id = ${tx.workspaceId} and id = ${importId} for update`);
  const chunk = await findChunk(tx, importId, n);
  const lines = new Set(chunk && linesOf(chunk, person));
  if (chunk === undefined || lines.size === 0) return 0;
  const left = splitRecords(chunk.body, chunk.firstLine, chunk.delimiter).map(({ line, raw }) =>
    // The lines stay, empty, so that those after them keep their numbers.
    lines.has(line) ? Buffer.from(raw.toString("latin1").replaceAll(/[^\n]/g, ""), "latin1") : raw,
  );
  await tx.run(sql`/* imports.updateChunk */
    update import_chunks set body = ${Buffer.concat(left)}
    where workspace_id = ${tx.workspaceId} and import_id = ${importId} and n = ${n}`);
  await insertRejections(
    tx,
    importId,
    [...lines].map((line) => ({ line, reason: REASON })),
  );
  await tx.run(sql`/* imports.countErasedRows */
    update imports set rejected = rejected + ${lines.size} where workspace_id = ${tx.workspaceId} and id = ${importId}`);
  return lines.size;
}

/** A rejection's place among all of its workspace. */
export interface RejectionPlace {
  importId: string;
  line: number;
}

const REJECTIONS_PER_PAGE = 10_000;

/**
 * Reasons name fields, and a field may be named as somebody is. Looks at a page of them, from behind a place on.
 * @returns how many, and where to go on; undefined at the end
 */
export async function eraseRejections(
  tx: WorkspaceTx,
  person: ErasedRows,
  after: RejectionPlace | undefined,
): Promise<{ count: number; last: RejectionPlace | undefined }> {
  const needles = [person.externalId, person.email, person.phone].filter((text) => text !== null && text.length > 4);
  if (needles.length === 0) return { count: 0, last: undefined };
  const page = await tx.run<RejectionPlace & { isAbout: boolean }>(sql`/* imports.findRejections */
    select import_id as "importId", line,
      exists (select from unnest(${sql.param(needles)}::text[]) as known where position(lower(known) in lower(reason)) > 0) as "isAbout"
    from import_rejections where workspace_id = ${tx.workspaceId}
      ${after === undefined ? sql`` : sql`and (import_id, line) > (${after.importId}::uuid, ${after.line}::bigint)`}
    order by import_id, line limit ${REJECTIONS_PER_PAGE}`);
  const own = page.filter(({ isAbout }) => isAbout);
  await tx.run(sql`/* imports.eraseRejections */
    delete from import_rejections using ${unnest({
      import_id: ["uuid", own.map(({ importId }) => importId)],
      line: ["bigint", own.map(({ line }) => line)],
    })}
    where workspace_id = ${tx.workspaceId} and import_rejections.import_id = input.import_id
      and import_rejections.line = input.line`);
  for (const [importId, rows] of Map.groupBy(own, (row) => row.importId)) {
    await insertRejections(
      tx,
      importId,
      rows.map(({ line }) => ({ line, reason: REASON })),
    );
  }
  return { count: own.length, last: page.length < REJECTIONS_PER_PAGE ? undefined : page.at(-1) };
}

/** A person's rows that are still to be recorded, for an export of what is held about them. */
export async function listRowsOf(tx: WorkspaceTx, person: ErasedRows): Promise<object[]> {
  const found: object[] = [];
  for (const { importId, n } of await listChunks(tx)) {
    const chunk = await findChunk(tx, importId, n);
    if (chunk === undefined) continue;
    const lines = new Set(linesOf(chunk, person));
    for (const { line, bytes } of splitRecords(chunk.body, chunk.firstLine, chunk.delimiter)) {
      if (lines.has(line)) found.push({ importId, line, row: bytes.toString("utf8") });
    }
  }
  return found;
}

async function findChunk(tx: WorkspaceTx, importId: string, n: number): Promise<Chunk | undefined> {
  const [chunk] = await tx.run<Chunk>(sql`/* imports.findChunk */
    select format, options, columns, delimiter, bytes_sha256 as "bytesSha256", body, first_line as "firstLine"
    from import_chunks join imports on imports.workspace_id = ${tx.workspaceId} and imports.id = import_id
    where import_chunks.workspace_id = ${tx.workspaceId} and import_id = ${importId} and n = ${n}`);
  return chunk;
}

/** Where the person's rows are: by whom they name, by their id, and, where a row cannot be read, by what stands in it. */
function linesOf(chunk: Chunk, person: ErasedRows): number[] {
  const file = { ...chunk, bytesSha256: chunk.bytesSha256 ?? Buffer.alloc(0) };
  const rows = readRows(file, chunk.body, chunk.firstLine);
  const records = splitRecords(chunk.body, chunk.firstLine, chunk.delimiter);
  const texts = new Map(records.map(({ line, bytes }) => [line, bytes.toString("utf8")]));
  const needles = [person.externalId, person.email, person.phone].filter((text) => text !== null);
  return rows.flatMap((row) => {
    if ("reason" in row) return isMentioned(texts.get(row.line) ?? "", needles) ? row.line : [];
    const { person: given, source = DEFAULT_SOURCE, externalId } = row.input;
    const isTheirs = (["externalId", "email", "phone"] as const).some((kind) => {
      const value = given?.[kind];
      return typeof value === "string" && normaliseIdentity(kind, value) === person[kind];
    });
    const isKnown = person.answers.some((answer) => answer.source === source && answer.externalId === externalId);
    return isTheirs || isKnown ? row.line : [];
  });
}

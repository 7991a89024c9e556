import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError, type InvalidParam } from "../platform/errors.ts";
import { canonicalJson, isObject, parseJson } from "../platform/json.ts";
import { unguardFormula } from "../platform/spreadsheet.ts";
import { createAjv, toInvalidParams } from "../platform/validation.ts";
import {
  type ExclusionInput,
  ExclusionInputSchema,
  findWrongFields,
  type RecordInput,
  type ResponseInput,
} from "../responses/index.ts";
import { EXPORTED_ONLY, readCell } from "./fields.ts";
import { type Columns, parseCsv, readHeader } from "./header.ts";
import type { ReadableFile } from "./model.ts";
import { type FileRecord, isBlank, splitRecords } from "./records.ts";
import { type ReadTime, timeReader } from "./times.ts";

/** A row of a file as an answer to record, or why it is none. */
export type Row = { line: number; input: RecordInput } | { line: number; reason: string };

const isExclusion = createAjv().compile<ExclusionInput>(ExclusionInputSchema);

/** The rows of one chunk, which begins with line `firstLine` of the file. */
export function readRows(file: ReadableFile, body: Buffer, firstLine: number): Row[] {
  const records = splitRecords(body, firstLine, file.delimiter).filter((record) => !isBlank(record));
  const { timestampFormat, timeZone } = file.options;
  const readTime = timestampFormat === undefined ? undefined : timeReader(timestampFormat, timeZone);
  return readBodies(file, records, readTime).map((read, index): Row => {
    const line = records[index]?.line ?? firstLine;
    return "reason" in read ? { line, reason: read.reason } : toRow(file, line, read.body);
  });
}

type Body = { body: unknown } | { reason: string };

function readBodies(file: ReadableFile, records: readonly FileRecord[], readTime: ReadTime | undefined): Body[] {
  if (file.format === "NDJSON") return records.map(({ bytes }) => readJson(bytes, readTime));
  const header = readHeader(file.columns ?? [], file.options.map);
  if ("invalid" in header) throw new Error("the header of an accepted file is not what it was");
  return readCells(records, file.delimiter ?? ",").map((cells) =>
    "reason" in cells ? cells : fill(cells.cells, header.columns, readTime),
  );
}

function readJson(bytes: Buffer, readTime: ReadTime | undefined): Body {
  try {
    const body = parseJson(bytes);
    if (readTime === undefined || typeof body !== "object" || body === null) return { body };
    const { respondedAt } = body as { respondedAt?: unknown };
    if (typeof respondedAt !== "string" && typeof respondedAt !== "number") return { body };
    const time = readTime(String(respondedAt));
    return time === undefined ? { reason: NOT_A_TIME } : { body: { ...body, respondedAt: time } };
  } catch (error) {
    if (error instanceof AppError) return { reason: error.message.replace(/^The body/, "The row") };
    throw error;
  }
}

const NOT_A_TIME = "respondedAt must be written as timestampFormat says.";

/** All at once; where that gives another number of lines, because somebody is careless with quotes, each by itself. */
function readCells(records: readonly FileRecord[], delimiter: string): ({ cells: string[] } | { reason: string })[] {
  const texts = records.map(({ bytes }) => (isUtf8(bytes) ? bytes.toString("utf8") : undefined));
  const lines = parseOrNothing(texts.map((text) => text ?? "x").join("\n"), delimiter);
  return texts.map((text, index) => {
    if (text === undefined) return { reason: "The row is not UTF-8." };
    const [cells, ...others] =
      (lines?.length === texts.length ? lines.slice(index, index + 1) : parseOrNothing(text, delimiter)) ?? [];
    return cells === undefined || others.length > 0 ? { reason: "The row is not valid CSV." } : { cells };
  });
}

function parseOrNothing(text: string, delimiter: string): string[][] | undefined {
  try {
    return parseCsv(text, delimiter);
  } catch {
    return undefined;
  }
}

/** The body that the cells say; an empty cell is an absent field. */
function fill(cells: readonly string[], columns: Columns, readTime: ReadTime | undefined): Body {
  if (cells.length !== columns.length) {
    return { reason: `The row has ${cells.length} cells, the header has ${columns.length}.` };
  }
  const body: Record<string, unknown> = {};
  for (const [index, field] of columns.entries()) {
    const cell = cells[index];
    if (field === undefined || cell === undefined || cell === "") continue;
    const text = unguardFormula(cell);
    const isTime = readTime !== undefined && field.path[0] === "respondedAt";
    const value = isTime ? readTime(text) : readCell(field.type, text);
    if (value === undefined) return { reason: NOT_A_TIME };
    const path = field.path.slice(0, -1);
    const owner = objectAt(body, path);
    // A column of its own says that it is something else.
    if (owner === undefined) return { reason: `${path.join(".")} must be an object.` };
    const last = field.path.at(-1) ?? "";
    const before = owner[last];
    owner[last] = field.type === "properties" && isObject(before) && isObject(value) ? { ...value, ...before } : value;
  }
  return { body };
}

/** The object inside at this path, made where there is nothing yet; undefined where something else is in its place. */
function objectAt(body: Record<string, unknown>, path: readonly string[]): Record<string, unknown> | undefined {
  let owner = body;
  for (const name of path) {
    const inside = (owner[name] ??= {});
    if (!isObject(inside)) return undefined;
    owner = inside;
  }
  return owner;
}

function toRow(file: ReadableFile, line: number, body: unknown): Row {
  if (!isObject(body)) return { line, reason: "The row must be an object." };
  const { exclusion = null, ...given } = withoutExported(body);
  if (exclusion !== null && !isExclusion(exclusion))
    return { line, reason: describe(toInvalidParams(isExclusion.errors ?? []), "exclusion.") };
  const { source } = file.options;
  const answer = source === undefined || given["source"] !== undefined ? given : { ...given, source };
  const wrong = findWrongFields(answer);
  if (wrong !== undefined) return { line, reason: describe(wrong) };
  // That it is one to be left out is part of what it says, and why is not: sent again it is the same answer.
  const input = { ...(answer as unknown as ResponseInput), ...(exclusion === null ? {} : { test: true }) };
  const externalId = input.externalId ?? deriveId(file, line, input);
  return { line, input: { ...input, externalId, exclusion } };
}

/** What we have added to an answer when it was exported says nothing to us. */
function withoutExported(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !EXPORTED_ONLY.has(name)));
}

function describe(invalid: readonly InvalidParam[], path = ""): string {
  return `${invalid.map(({ name, reason }) => `${path}${name} ${reason}`).join("; ")}.`;
}

/**
 * The id of an answer that has none, the same whenever it is imported. Who answered when is enough to know
 * an answer by what it says, in any file; one that is anonymous or without a time has a twin too
 * easily, and is known by its file and line.
 */
function deriveId(file: ReadableFile, line: number, input: ResponseInput): string {
  const { externalId, email, phone } = input.person ?? {};
  const isKnown = input.respondedAt !== undefined && (externalId ?? email ?? phone) != null;
  const text = isKnown ? canonicalJson(input) : `${file.bytesSha256.toString("hex")}:${line}`;
  return `row-${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
}

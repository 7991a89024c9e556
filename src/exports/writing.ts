import type { TSchema } from "@sinclair/typebox";
import { ahead } from "../platform/pages.ts";
import { toCsvLine } from "../platform/spreadsheet.ts";

export const EXPORT_TYPES = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson; charset=utf-8" } as const;
export type ExportFormat = keyof typeof EXPORT_TYPES;

/**
 * The format that an `Accept` header asks for: CSV where it is preferred to NDJSON, else NDJSON,
 * also where nothing was asked for that we have.
 */
export function formatOf(accept: string | undefined): ExportFormat {
  const wanted = new Map<string, number>();
  for (const range of (accept ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    wanted.set(type, quality === undefined ? 1 : Number(quality) || 0);
  }
  const csv = wanted.get("text/csv") ?? wanted.get("text/*") ?? 0;
  return csv > (wanted.get("application/x-ndjson") ?? 0) ? "csv" : "ndjson";
}

/** Writes things as text, page by page; a CSV file begins with its header, also when it is empty. */
export async function* toText(
  pages: AsyncIterator<readonly object[]>,
  format: ExportFormat,
  columns: readonly string[],
): AsyncGenerator<string> {
  const paths = columns.map((column) => column.split("."));
  // With the first page, so that what cannot be read at all is an error, and no file that ends after its header.
  let header = format === "csv" ? toCsvLine(columns) : "";
  for await (const page of ahead(pages)) {
    const lines = page.map((thing) =>
      format === "csv" ? toCsvLine(paths.map((path) => cellOf(thing, path))) : `${JSON.stringify(thing)}\n`,
    );
    if (lines.length > 0) yield header + lines.join("");
    if (lines.length > 0) header = "";
  }
  if (header !== "") yield header;
}

/** Numbers, booleans and texts stand as they are, lists and objects as JSON. */
function cellOf(thing: object, path: readonly string[]): string | number | boolean | null {
  let value: unknown = thing;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "object") return JSON.stringify(value);
  return value as string | number | boolean;
}

/** The columns of a resource: its fields, and those of the things in it. */
export function columnsOf(schema: TSchema, known: readonly TSchema[] = [], path = ""): string[] {
  return Object.entries(schema["properties"] as Record<string, TSchema>).flatMap(([name, property]) => {
    const reference = (property["anyOf"] as TSchema[] | undefined)?.[0]?.$ref;
    const own = known.find(({ $id }) => reference === `${$id}#`) ?? property;
    return own["properties"] === undefined ? [path + name] : columnsOf(own, known, `${path}${name}.`);
  });
}

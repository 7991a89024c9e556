import { parse } from "csv-parse/sync";
import type { InvalidParam } from "../platform/errors.ts";
import { unguardFormula } from "../platform/spreadsheet.ts";
import { EXPORTED_ONLY, type Field, findField } from "./fields.ts";

/** What may stand between columns, the likeliest first. */
const DELIMITERS = [",", ";", "\t", "|"];

/** The delimiter of a CSV file: of those there may be, the one that stands most often in the header, outside of quotes. */
export function findDelimiter(file: string): string {
  const [bare = ""] = file
    .replaceAll(/"[^"]*"/g, "")
    .replace(/^[\r\n]+/, "")
    .split("\n", 1);
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ",";
}

/** The cells of each line. Quotes that are not doubled are text; a line may have any number of cells. */
export function parseCsv(text: string, delimiter: string): string[][] {
  return parse(text, {
    delimiter,
    recordDelimiter: ["\r\n", "\n"],
    relaxQuotes: true,
    relaxColumnCount: true,
    skipEmptyLines: true,
  });
}

/** What each column of a file is, in order; undefined for one that is passed over. */
export type Columns = readonly (Field | undefined)[];

/**
 * Finds what the columns mean. Mapped fields are taken from their columns; any other column is a field by its
 * own name. Those that are no field are passed over where a mapping says that names are the file's own;
 * without a mapping they are mistakes.
 * @param map the column of each field that has another name
 */
export function readHeader(
  header: readonly string[],
  map: Readonly<Record<string, string>>,
): { columns: Columns } | { invalid: InvalidParam[] } {
  const names = header.map((name) => unguardFormula(name).trim());
  const mapped = Object.entries(map);
  const invalid: InvalidParam[] = [];
  const fieldOfColumn = new Map<string, Field>();
  for (const [name, column] of mapped) {
    const field = findField(name);
    const position = names.indexOf(column.trim());
    if (field === undefined) invalid.push({ name: `map.${name}`, reason: "is not a known field" });
    else if (position === -1)
      invalid.push({ name: `map.${name}`, reason: `must be a column of the file, ${column} is none` });
    else if (fieldOfColumn.has(column.trim()))
      invalid.push({ name: `map.${name}`, reason: `must be another column: ${column} is taken` });
    else fieldOfColumn.set(column.trim(), field);
  }
  const taken = new Set(mapped.map(([name]) => name));
  const columns = names.map((name): Field | undefined => {
    const field = fieldOfColumn.get(name);
    if (field !== undefined) return field;
    const own = taken.has(name) ? undefined : findField(name);
    if (own === undefined && mapped.length === 0 && name !== "" && !EXPORTED_ONLY.has(name)) {
      invalid.push({ name: name.slice(0, 200), reason: "is not a known field: map it, like map.score=this column" });
    }
    return own;
  });
  const paths = columns.flatMap((field) => field?.path.join(".") ?? []);
  for (const path of new Set(paths.filter((name, index) => paths.indexOf(name) !== index))) {
    invalid.push({ name: path, reason: "has more than one column" });
  }
  if (invalid.length === 0 && !paths.includes("score")) {
    invalid.push({ name: "score", reason: "has no column: name it by map.score" });
  }
  return invalid.length > 0 ? { invalid: invalid.slice(0, 20) } : { columns };
}

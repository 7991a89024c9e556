import { invalidRequest } from "../platform/errors.ts";
import type { FollowUp } from "../responses/index.ts";
import type { ImportFormat, ImportOptions } from "./model.ts";
import { isTimeZone, timeReader } from "./times.ts";

/** What the caller asks for; and `map.<field>`, the column of that field. */
interface ImportQuestion {
  source?: string | undefined;
  timestampFormat?: string | undefined;
  timeZone?: string | undefined;
  followUp?: FollowUp | undefined;
  events?: boolean | undefined;
  [column: `map.${string}`]: unknown;
}

/**
 * How a file is to be imported, where all that was asked for can be.
 * @throws {AppError} `invalid_request`
 */
export function toImportOptions(query: ImportQuestion, format: ImportFormat): ImportOptions {
  const { source, timestampFormat, timeZone = "UTC", followUp = "OPEN", events = true } = query;
  const mapped = Object.entries(query).filter(([name]) => name.startsWith("map."));
  const map = Object.fromEntries(mapped.map(([name, column]) => [name.slice("map.".length), String(column)]));
  const invalid = [
    ...(isTimeZone(timeZone) ? [] : [{ name: "timeZone", reason: "must be an IANA time zone, like Europe/Berlin" }]),
    ...(timestampFormat === undefined || timeReader(timestampFormat, "UTC") !== undefined
      ? []
      : [{ name: "timestampFormat", reason: "must be UNIX_SECONDS, EXCEL_SERIAL or a pattern like M/d/yyyy H:mm:ss" }]),
    ...(format === "NDJSON" ? mapped.map(([name]) => ({ name, reason: "is for the columns of text/csv" })) : []),
  ];
  if (invalid.length > 0) throw invalidRequest(invalid);
  return { source, map, timestampFormat, timeZone, followUp, events };
}

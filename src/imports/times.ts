import { Temporal } from "temporal-polyfill";

/** Makes RFC 3339 of a time as it is written in a file; undefined where it is not written so. */
export type ReadTime = (text: string) => string | undefined;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Excel counts days from here, so that 60 is the 29th of February 1900, which never was. */
const EXCEL_EPOCH = Date.UTC(1899, 11, 30);
const HOURS_REMEMBERED_MAX = 10_000;

type Part = "year" | "month" | "day" | "hour" | "halfHour" | "minute" | "second" | "fraction" | "half";

/** The letters of a pattern, in the spelling of Unicode (UTS 35), as CLDR, Java and Excel know them. */
const TOKENS: Record<string, [Part, string]> = {
  yyyy: ["year", "\\d{4}"],
  yy: ["year", "\\d{2}"],
  MM: ["month", "\\d{2}"],
  M: ["month", "\\d{1,2}"],
  dd: ["day", "\\d{2}"],
  d: ["day", "\\d{1,2}"],
  HH: ["hour", "\\d{2}"],
  H: ["hour", "\\d{1,2}"],
  hh: ["halfHour", "\\d{2}"],
  h: ["halfHour", "\\d{1,2}"],
  mm: ["minute", "\\d{2}"],
  m: ["minute", "\\d{1,2}"],
  ss: ["second", "\\d{2}"],
  s: ["second", "\\d{1,2}"],
  SSS: ["fraction", "\\d{3}"],
  a: ["half", "[AaPp]\\.?[Mm]\\.?"],
};

/**
 * A reader of times: `UNIX_SECONDS`, `EXCEL_SERIAL` (days since 1900), or a pattern like `M/d/yyyy H:mm:ss`.
 * A local time that came twice when clocks were put back is the first of the two; one that was left
 * out when they were put forward is as much later as was left out.
 * @param timeZone IANA name, for times without an offset
 * @returns undefined for a format there is not
 */
export function timeReader(format: string, timeZone: string): ReadTime | undefined {
  const toInstant = localTime(timeZone);
  if (format === "UNIX_SECONDS") {
    return (text) => (/^-?\d{1,11}(\.\d+)?$/.test(text) ? toText(Math.round(Number(text) * 1000)) : undefined);
  }
  if (format === "EXCEL_SERIAL") {
    // Rounded to the second: a serial number is a fraction of a day and never exact.
    return (text) =>
      /^\d{1,7}(\.\d+)?$/.test(text)
        ? toText(toInstant(EXCEL_EPOCH + Math.round((Number(text) * DAY_MS) / 1000) * 1000))
        : undefined;
  }
  const pattern = parsePattern(format);
  if (pattern === undefined) return undefined;
  return (text) => {
    const local = readLocal(pattern, text);
    return local === undefined ? undefined : toText(toInstant(local));
  };
}

/** Whether this is a name of the IANA time zone database that Node knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

function toText(time: number): string | undefined {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

interface Pattern {
  matches: RegExp;
  parts: Part[];
}

/** A day at least must be said, each part once, and half a day with its half. */
function parsePattern(format: string): Pattern | undefined {
  const parts: Part[] = [];
  let source = "";
  for (const [piece] of format.matchAll(/([A-Za-z])\1*|'[^']*'|[^A-Za-z]/g)) {
    const token = Object.hasOwn(TOKENS, piece) ? TOKENS[piece] : undefined;
    if (token !== undefined) {
      parts.push(token[0]);
      source += `(${token[1]})`;
    } else if (/^[A-Za-z]/.test(piece)) return undefined;
    else source += escape(piece.startsWith("'") && piece.length > 1 ? piece.slice(1, -1) || "'" : piece);
  }
  const has = (part: Part) => parts.includes(part);
  const isWhole = has("year") && has("month") && has("day") && has("halfHour") === has("half");
  if (!isWhole || new Set(parts).size < parts.length || (has("hour") && has("halfHour"))) return undefined;
  return { matches: new RegExp(`^${source}$`, "u"), parts };
}

function escape(literal: string): string {
  return literal.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&");
}

/** The time as if it were in UTC, in milliseconds; undefined for what no clock shows. */
function readLocal({ matches, parts }: Pattern, text: string): number | undefined {
  const found = matches.exec(text);
  if (found === null) return undefined;
  const read: Partial<Record<Part, number>> = {};
  for (const [index, part] of parts.entries()) {
    const piece = found[index + 1] ?? "";
    read[part] = part === "half" ? (/^p/i.test(piece) ? 12 : 0) : Number(piece);
  }
  const { year = 0, month = 0, day = 0, minute = 0, second = 0, fraction = 0, half, halfHour = 0 } = read;
  const hour = half === undefined ? (read.hour ?? 0) : (halfHour % 12) + half;
  if (half !== undefined && (halfHour < 1 || halfHour > 12)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fullYear = year < 100 ? 2000 + year : year;
  const time = Date.UTC(fullYear, month - 1, day, hour, minute, second, fraction);
  const date = new Date(time);
  // The 30th of February is not the 2nd of March.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? time : undefined;
}

/**
 * From a local time, written as if it were UTC, to the instant. Asking the zone costs more than all
 * else about a row, so it is asked once an hour of the file's times.
 */
function localTime(timeZone: string): (local: number) => number {
  if (/^(UTC|Etc\/UTC|GMT|Z)$/i.test(timeZone)) return (local) => local;
  const ask = (local: number) =>
    Temporal.Instant.fromEpochMilliseconds(local).toZonedDateTimeISO("UTC").toPlainDateTime().toZonedDateTime(timeZone)
      .epochMilliseconds;
  const known = new Map<number, number | null>();
  return (local) => {
    const hour = Math.floor(local / HOUR_MS);
    let offset = known.get(hour);
    if (offset === undefined) {
      const [first, last] = [hour * HOUR_MS, (hour + 1) * HOUR_MS - 1].map((edge) => edge - ask(edge));
      // Null for an hour in which clocks are changed.
      offset = first === last ? (first ?? null) : null;
      if (known.size >= HOURS_REMEMBERED_MAX) known.clear();
      known.set(hour, offset);
    }
    return offset === null ? ask(local) : local - offset;
  };
}

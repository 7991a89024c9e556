import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError, invalidRequest } from "./errors.ts";

/** No body of ours nests deeper than 6; more is somebody probing. */
const DEPTH_MAX = 32;

/**
 * Parses a JSON body and refuses what `JSON.parse` lets pass: bytes that are no UTF-8, keys that
 * stand twice (the second would silently win), `__proto__`, and absurd nesting.
 * @throws {AppError} `invalid_request`
 */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new AppError("invalid_request", "The body is not UTF-8.");
  const text = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const why = text.startsWith("\ufeff") ? ": it begins with a byte-order mark" : "";
    throw new AppError("invalid_request", `The body is not valid JSON${why}.`);
  }
  // A key that stood twice is parsed once. Every text before a colon is a key: only then are they counted.
  if (countKeys(value, 1) !== countWrittenKeys(text)) throw invalidRequest([findRepeatedKey(text)]);
  return value;
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth > DEPTH_MAX) throw new AppError("invalid_request", `The body nests deeper than ${DEPTH_MAX} levels.`);
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  // Every request comes by here, so no list of pairs is made of it.
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    if (key === "__proto__") throw invalidRequest([{ name: "__proto__", reason: "is not a known field" }]);
    count += 1 + countKeys(object[key], depth + 1);
  }
  return count;
}

function countWrittenKeys(text: string): number {
  let count = 0;
  let start = text.indexOf('"');
  while (start !== -1) {
    const end = endOfString(text, start);
    if (isKey(text, end)) count += 1;
    start = text.indexOf('"', end);
  }
  return count;
}

/** Behind the string that starts here, in a valid JSON text. A loop and no expression: a comment may be long. */
function endOfString(text: string, start: number): number {
  let end = start;
  let backslashes = 0;
  do {
    end = text.indexOf('"', end + 1);
    backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
  } while (backslashes % 2 === 1);
  return end + 1;
}

/** Whether the string that ends here is a key. */
function isKey(text: string, end: number): boolean {
  let next = end;
  while (" \t\r\n".includes(text[next] ?? "x")) next += 1;
  return text[next] === ":";
}

/** Walks the text once more to name the key by its path; only a body that is refused anyway pays for it. */
function findRepeatedKey(text: string): { name: string; reason: string } {
  const open: { seen: Set<string>; key: string }[] = [];
  let previousEnd = 0;
  for (let start = text.indexOf('"'); start !== -1; start = text.indexOf('"', previousEnd)) {
    const end = endOfString(text, start);
    for (const brace of text.slice(previousEnd, start).match(/[{}]/g) ?? []) {
      if (brace === "{") open.push({ seen: new Set(), key: "" });
      else open.pop();
    }
    previousEnd = end;
    const object = open.at(-1);
    if (!isKey(text, end) || object === undefined) continue;
    object.key = String(JSON.parse(text.slice(start, end)));
    if (object.seen.has(object.key)) {
      return { name: open.map(({ key }) => key).join("."), reason: "stands twice in the same object" };
    }
    object.seen.add(object.key);
  }
  return { name: "body", reason: "has a key twice in the same object" };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A JSON Merge Patch (RFC 7396): what is given is set, objects are merged, lists replaced, and null clears.
 * @param patch null clears everything, undefined changes nothing
 */
export function mergePatch<T extends object>(target: T, patch: object | null | undefined): T {
  if (patch === undefined) return target;
  const merged: Record<string, unknown> = { ...(patch === null ? {} : target) };
  for (const [name, value] of Object.entries(patch ?? {})) {
    const before = merged[name];
    if (value === null) delete merged[name];
    else merged[name] = isObject(value) ? mergePatch(isObject(before) ? before : {}, value) : value;
  }
  return merged as T;
}

/** The value as JSON with sorted keys and no white space: equal values make equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : item,
  );
}

/** SHA-256 of the canonical form. */
export function hashJson(value: unknown): Buffer {
  return createHash("sha256").update(canonicalJson(value)).digest();
}

/** Without the fields that are undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

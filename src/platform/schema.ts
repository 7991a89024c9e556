import { FormatRegistry, type Static, type TSchema, Type } from "@sinclair/typebox";

/** Every string but a comment. */
export const STRING_LENGTH_MAX = 255;

/**
 * Text that PostgreSQL can hold and give back unchanged: no NUL, and no half of a surrogate pair,
 * which UTF-8 would silently replace.
 */
export function isText(value: string): boolean {
  return !value.includes("\u0000") && value.isWellFormed();
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** RFC 3339 with offset. Leap seconds are refused: neither `Date` nor PostgreSQL keeps them. */
export function isDateTime(value: string): boolean {
  if (!RFC3339.test(value) || !isDate(value.slice(0, 10))) return false;
  // An offset can lead out of the years that both write with four digits.
  return /^(?!0000)\d{4}-/.test(new Date(value).toISOString());
}

/**
 * The time as a bound of a filter. Stored times have milliseconds, so a bound between two of them is
 * the later one: `from` takes and `to` leaves the same answers as with the exact bound.
 * @param value a valid RFC 3339 time
 */
export function toBound(value: string): Date {
  const finer = /\.\d{3}(\d*)/.exec(value)?.[1] ?? "";
  return new Date(Date.parse(value) + (/[1-9]/.test(finer) ? 1 : 0));
}

/**
 * A valid RFC 3339 time in one form, with all of its digits: UTC with nine decimals, so that texts
 * compare as times do. `Date` would cut it to milliseconds.
 */
export function toInstant(value: string): string {
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? "";
  return `${new Date(value).toISOString().slice(0, 19)}.${fraction.padEnd(9, "0").slice(0, 9)}Z`;
}

/** A day of the calendar, `2026-02-30` is none. */
export function isDate(value: string): boolean {
  const day = new Date(`${value}T00:00:00Z`);
  return (
    /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)
  );
}

export function isId(value: string): boolean {
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);
}

/** A name that can stand in a path and before a colon. */
export function isKey(value: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value);
}

/** Each format with its test and the words for a caller who missed it. */
export const FORMATS = {
  text: { test: isText, reason: "must not contain NUL characters or unpaired surrogates" },
  filled: {
    test: (value: string) => isText(value) && value.trim() !== "",
    reason: "must not be blank, nor contain NUL characters or unpaired surrogates",
  },
  "date-time": { test: isDateTime, reason: "must be an RFC 3339 time with offset, like 2026-05-04T09:12:00Z" },
  date: { test: isDate, reason: "must be a date, like 2026-05-04" },
  uuid: { test: isId, reason: "must be an id (UUID)" },
  email: {
    test: (value: string) => isText(value) && /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u.test(value),
    reason: "must be an e-mail address",
  },
  printable: {
    test: (value: string) => /^[\x20-\x7e]+$/.test(value),
    reason: "must be 1 to 255 printable ASCII characters",
  },
  phone: { test: (value: string) => isText(value) && /\d/.test(value), reason: "must be a telephone number" },
  url: {
    test: (value: string) => isText(value) && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    reason: "must be an http or https URL",
  },
  key: {
    test: isKey,
    reason: "must be letters, digits, dots, hyphens and underscores",
  },
  header: {
    test: (value: string) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value),
    reason: "must be the name of an HTTP header, like X-Webhook-Token",
  },
  "time-of-day": {
    test: (value: string) => /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(value),
    reason: "must be a time of day, like 09:00",
  },
  currency: { test: (value: string) => /^[A-Z]{3}$/.test(value), reason: "must be an ISO 4217 code, like EUR" },
} as const;

/** The formats as validators take them. */
export const FORMAT_TESTS = Object.fromEntries(Object.entries(FORMATS).map(([name, { test }]) => [name, test]));

for (const [name, test] of Object.entries(FORMAT_TESTS)) FormatRegistry.Set(name, test);

/** Text of 1 to 255 characters. */
export const Text = (options: { maxLength?: number; minLength?: number; description?: string } = {}) =>
  Type.String({ format: "filled", minLength: 1, maxLength: STRING_LENGTH_MAX, ...options });

export const Id = (description?: string) =>
  Type.String({ format: "uuid", ...(description === undefined ? {} : { description }) });
/** In: RFC 3339 with any offset. Out: UTC with milliseconds. */
export const DateTime = (description?: string) =>
  Type.String({ format: "date-time", maxLength: 64, ...(description === undefined ? {} : { description }) });
export const CalendarDate = (description?: string) =>
  Type.String({ format: "date", ...(description === undefined ? {} : { description }) });

/** One of the words of a closed list, which stands once, as `const WORDS = [...] as const`. */
export function OneOf<const Words extends readonly string[]>(words: Words, options: { description?: string } = {}) {
  return Type.Unsafe<Words[number]>({ type: "string", enum: words, ...options });
}

/** The same schema or null, said as a type list so that an error names one reason instead of two. */
export function Nullable<S extends TSchema>(schema: S) {
  const { type, enum: words } = schema as { type?: string; enum?: readonly string[] } & TSchema;
  return Type.Unsafe<Static<S> | null>({
    ...schema,
    type: [type, "null"],
    ...(words === undefined ? {} : { enum: [...words, null] }),
  });
}

/** Why fields of certain names, which callers may expect, are not there. */
export interface Absence {
  /** Of the names, as a regular expression. */
  pattern: string;
  reason: string;
}
/** The keyword of an object's schema under which they stand. */
export const ABSENCE = "x-absent-fields";

/** An object that takes its own fields and no others. */
export function Strict<Properties extends Record<string, TSchema>>(
  properties: Properties,
  { absent, ...options }: { $id?: string; description?: string; absent?: Absence } = {},
) {
  return Type.Object(properties, {
    additionalProperties: false,
    ...options,
    ...(absent === undefined ? {} : { [ABSENCE]: absent }),
  });
}

/** More values of one query parameter are no question a person asks. */
const VALUES_MAX = 100;

/** A query parameter that may be given several times, meaning any of the values. */
export function AnyOf<S extends TSchema>(item: S) {
  // A parameter is described by itself, and not by what it is a list of.
  const { description, ...undescribed } = item;
  const options = { maxItems: VALUES_MAX, ...(description !== undefined && { description }) };
  return Type.Optional(Type.Array(undescribed as S, options));
}

/** What a boolean parameter asks for: asked for both, it asks for neither. */
export function eitherOf(values: readonly boolean[] | undefined): boolean | undefined {
  return new Set(values).size === 1 ? values?.[0] : undefined;
}

/** Stands for a schema that was registered by its `$id`: validated, typed and documented once. */
export function ref<S extends TSchema>(schema: S) {
  return Type.Unsafe<Static<S>>({ $ref: `${schema.$id}#` });
}

/** What `ref` stands for, or null. */
export function nullableRef<S extends TSchema>(schema: S, options: { description?: string } = {}) {
  return Type.Unsafe<Static<S> | null>({ anyOf: [{ $ref: `${schema.$id}#` }, { type: "null" }], ...options });
}

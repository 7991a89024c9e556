import { type TSchema, Type } from "@sinclair/typebox";
import { invalidRequest } from "./errors.ts";
import { isDate, isDateTime, isId, isText, Nullable, Strict, Text } from "./schema.ts";

export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;

/** For the longest key, 255 characters of four bytes each, with room. */
const CURSOR_LENGTH_MAX = 4000;

/** The query parameters of every list. */
export const PageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT, description: "How many at the most" }),
  ),
  cursor: Type.Optional(Text({ maxLength: CURSOR_LENGTH_MAX, description: "`nextCursor` of the page before" })),
};

/** A page of a list: `data`, and the cursor of the next page or null at the end. */
export function PageOf<S extends TSchema>(item: S, $id: string) {
  return Strict(
    {
      data: Type.Array(item, { description: "What is on this page, in the order of the list" }),
      nextCursor: Nullable(
        Type.String({ description: "Send it as `cursor` for the page after; null: this was the last" }),
      ),
    },
    { $id, description: "A page of a list" },
  );
}

export interface Page<Item> {
  data: Item[];
  nextCursor: string | null;
}

/** Where a page begins: after the row with this sort value and id, in the order it was made for. */
export interface Cursor {
  order: string;
  value: string;
  id: string;
}

/** Of a list whose sort value is enough by itself. */
export const NO_ID = "00000000-0000-0000-0000-000000000000";

const TIME_LENGTH_MAX = 64;
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
const isLost = (number: string) => Number(number) === 0 && /^[^e]*[1-9]/i.test(number);

/** What the sort values of a list look like: a cursor with another is none of ours. */
const IS_VALUE = {
  // As PostgreSQL takes them too: of times no more than so many characters, of numbers none that is lost in a double.
  time: (text: string) => text.length <= TIME_LENGTH_MAX && isDateTime(text),
  number: (text: string) => NUMBER.test(text) && Number.isFinite(Number(text)) && !isLost(text),
  place: (text: string) => /^\d{1,15}$/.test(text),
  date: (text: string) => isDate(text) || text === "infinity",
  text: isText,
  id: isId,
};

/** The cursor as callers get it: text that says nothing to them. */
export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.order, cursor.value, cursor.id])).toString("base64url");
}

/**
 * @param order what the list is sorted by
 * @param name how the caller calls the parameter: `cursor` by REST, `after` by GraphQL
 * @throws {AppError} `invalid_request` for a cursor of another order, or one we never made
 */
export function decodeCursor(
  text: string | undefined,
  order: string,
  name: string,
  values: keyof typeof IS_VALUE = "time",
): Cursor | undefined {
  if (text === undefined) return undefined;
  try {
    const [madeFor, value, id] = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    const isOurs = typeof value === "string" && IS_VALUE[values](value);
    if (madeFor === order && isOurs && typeof id === "string" && isId(id)) return { order, value, id };
  } catch {
    // Falls through to the one error: what is wrong inside is nobody's business.
  }
  throw invalidRequest([{ name, reason: "is not a cursor of this list; take it from the page before" }]);
}

/** Cuts the row too many that was fetched to see whether there is another page. */
export function toPage<Item>(items: Item[], limit: number, cursorOf: (item: Item) => Cursor): Page<Item> {
  const data = items.slice(0, limit);
  const last = data.at(-1);
  return { data, nextCursor: items.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null };
}

import { isUtf8 } from "node:buffer";
import { parse } from "qs";

/** A body that cannot be read; `message` is the reason to show. */
export class UnreadableBody extends Error {}

const DEPTH_MAX = 32;
const FORM_FIELDS_MAX = 2_000;

/**
 * Reads a delivery by its content type: JSON and `*+json`, forms with nested brackets, multipart. Without
 * a type, or with another, it is taken for JSON.
 * @param keepsIds whether whole numbers of JSON beyond what a double holds stay as they are written, as texts
 * @throws {UnreadableBody}
 */
export async function readBody(body: Buffer, contentType: string | undefined, keepsIds: boolean): Promise<unknown> {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === "multipart/form-data") return readMultipart(body, contentType ?? "");
  if (!isUtf8(body)) throw new UnreadableBody("the body is not UTF-8");
  if (type === "application/x-www-form-urlencoded") return readForm(body.toString("utf8"));
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"), keepsIds ? exactly : undefined);
  } catch {
    throw new UnreadableBody("the body is not valid JSON");
  }
  if (isDeeperThan(value, DEPTH_MAX)) throw new UnreadableBody(`the body nests deeper than ${DEPTH_MAX} levels`);
  return value;
}

/** Of whole numbers beyond what a double holds the text: as ids they would become each other. */
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && source !== undefined && /^-?\d+$/.test(source) ? source : value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

function readForm(text: string): unknown {
  return parse(text, { depth: DEPTH_MAX, parameterLimit: FORM_FIELDS_MAX, plainObjects: true, allowSparse: false });
}

/** The texts of a multipart body; files are no answers. */
async function readMultipart(body: Buffer, contentType: string): Promise<unknown> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } }).formData();
    const pairs = [...form].filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return readForm(new URLSearchParams(pairs).toString());
  } catch {
    throw new UnreadableBody("the body is not valid multipart/form-data");
  }
}

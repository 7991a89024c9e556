import { Type } from "@sinclair/typebox";
import { AppError, invalidRequest } from "./errors.ts";

const HEADER = "if-match";

/** Of commands on a thing that counts its changes. */
export const IfMatchHeaders = {
  [HEADER]: Type.Optional(
    Type.String({ maxLength: 255, description: 'Only if the thing is still at this `version`, like `"3"`; else 409' }),
  ),
} as const;

/**
 * The versions that the caller will have, as an `If-Match` of RFC 9110 says them; undefined for any. A weak
 * tag matches nothing.
 * @throws {AppError} `invalid_request` for a header that is none
 */
export function readIfMatch(headers: Record<string, unknown>): readonly string[] | undefined {
  const given = headers[HEADER];
  if (typeof given !== "string" || given.trim() === "*") return undefined;
  const tags = given.split(",").map((tag) => tag.trim());
  if (tags.some((tag) => !/^(W\/)?"[^"]*"$/.test(tag))) {
    throw invalidRequest([{ name: HEADER, reason: 'must be a version in quotes, like "3"' }]);
  }
  return tags.flatMap((tag) => (tag.startsWith("W/") ? [] : tag.slice(1, -1)));
}

/** The thing is at another version than the caller wanted: nothing was tried, so nothing of it is kept. */
export class PreconditionError extends AppError {}

/** @throws {PreconditionError} `conflict` when the thing is at none of these versions */
export function requireVersion(version: number, wanted: readonly string[] | undefined): void {
  if (wanted === undefined || wanted.includes(String(version))) return;
  throw new PreconditionError("conflict", `It is at version ${version} by now: read it again, and decide anew.`);
}

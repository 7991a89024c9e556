import { ERROR_STATUS, type ErrorCode } from "./errors.ts";

/** What each code means to a caller, and what to do about it. */
const MEANING: Record<ErrorCode, string> = {
  invalid_request:
    "Something in the request is wrong; `invalidParams` names each field. Mend it before sending it again.",
  unauthenticated: "No credential was sent, or one that is not known, was revoked, or has expired.",
  forbidden: "The credential lacks the scope of this operation; `detail` names it.",
  not_found: "There is nothing with an id of the path or the body, or it is another workspace's.",
  conflict: "It contradicts what is there; `detail` says what, and `existingId` names what is there already.",
  idempotency_in_progress: "A request with this `Idempotency-Key` is still under way. Send the same again in a moment.",
  invalid_transition: "The case's status does not allow this; `allowedMoves` says what it allows.",
  payload_too_large: "The body is larger than this operation takes.",
  unsupported_media_type: "The body has another content type or encoding than this operation takes.",
  idempotency_mismatch: "This `Idempotency-Key` was sent before with something else. Take a new key for a new request.",
  rate_limited: "Too many requests by this credential or from this address. Wait as long as `Retry-After` says.",
  internal:
    "Something went wrong here, and was logged under `requestId`. Send the same again, so that it is done once: with the same `Idempotency-Key`, or `source` and `externalId`.",
  unavailable:
    "There is too much to do, or the database is away; without `SECRETS_KEY` there is nothing to keep secrets by. Where the connection was lost at the end it may have been done: send the same again, so that it is done once, with the same `Idempotency-Key`, or `source` and `externalId`.",
};

/** The headers that come with an error, by the names of their components. */
const HEADERS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "WWW-Authenticate",
  rate_limited: "Retry-After",
  idempotency_in_progress: "Retry-After",
  unavailable: "Retry-After",
};

export const HEADER_COMPONENTS = {
  "WWW-Authenticate": { description: "`Bearer`", schema: { type: "string" }, example: "Bearer" },
  "Retry-After": { description: "After how many seconds to try again", schema: { type: "integer" }, example: 1 },
  "RateLimit-Limit": {
    description: "How many requests in a second; absent where the installation sets no limit",
    schema: { type: "integer" },
    example: 2000,
  },
  "RateLimit-Remaining": { description: "How many of them are left", schema: { type: "integer" }, example: 1999 },
  "RateLimit-Reset": {
    description: "After how many seconds there are as many again",
    schema: { type: "integer" },
    example: 1,
  },
  "Idempotent-Replayed": {
    description: "`true` where this is the answer that the first request with this `Idempotency-Key` got",
    schema: { type: "string", enum: ["true"] },
    example: "true",
  },
};

const pascal = (code: string) => code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** One answer for all of these codes, which have the same status. */
function responseOf(codes: readonly ErrorCode[]): ErrorResponse {
  const names = new Set(codes.flatMap((code) => HEADERS[code] ?? []));
  const headers = Object.fromEntries([...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  return {
    description: codes.map((code) => `\`${code}\`: ${MEANING[code]}`).join("\n\n"),
    ...(names.size === 0 ? {} : { headers }),
    content: {
      "application/problem+json": {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

interface ErrorResponse {
  description: string;
  headers?: Record<string, object>;
  content: Record<string, object>;
}

/** The answers that are the same wherever one code alone has its status, by the names of their components. */
export const ERROR_COMPONENTS = Object.fromEntries(
  (Object.keys(ERROR_STATUS) as ErrorCode[]).map((code) => [pascal(code), responseOf([code])]),
);

/**
 * The error answers of an operation by their statuses.
 * @param others what else it answers with such a status, by content type
 */
export function errorResponses(
  codes: Iterable<ErrorCode>,
  others: Record<string, Record<string, object>> = {},
): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERROR_STATUS[code]);
  const sorted = [...byStatus].toSorted(([a], [b]) => a - b);
  return Object.fromEntries(
    sorted.map(([status, [first, ...more]]) => {
      const other = others[status];
      if (more.length === 0 && other === undefined) return [status, refTo(first)];
      const response = responseOf([...(first === undefined ? [] : [first]), ...more]);
      return [status, { ...response, content: { ...response.content, ...other } }];
    }),
  );
}

const refTo = (code: ErrorCode | undefined) => ({ $ref: `#/components/responses/${pascal(code ?? "")}` });

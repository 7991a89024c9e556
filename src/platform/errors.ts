/**
 * Every code a caller can meet, with its HTTP status. The list is closed: a new failure takes one
 * of these, because callers branch on them.
 */
export const ERROR_STATUS = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  idempotency_in_progress: 409,
  invalid_transition: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  idempotency_mismatch: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One wrong part of a request: `name` is the path of the field (`person.email`), `reason` says how to mend it. */
export interface InvalidParam {
  name: string;
  reason: string;
}

export interface ErrorDetails {
  invalidParams?: InvalidParam[];
  /** With `conflict`: the thing that is already there. */
  existingId?: string;
  /** With `invalid_transition`: the calls that would be taken instead. */
  allowedMoves?: string[];
  /** Logged at the boundary, never shown. */
  cause?: unknown;
}

/** A failure with a public `message`. Anything else that is thrown reaches the caller as `internal`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly invalidParams: InvalidParam[] | undefined;
  readonly existingId: string | undefined;
  readonly allowedMoves: string[] | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = "AppError";
    this.code = code;
    this.invalidParams = details.invalidParams;
    this.existingId = details.existingId;
    this.allowedMoves = details.allowedMoves;
  }
}

/** The error for fields that are wrong; `invalidParams` must not be empty. */
export function invalidRequest(invalidParams: InvalidParam[]): AppError {
  const detail = invalidParams.map(({ name, reason }) => `${name} ${reason}`).join("; ");
  return new AppError("invalid_request", `${detail}.`, { invalidParams });
}

import type { InvalidParam } from "../platform/errors.ts";
import type { ResponseInput } from "./model.ts";

const TIMES_FROM = Date.UTC(1970, 0, 1);
/** Clocks of senders run ahead, and so do time zones taken for UTC. */
const AHEAD_MS = 24 * 3_600_000;

/** Whether an answer can have been given, or changed, at this time. */
export function isInRange(text: string, now: Date): boolean {
  const time = Date.parse(text);
  return time >= TIMES_FROM && time <= now.getTime() + AHEAD_MS;
}

/** What the schema cannot say: fields that do not go together, and times out of range. */
export function findContradictions(
  {
    respondedAt,
    updatedAt,
    person,
    account,
  }: Pick<ResponseInput, "respondedAt" | "person" | "account"> & { updatedAt?: string },
  now: Date,
): InvalidParam[] {
  const invalid: InvalidParam[] = [];
  for (const [name, text] of Object.entries({ respondedAt, updatedAt })) {
    if (text !== undefined && !isInRange(text, now)) {
      invalid.push({ name, reason: "must be between 1970 and 24 hours from now" });
    }
  }
  if (person && account) {
    invalid.push({ name: "account", reason: "goes inside person when the person is known: give one of the two" });
  }
  if (person && [person.externalId, person.email, person.phone].every((identity) => identity == null)) {
    invalid.push({ name: "person", reason: "must have an externalId, email or phone to be known by" });
  }
  return invalid;
}

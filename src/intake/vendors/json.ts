import { follow } from "../pointer.ts";
import { type Reading, type ReadingContext, toReading, withMapping } from "../reading.ts";

/** Any body: each field stands where the mapping's JSON Pointer leads. */
export function readJson(payload: unknown, { mapping }: ReadingContext): Reading {
  return toReading(
    withMapping({}, mapping, (pointer) => follow(payload, pointer)),
    mapping,
  );
}

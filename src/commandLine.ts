import { parseArgs } from "node:util";

/** A command line that makes no sense; the usage is shown with it. */
export class UsageError extends Error {}

/** What was said with `--`. */
export type Options = ReturnType<typeof parse>["values"];

/** Reads the command line. @throws {UsageError} for an option that there is not */
export function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: "string" },
        "time-zone": { type: "string" },
        id: { type: "string" },
        format: { type: "string" },
        source: { type: "string" },
        map: { type: "string", multiple: true },
        "timestamp-format": { type: "string" },
        "follow-up": { type: "string" },
        "no-events": { type: "boolean" },
        again: { type: "boolean" },
        all: { type: "boolean" },
        check: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @throws {UsageError} naming an option that is missing */
export function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`${option} is missing`);
  return value;
}

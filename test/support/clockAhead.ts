// Loaded before a program whose machine's clock is an hour fast.
const AHEAD_MS = 3_600_000;
const now = Date.now.bind(Date);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args: [] | [string | number | Date]) {
    if (args.length === 0) super(now() + AHEAD_MS);
    else super(...args);
  }

  static override now(): number {
    return now() + AHEAD_MS;
  }
} as DateConstructor;

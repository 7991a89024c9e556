/** A row of a file as its bytes, without the end of its line; `line` is where it begins, from 1. */
export interface FileRecord {
  line: number;
  bytes: Buffer;
  /** The bytes with everything up to the next record, as they are in the file. */
  raw: Buffer;
  /** Why it is none: it is too long, or a quote of it never ends. */
  fault?: string;
}

/** What one answer may measure anywhere else. */
const RECORD_BYTES_MAX = 256 * 1024;
const [NEWLINE, RETURN, QUOTE] = [10, 13, 34];

/**
 * Cuts a stream of bytes into records: NDJSON where a line ends, CSV where a line ends outside of quotes,
 * by which a quote opens only at the beginning of a field. Holds no more than one record and what was pushed.
 * A quote that never closes costs its own line and none of those after it.
 */
export class RecordSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #line: number;
  /** In the middle of a line that is too long. */
  #isSkipping = false;
  readonly #delimiter: number | undefined;

  /** @param delimiter between the fields of CSV; undefined for NDJSON */
  constructor(firstLine: number, delimiter?: string) {
    this.#line = firstLine;
    this.#delimiter = delimiter?.charCodeAt(0);
  }

  /** Yields the records that are complete with these bytes, blank lines too. */
  *push(bytes: Buffer): Generator<FileRecord> {
    yield* this.#split(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]), false);
  }

  /** Yields what is left when there are no more bytes. */
  *end(): Generator<FileRecord> {
    yield* this.#split(this.#rest, true);
  }

  *#split(buffer: Buffer, isEnd: boolean): Generator<FileRecord> {
    let start = 0;
    // Looked for once and not for each record, or a file without quotes would be searched again and again.
    let quote = this.#delimiter === undefined ? -1 : buffer.indexOf(QUOTE);
    while (start < buffer.length) {
      if (this.#isSkipping) {
        const newline = buffer.indexOf(NEWLINE, start);
        if (newline !== -1) this.#line += 1;
        this.#isSkipping = newline === -1;
        start = newline === -1 ? buffer.length : newline + 1;
        continue;
      }
      if (quote !== -1 && quote < start) quote = buffer.indexOf(QUOTE, start);
      const end = this.#endOf(buffer, start, quote, isEnd);
      const size = (end ?? buffer.length) - start;
      if (end !== undefined && size <= RECORD_BYTES_MAX) {
        yield this.#take(buffer, start, end);
        start = end;
      } else if (size > RECORD_BYTES_MAX || isEnd) {
        const newline = buffer.indexOf(NEWLINE, start);
        const next = newline === -1 ? buffer.length : newline + 1;
        const none = buffer.subarray(start, start);
        const fault = next - start > RECORD_BYTES_MAX ? "is longer than 256 kB" : "has a quote that is not closed";
        yield { line: this.#line, bytes: none, raw: none, fault };
        if (newline !== -1) this.#line += 1;
        this.#isSkipping = newline === -1;
        start = next;
      } else break;
    }
    this.#rest = Buffer.from(buffer.subarray(start));
  }

  #take(buffer: Buffer, start: number, end: number): FileRecord {
    const raw = buffer.subarray(start, end);
    let length = raw.length;
    if (raw[length - 1] === NEWLINE) length -= 1;
    if (raw[length - 1] === RETURN) length -= 1;
    const bytes = raw.subarray(0, length);
    const line = this.#line;
    for (let at = raw.indexOf(NEWLINE); at !== -1; at = raw.indexOf(NEWLINE, at + 1)) this.#line += 1;
    return { line, bytes, raw };
  }

  /** Where the record ends, its line end included; undefined where that is not to be seen yet. */
  #endOf(buffer: Buffer, start: number, quote: number, isEnd: boolean): number | undefined {
    const last = isEnd ? buffer.length : undefined;
    const newline = buffer.indexOf(NEWLINE, start);
    if (quote === -1 || (newline !== -1 && newline < quote)) return newline === -1 ? last : newline + 1;
    let isFieldStart = true;
    let isQuoted = false;
    for (let at = start; at < buffer.length; at += 1) {
      const byte = buffer[at];
      if (isQuoted) {
        if (byte !== QUOTE) continue;
        const next = buffer[at + 1];
        if (next === QUOTE) at += 1;
        // Any other ends it, also where text follows: for csv-parse that field is then as it stands, quotes and all.
        else isQuoted = false;
      } else if (byte === NEWLINE) return at + 1;
      else if (byte === QUOTE && isFieldStart) isQuoted = true;
      isFieldStart = byte === this.#delimiter && !isQuoted;
    }
    return isQuoted ? undefined : last;
  }
}

/** The records of a text that is all here, which begins with line `firstLine` of its file. */
export function splitRecords(bytes: Buffer, firstLine: number, delimiter: string | null): FileRecord[] {
  const splitter = new RecordSplitter(firstLine, delimiter ?? undefined);
  return [...splitter.push(bytes), ...splitter.end()];
}

/** Whether there is nothing on the line but white space. */
export function isBlank({ bytes }: FileRecord): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === RETURN);
}

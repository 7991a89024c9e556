import { AppError } from "../platform/errors.ts";
import { boundMemory } from "../platform/memory.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import type { Rejection } from "./model.ts";
import { insertChunk } from "./queries.ts";
import { type FileRecord, isBlank } from "./records.ts";

const CHUNK_ROWS_MAX = 1_000;
/** Rows of a thousand times the usual size make chunks of fewer. */
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** A file with more rows that have no end is something else than it says. */
const FAULTS_MAX = 1_000;

/** Keeps the rows of an import as they come in, in chunks. */
export class Keeper {
  readonly #tenancy: Tenancy;
  readonly #caller: Caller;
  readonly #id: string;
  #n = 0;
  #bytes: Buffer[] = [];
  #size = 0;
  #received = 0;
  #firstLine = 0;
  #faults: Rejection[] = [];
  #faultCount = 0;

  constructor(tenancy: Tenancy, caller: Caller, id: string) {
    this.#tenancy = tenancy;
    this.#caller = caller;
    this.#id = id;
  }

  /** @throws {AppError} `invalid_request` where too many rows have no end; `unavailable` where the import was given up */
  async add(records: Iterable<FileRecord>): Promise<void> {
    for (const record of records) {
      const { line, raw, fault } = record;
      if (fault === undefined) {
        if (this.#size === 0) this.#firstLine = line;
        this.#bytes.push(raw);
        this.#size += raw.length;
        if (!isBlank(record)) this.#received += 1;
      } else {
        // The lines of a chunk follow each other, so that the worker can count them.
        this.#received += 1;
        this.#faults.push({ line, reason: `The row ${fault}.` });
        this.#faultCount += 1;
        if (this.#faultCount > FAULTS_MAX) {
          throw new AppError("invalid_request", `More than ${FAULTS_MAX} rows have no end: see the rejections.`);
        }
        await this.flush();
      }
      if (this.#received >= CHUNK_ROWS_MAX || this.#size >= CHUNK_BYTES_MAX) await this.flush();
    }
  }

  /** Keeps what is left. @throws {AppError} `unavailable` where the import was given up */
  async flush(): Promise<void> {
    if (this.#size === 0 && this.#received === 0) return;
    const body = Buffer.concat(this.#bytes);
    const chunk = { n: this.#n, firstLine: this.#firstLine, body, received: this.#received, faults: this.#faults };
    const isKept = await this.#tenancy.inWorkspace(this.#caller, (tx) => insertChunk(tx, this.#id, chunk));
    if (!isKept) throw givenUp();
    boundMemory();
    this.#n += 1;
    this.#bytes = [];
    this.#size = 0;
    this.#received = 0;
    this.#faults = [];
  }
}

/** What is thrown where nothing was heard of an upload for too long, and it has ended as FAILED. */
export function givenUp(): AppError {
  return new AppError("unavailable", "The upload was taken for dead, because nothing was heard of it. Send it again.");
}

import { isUtf8 } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { AppError, invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { hashJson } from "../platform/json.ts";
import type { Caller, Tenancy } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { findDelimiter, parseCsv, readHeader } from "./header.ts";
import { givenUp, Keeper } from "./keeping.ts";
import type { Import, ImportFormat, ImportOptions } from "./model.ts";
import {
  deleteChunks,
  deleteImport,
  failImport,
  findImport,
  findSameImport,
  insertImport,
  queueImport,
  touchImport,
} from "./queries.ts";
import { isBlank, RecordSplitter } from "./records.ts";

/** Sockets give bytes by the handful; so many at once are worth being looked at. */
const PIECE_BYTES = 64 * 1024;
/** The byte-order mark, which some programs begin UTF-8 with. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const HEARTBEAT_MS = 10_000;
const DELETED_AT_ONCE = 100;

export interface Upload {
  format: ImportFormat;
  options: ImportOptions;
  /** Also where the same file was imported the same way. */
  again: boolean;
}

/**
 * Takes in a file as fast as the database keeps it, and queues it for the worker. Nothing of it is recorded
 * before the last byte is here: what breaks off ends as FAILED.
 * @returns the import, which is not new where the same bytes were imported the same way
 * @throws {AppError} `invalid_request` for a header that cannot be read, or a file that broke off
 */
export async function receiveImport(
  tenancy: Tenancy,
  caller: Caller,
  upload: Upload,
  bytes: AsyncIterable<Buffer>,
): Promise<{ import: Import; isNew: boolean }> {
  const hash = createHash("sha256");
  const pieces = inPieces(bytes, hash);
  try {
    return await receivePieces(tenancy, caller, upload, { pieces, hash });
  } finally {
    // Of a file that is refused on the way the rest is still to come.
    await pieces.return(undefined);
  }
}

async function receivePieces(
  tenancy: Tenancy,
  caller: Caller,
  upload: Upload,
  { pieces, hash }: { pieces: AsyncGenerator<Buffer, void>; hash: Hash },
): Promise<{ import: Import; isNew: boolean }> {
  const { splitter, first, columns, delimiter } = await begin(upload, pieces);
  const id = newId();
  const { format, options } = upload;
  await tenancy.inWorkspace(caller, (tx) => insertImport(tx, { id, format, options, columns, delimiter }));
  const heartbeat = setInterval(() => {
    // One that is missed is made good by the next.
    tenancy.inWorkspace(caller, (tx) => touchImport(tx, id)).catch(() => undefined);
  }, HEARTBEAT_MS);
  try {
    const keep = new Keeper(tenancy, caller, id);
    await keep.add(first);
    for await (const piece of pieces) await keep.add(splitter.push(piece));
    await keep.add(splitter.end());
    await keep.flush();
    return await finish(tenancy, caller, id, upload, hash.digest());
  } catch (error) {
    const failure = error instanceof AppError ? error.message : "The file could not be received. Send it again.";
    await tenancy.inWorkspace(caller, (tx) => failImport(tx, id, failure)).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

/** The bytes in pieces that are worth the work, without the byte-order mark. */
async function* inPieces(bytes: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer, void> {
  let waiting: Buffer[] = [];
  let size = 0;
  let isFirst = true;
  const take = (): Buffer => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    size = 0;
    const hasMark = isFirst && piece.subarray(0, MARK.length).equals(MARK);
    isFirst = false;
    return hasMark ? piece.subarray(MARK.length) : piece;
  };
  try {
    for await (const some of bytes) {
      hash.update(some);
      waiting.push(some);
      size += some.length;
      if (size >= PIECE_BYTES) yield take();
    }
  } catch (error) {
    throw new AppError("invalid_request", "The upload broke off before its end. Send it again.", { cause: error });
  }
  if (size > 0) yield take();
}

/** Reads as much as tells how the file is to be read. */
async function begin({ format, options }: Upload, pieces: AsyncGenerator<Buffer, void>) {
  if (format === "NDJSON") {
    return { splitter: new RecordSplitter(1), first: [], columns: null, delimiter: null };
  }
  const piece = (await pieces.next()).value ?? Buffer.alloc(0);
  if (/^(\xff\xfe|\xfe\xff)/.test(piece.toString("latin1", 0, 2))) {
    throw new AppError("invalid_request", "The file is UTF-16: save it as UTF-8.");
  }
  const delimiter = findDelimiter(piece.toString("utf8"));
  const splitter = new RecordSplitter(1, delimiter);
  // A file of one line ends here; any other has its header in the first piece, from which a mark may be gone.
  const ended = piece.length < PIECE_BYTES - MARK.length;
  const records = [...splitter.push(piece), ...(ended ? splitter.end() : [])];
  const position = records.findIndex((record) => !isBlank(record));
  const header = records[position];
  if (header === undefined || header.fault !== undefined) {
    throw new AppError("invalid_request", "The file has no header: its first line must name the columns.");
  }
  if (!isUtf8(header.bytes)) throw new AppError("invalid_request", "The file is not UTF-8: save it as UTF-8.");
  const [columns = []] = parseCsv(header.bytes.toString("utf8"), delimiter);
  const read = readHeader(columns, options.map);
  if ("invalid" in read) throw invalidRequest(read.invalid);
  return { splitter, first: records.slice(position + 1), columns, delimiter };
}

async function finish(
  tenancy: Tenancy,
  caller: Caller,
  id: string,
  { format, options, again }: Upload,
  bytesSha256: Buffer,
) {
  const fingerprint = again ? null : hashJson({ bytes: bytesSha256.toString("hex"), format, options });
  const result = await tenancy.inWorkspace(caller, async (tx) => {
    const same = fingerprint === null ? undefined : await findSameImport(tx, fingerprint);
    if (same !== undefined) return { import: same, isNew: false };
    if (!(await queueImport(tx, id, { bytesSha256, fingerprint }))) throw givenUp();
    await recordAudit(tx, [{ action: "import.received", subjectType: "import", subjectId: id, after: { format } }]);
    const queued = await findImport(tx, id);
    if (queued === undefined) throw new Error("an import was not found again");
    return { import: queued, isNew: true };
  });
  if (!result.isNew) await discard(tenancy, caller, id);
  return result;
}

/** Takes back what was kept of a file that was there already. */
async function discard(tenancy: Tenancy, caller: Caller, id: string): Promise<void> {
  let deleted: number;
  do deleted = await tenancy.inWorkspace(caller, (tx) => deleteChunks(tx, id, DELETED_AT_ONCE));
  while (deleted > 0);
  await tenancy.inWorkspace(caller, (tx) => deleteImport(tx, id));
}

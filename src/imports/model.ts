import { type Static, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, OneOf, Strict } from "../platform/schema.ts";
import type { FollowUp } from "../responses/index.ts";

/** RECEIVING while the bytes come in, RUNNING while answers are recorded. */
const IMPORT_STATUSES = ["RECEIVING", "QUEUED", "RUNNING", "DONE", "FAILED"] as const;
const IMPORT_FORMATS = ["CSV", "NDJSON"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

const Count = (description: string) => Type.Integer({ minimum: 0, description });

export const ImportSchema = Strict(
  {
    id: Id("Its id"),
    status: OneOf(IMPORT_STATUSES, {
      description:
        "RECEIVING while the bytes come in, QUEUED until a worker takes it, RUNNING while answers are recorded",
    }),
    format: OneOf(IMPORT_FORMATS, { description: "How the file is to be read" }),
    received: Count("Rows that came in, without the header"),
    created: Count("Rows that are now responses"),
    existing: Count("Rows that were recorded before, word for word"),
    rejected: Count("Rows that could not be recorded: see the rejections"),
    failure: Nullable(Type.String({ description: "Why it is FAILED" })),
    createdAt: DateTime("When the first bytes came in"),
    startedAt: Nullable(DateTime("When the first rows were recorded")),
    finishedAt: Nullable(DateTime("When it was DONE or FAILED")),
  },
  { $id: "Import", description: "A file of answers" },
);
export type Import = Static<typeof ImportSchema>;

export const RejectionSchema = Strict(
  {
    line: Type.Integer({ minimum: 1, description: "Where the row begins in the file" }),
    reason: Type.String({ description: "The fields that are wrong, and how to mend them" }),
  },
  { $id: "ImportRejection", description: "A row that could not be recorded" },
);
export type Rejection = Static<typeof RejectionSchema>;

/** How a file is to be read and recorded. */
export interface ImportOptions {
  /** Of rows that name none. */
  source?: string | undefined;
  /** The column of each field that has another name in the file. */
  map: Record<string, string>;
  /** RFC 3339 when absent. */
  timestampFormat?: string | undefined;
  /** Of times without an offset. */
  timeZone: string;
  followUp: FollowUp;
  events: boolean;
}

/** A file whose bytes are all here, as its rows are to be read. */
export interface ReadableFile {
  format: ImportFormat;
  options: ImportOptions;
  columns: readonly string[] | null;
  delimiter: string | null;
  bytesSha256: Buffer;
}

import { bigint, boolean, integer, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea, instant } from "../platform/columns.ts";
import type { Actor } from "../platform/tenancy.ts";
import type { Import, ImportFormat, ImportOptions } from "./model.ts";

const count = (name?: string) => (name === undefined ? bigint({ mode: "number" }) : bigint(name, { mode: "number" }));

export const imports = pgTable("imports", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  status: text().$type<Import["status"]>().notNull(),
  format: text().$type<ImportFormat>().notNull(),
  options: jsonb().$type<ImportOptions>().notNull(),
  columns: text().array(),
  delimiter: text(),
  actorKind: text("actor_kind").$type<Actor["kind"]>().notNull(),
  actorId: text("actor_id").notNull(),
  bytesSha256: bytea("bytes_sha256"),
  fingerprint: bytea(),
  received: count().notNull(),
  created: count().notNull(),
  existing: count().notNull(),
  rejected: count().notNull(),
  failure: text(),
  isEmptied: boolean("is_emptied").notNull(),
  createdAt: instant("created_at").notNull(),
  startedAt: instant("started_at"),
  finishedAt: instant("finished_at"),
  touchedAt: instant("touched_at").notNull(),
});

export const importChunks = pgTable("import_chunks", {
  workspaceId: uuid("workspace_id").notNull(),
  importId: uuid("import_id").notNull(),
  n: integer().notNull(),
  firstLine: count("first_line").notNull(),
  body: bytea().notNull(),
});

export const importRejections = pgTable("import_rejections", {
  workspaceId: uuid("workspace_id").notNull(),
  importId: uuid("import_id").notNull(),
  line: count().notNull(),
  reason: text().notNull(),
});

import { boolean, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea, instant } from "../platform/columns.ts";
import { type Defaults, type Mapping, PARTIAL_RULES, RECEIPT_OUTCOMES, VENDORS } from "./model.ts";

export const sources = pgTable("sources", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  key: text().notNull(),
  name: text().notNull(),
  vendor: text({ enum: VENDORS }).notNull(),
  secret: bytea(),
  previousSecret: bytea("previous_secret"),
  previousSecretUntil: instant("previous_secret_until"),
  tokenHeader: text("token_header"),
  mapping: jsonb().$type<Mapping>().notNull(),
  defaults: jsonb().$type<Defaults>().notNull(),
  partial: text({ enum: PARTIAL_RULES }).notNull(),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});
export type SourceRow = typeof sources.$inferSelect;

export const sourceReceipts = pgTable("source_receipts", {
  workspaceId: uuid("workspace_id").notNull(),
  sourceId: uuid("source_id").notNull(),
  id: uuid().notNull(),
  receivedAt: instant("received_at").notNull(),
  headers: jsonb().$type<Record<string, string>>().notNull(),
  body: bytea().notNull(),
  outcome: text({ enum: RECEIPT_OUTCOMES }).notNull(),
  reason: text(),
  externalId: text("external_id"),
  isWaiting: boolean("is_waiting").notNull(),
  responseId: uuid("response_id"),
  processedAt: instant("processed_at").notNull(),
});
export type ReceiptRow = typeof sourceReceipts.$inferSelect;

import { customType, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { ACTOR_KINDS } from "../platform/tenancy.ts";
import type { Retention, Scope } from "./model.ts";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

export const workspaces = pgTable("workspaces", {
  id: uuid().primaryKey(),
  name: text().notNull(),
  timeZone: text("time_zone").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  retention: jsonb().$type<Retention>().notNull().default({}),
});

export const apiKeys = pgTable("api_keys", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  name: text().notNull(),
  secretSha256: bytea("secret_sha256").notNull(),
  scopes: text().array().$type<Scope[]>().notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  expiresAt: timestamp("expires_at", { withTimezone: true }),
  revokedAt: timestamp("revoked_at", { withTimezone: true }),
  lastUsedAt: timestamp("last_used_at", { withTimezone: true }),
  previousSecretSha256: bytea("previous_secret_sha256"),
  previousSecretUntil: timestamp("previous_secret_until", { withTimezone: true }),
});

export type ApiKeyRow = typeof apiKeys.$inferSelect;

export const auditLog = pgTable("audit_log", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  occurredAt: timestamp("occurred_at", { withTimezone: true }).notNull(),
  actorKind: text("actor_kind", { enum: ACTOR_KINDS }).notNull(),
  actorId: text("actor_id").notNull(),
  action: text().notNull(),
  subjectType: text("subject_type").notNull(),
  subjectId: text("subject_id").notNull(),
  before: jsonb().$type<object>(),
  after: jsonb().$type<object>(),
  requestId: text("request_id"),
});
export type AuditRow = typeof auditLog.$inferSelect;

import { jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea, instant } from "../platform/columns.ts";
import { ACTOR_KINDS } from "../platform/tenancy.ts";
import type { Retention, Scope } from "./model.ts";

export const workspaces = pgTable("workspaces", {
  id: uuid().primaryKey(),
  name: text().notNull(),
  timeZone: text("time_zone").notNull(),
  createdAt: instant("created_at").notNull(),
  retention: jsonb().$type<Retention>().notNull().default({}),
});

export const apiKeys = pgTable("api_keys", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  name: text().notNull(),
  secretSha256: bytea("secret_sha256").notNull(),
  scopes: text().array().$type<Scope[]>().notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at"),
  revokedAt: instant("revoked_at"),
  lastUsedAt: instant("last_used_at"),
  previousSecretSha256: bytea("previous_secret_sha256"),
  previousSecretUntil: instant("previous_secret_until"),
});

export type ApiKeyRow = typeof apiKeys.$inferSelect;

export const auditLog = pgTable("audit_log", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  occurredAt: instant("occurred_at").notNull(),
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

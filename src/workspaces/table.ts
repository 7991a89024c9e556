import { customType, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { Retention } from "./model.ts";

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
  scopes: text().array().notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  expiresAt: timestamp("expires_at", { withTimezone: true }),
  revokedAt: timestamp("revoked_at", { withTimezone: true }),
});

export const auditLog = pgTable("audit_log", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  occurredAt: timestamp("occurred_at", { withTimezone: true }).notNull(),
  actorKind: text("actor_kind").notNull(),
  actorId: text("actor_id").notNull(),
  action: text().notNull(),
  subjectType: text("subject_type").notNull(),
  subjectId: text("subject_id").notNull(),
  before: jsonb(),
  after: jsonb(),
  requestId: text("request_id"),
});

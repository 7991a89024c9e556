import { boolean, integer, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea, instant } from "../platform/columns.ts";
import type { EventType, TEST_TYPE } from "./eventTypes.ts";
import { DELIVERY_STATUSES, ENDPOINT_STATUSES, type EndpointFilter } from "./model.ts";

export const webhookEndpoints = pgTable("webhook_endpoints", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  url: text().notNull(),
  description: text(),
  eventTypes: text("event_types").array().$type<EventType[]>().notNull(),
  filter: jsonb().$type<EndpointFilter>().notNull(),
  status: text({ enum: ENDPOINT_STATUSES }).notNull(),
  disabledReason: text("disabled_reason"),
  secret: bytea().notNull(),
  previousSecret: bytea("previous_secret"),
  previousSecretUntil: instant("previous_secret_until"),
  failingSince: instant("failing_since"),
  version: integer().notNull().default(1),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});
export type EndpointRow = typeof webhookEndpoints.$inferSelect;

export const webhookDeliveries = pgTable("webhook_deliveries", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  endpointId: uuid("endpoint_id").notNull(),
  eventId: uuid("event_id").notNull(),
  eventType: text("event_type").$type<EventType | typeof TEST_TYPE>().notNull(),
  testData: jsonb("test_data").$type<Record<string, unknown>>(),
  status: text({ enum: DELIVERY_STATUSES }).notNull(),
  attempts: integer().notNull(),
  lastAttemptAt: instant("last_attempt_at"),
  nextAttemptAt: instant("next_attempt_at"),
  createdAt: instant("created_at").notNull(),
  finishedAt: instant("finished_at"),
  isErased: boolean("is_erased").notNull().default(false),
});
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;

export const webhookAttempts = pgTable("webhook_attempts", {
  workspaceId: uuid("workspace_id").notNull(),
  deliveryId: uuid("delivery_id").notNull(),
  n: integer().notNull(),
  attemptedAt: instant("attempted_at").notNull(),
  durationMs: integer("duration_ms").notNull(),
  status: integer(),
  error: text(),
  answer: bytea(),
});

export type AttemptRow = typeof webhookAttempts.$inferSelect;

export const deliveryQueue = pgTable("delivery_queue", {
  workspaceId: uuid("workspace_id").notNull(),
  deliveryId: uuid("delivery_id").notNull(),
  endpointId: uuid("endpoint_id").notNull(),
  dueAt: instant("due_at").notNull(),
  leasedUntil: instant("leased_until"),
});

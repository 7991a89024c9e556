import { date, doublePrecision, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { Properties } from "./model.ts";

export const accounts = pgTable("accounts", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  externalId: text("external_id").notNull(),
  name: text(),
  segment: text(),
  annualValue: doublePrecision("annual_value"),
  currency: text(),
  renewsOn: date("renews_on"),
  owner: text(),
  churnedOn: date("churned_on"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull(),
});

export const people = pgTable("people", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  externalId: text("external_id"),
  email: text(),
  phone: text(),
  name: text(),
  properties: jsonb().$type<Properties>().notNull(),
  accountId: uuid("account_id"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull(),
});

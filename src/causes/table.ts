import { integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { ImprovementStatus } from "./model.ts";

const instant = (name: string) => timestamp(name, { withTimezone: true });

export const rootCauses = pgTable("root_causes", {
  workspaceId: uuid("workspace_id").notNull(),
  key: text().notNull(),
  label: text().notNull(),
  parentKey: text("parent_key"),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});

export const improvements = pgTable("improvements", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  title: text().notNull(),
  status: text().$type<ImprovementStatus>().notNull(),
  version: integer().notNull(),
  shippedAt: instant("shipped_at"),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});

export const improvementCauses = pgTable("improvement_causes", {
  workspaceId: uuid("workspace_id").notNull(),
  improvementId: uuid("improvement_id").notNull(),
  rootCauseKey: text("root_cause_key").notNull(),
});

export const improvementTold = pgTable("improvement_told", {
  workspaceId: uuid("workspace_id").notNull(),
  improvementId: uuid("improvement_id").notNull(),
  personId: uuid("person_id").notNull(),
  toldAt: instant("told_at").notNull(),
  toldBy: text("told_by").notNull(),
});

import { pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { SurveyKind } from "./model.ts";

export const surveys = pgTable("surveys", {
  workspaceId: uuid("workspace_id").notNull(),
  key: text().notNull(),
  kind: text().$type<SurveyKind>().notNull(),
  name: text(),
  question: text(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  updatedAt: timestamp("updated_at", { withTimezone: true }).notNull(),
});

import { integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

const instant = (name: string) => timestamp(name, { withTimezone: true });

export const themes = pgTable("themes", {
  workspaceId: uuid("workspace_id").notNull(),
  key: text().notNull(),
  label: text().notNull(),
  phrases: text().array().notNull(),
  version: integer().notNull(),
  appliedVersion: integer("applied_version").notNull(),
  appliedTo: uuid("applied_to"),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});

export const responseThemes = pgTable("response_themes", {
  workspaceId: uuid("workspace_id").notNull(),
  responseId: uuid("response_id").notNull(),
  themeKey: text("theme_key").notNull(),
});

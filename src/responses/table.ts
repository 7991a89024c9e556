import { boolean, customType, integer, jsonb, pgTable, smallint, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { Properties } from "../people/index.ts";
import type { Channel, ExclusionReason, FollowUp } from "./model.ts";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
const instant = (name: string) => timestamp(name, { withTimezone: true });

export const responseExclusions = pgTable("response_exclusions", {
  workspaceId: uuid("workspace_id").notNull(),
  responseId: uuid("response_id").notNull(),
  id: uuid().notNull(),
  reason: text().$type<ExclusionReason>().notNull(),
  note: text(),
  excludedAt: instant("excluded_at").notNull(),
  excludedBy: text("excluded_by").notNull(),
  includedAt: instant("included_at"),
  includedBy: text("included_by"),
});

export const responses = pgTable("responses", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  surveyKey: text("survey_key").notNull(),
  personId: uuid("person_id"),
  accountId: uuid("account_id"),
  segment: text(),
  score: smallint().notNull(),
  comment: text(),
  followUpRequested: boolean("follow_up_requested").notNull(),
  channel: text().$type<Channel>(),
  touchpoint: text(),
  language: text(),
  incentivised: boolean().notNull(),
  properties: jsonb().$type<Properties>().notNull(),
  respondedAt: instant("responded_at").notNull(),
  receivedAt: instant("received_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
  acknowledgedAt: instant("acknowledged_at"),
  reachedAt: instant("reached_at"),
  source: text().notNull(),
  externalId: text("external_id"),
  bodySha256: bytea("body_sha256"),
  sourceUpdatedAt: text("source_updated_at"),
  followUp: text("follow_up").$type<FollowUp>().notNull(),
  version: integer().notNull(),
  exclusionReason: text("exclusion_reason").$type<ExclusionReason>(),
  exclusionNote: text("exclusion_note"),
  excludedAt: instant("excluded_at"),
  excludedBy: text("excluded_by"),
  erasedAt: instant("erased_at"),
});

/** A response as it is stored. */
export type ResponseRow = typeof responses.$inferSelect;

import { doublePrecision, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { CasePriority, CaseStatus } from "../responses/index.ts";
import type { ClockCause } from "./firstContact.ts";
import type { CaseOutcome, CaseReason } from "./model.ts";
import type { PriorityTerm } from "./priority.ts";

const instant = (name: string) => timestamp(name, { withTimezone: true });

export const cases = pgTable("cases", {
  workspaceId: uuid("workspace_id").notNull(),
  id: uuid().notNull(),
  version: integer().notNull(),
  status: text().$type<CaseStatus>().notNull(),
  reasons: text().array().$type<CaseReason[]>().notNull(),
  personId: uuid("person_id"),
  accountId: uuid("account_id"),
  assignee: text(),
  priority: text().$type<CasePriority>().notNull(),
  priorityTerms: jsonb("priority_terms").$type<PriorityTerm[]>().notNull(),
  queueRank: doublePrecision("queue_rank").notNull(),
  previousCaseId: uuid("previous_case_id"),
  outcome: text().$type<CaseOutcome>(),
  resolution: text(),
  firstContactStartedAt: instant("first_contact_started_at").notNull(),
  firstContactDueAt: instant("first_contact_due_at").notNull(),
  firstContactMetAt: instant("first_contact_met_at"),
  openedAt: instant("opened_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
});

export const caseResponses = pgTable("case_responses", {
  workspaceId: uuid("workspace_id").notNull(),
  responseId: uuid("response_id").notNull(),
  caseId: uuid("case_id").notNull(),
  joinedAt: instant("joined_at").notNull(),
});

export const caseClocks = pgTable("case_clocks", {
  workspaceId: uuid("workspace_id").notNull(),
  caseId: uuid("case_id").notNull(),
  n: integer().notNull(),
  cause: text().$type<ClockCause>().notNull(),
  hoursAllowed: doublePrecision("hours_allowed").notNull(),
  startedAt: instant("started_at").notNull(),
  dueAt: instant("due_at").notNull(),
  metAt: instant("met_at"),
});

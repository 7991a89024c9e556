import {
  boolean,
  date,
  doublePrecision,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import type { Actor } from "../platform/tenancy.ts";
import type { CasePriority, CaseStatus } from "../responses/index.ts";
import type { ActivityType } from "./activity.ts";
import type { ClockCause } from "./firstContact.ts";
import type { CaseOutcome, CaseReason } from "./model.ts";
import type { Policy } from "./policy.ts";
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
  policyVersion: integer("policy_version"),
  statedCause: text("stated_cause"),
  actualCause: text("actual_cause"),
  improvementId: uuid("improvement_id"),
  feasibility: smallint(),
  alignment: smallint(),
  publicRisk: boolean("public_risk").notNull(),
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
  countedFrom: instant("counted_from").notNull(),
  dueAt: instant("due_at").notNull(),
  metAt: instant("met_at"),
  arrivedLate: boolean("arrived_late").notNull(),
  nextStep: integer("next_step"),
  nextStepAt: instant("next_step_at"),
});

export const caseClockSteps = pgTable("case_clock_steps", {
  workspaceId: uuid("workspace_id").notNull(),
  caseId: uuid("case_id").notNull(),
  n: integer().notNull(),
  percent: integer().notNull(),
  announcedAt: instant("announced_at").notNull(),
});

export const caseActivities = pgTable("case_activities", {
  workspaceId: uuid("workspace_id").notNull(),
  caseId: uuid("case_id").notNull(),
  version: integer().notNull(),
  id: uuid().notNull(),
  type: text().$type<ActivityType>().notNull(),
  actorKind: text("actor_kind").$type<Actor["kind"]>().notNull(),
  actorId: text("actor_id").notNull(),
  occurredAt: instant("occurred_at").notNull(),
  recordedAt: instant("recorded_at").notNull(),
  text: text(),
  details: jsonb().$type<Record<string, unknown>>().notNull(),
});

export const caseCommitments = pgTable("case_commitments", {
  workspaceId: uuid("workspace_id").notNull(),
  caseId: uuid("case_id").notNull(),
  id: uuid().notNull(),
  text: text().notNull(),
  dueOn: date("due_on").notNull(),
  dueAt: instant("due_at").notNull(),
  kept: boolean(),
  announcedAt: instant("announced_at"),
});

export const caseReferences = pgTable("case_references", {
  workspaceId: uuid("workspace_id").notNull(),
  caseId: uuid("case_id").notNull(),
  system: text().notNull(),
  externalId: text("external_id").notNull(),
  url: text(),
});

export const firstContactPolicies = pgTable("first_contact_policies", {
  workspaceId: uuid("workspace_id").notNull(),
  version: integer().notNull(),
  policy: jsonb().$type<Policy>().notNull(),
  savedAt: instant("saved_at").notNull(),
});

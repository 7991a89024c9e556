import { type Static, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, OneOf, Strict } from "../platform/schema.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import { CLOCK_CAUSES, FIRST_CONTACT_STATES } from "./firstContact.ts";
import { PRIORITY_TERMS } from "./priority.ts";

/** Why a case was opened, or what joined it since. */
export const CASE_REASONS = ["DETRACTOR", "DANGER_ZONE", "FOLLOW_UP_REQUESTED", "MANUAL"] as const;
export type CaseReason = (typeof CASE_REASONS)[number];

/** How a case ended. Not every customer can be won, and some requests do not fit. */
export const CASE_OUTCOMES = [
  "RECOVERED",
  "EDUCATED",
  "ALREADY_SOLVED",
  "FIXED",
  "GOODWILL",
  "UPSOLD",
  "IMPROVEMENT_PLANNED",
  "NOT_ADDRESSABLE",
  "UNREACHABLE",
  "INVALID",
] as const;
export type CaseOutcome = (typeof CASE_OUTCOMES)[number];

const ClockSchema = Strict({
  startedAt: DateTime("When the reason became known"),
  dueAt: DateTime("When somebody must have reached out"),
  metAt: Nullable(DateTime("When somebody did")),
  state: OneOf(FIRST_CONTACT_STATES),
  cause: OneOf(CLOCK_CAUSES),
});

const CaseSchema = Strict(
  {
    id: Id(),
    version: Type.Integer({ description: "Counts the changes" }),
    status: OneOf(CASE_STATUSES),
    priority: OneOf(CASE_PRIORITIES),
    priorityScore: Type.Number({ description: "The sum of the terms' points; whom to call first" }),
    priorityTerms: Type.Array(
      Strict({ term: OneOf(PRIORITY_TERMS), value: Type.Number(), weight: Type.Number(), points: Type.Number() }),
    ),
    reasons: Type.Array(OneOf(CASE_REASONS)),
    person: Nullable(
      Strict({
        id: Id(),
        externalId: Nullable(Type.String()),
        email: Nullable(Type.String()),
        name: Nullable(Type.String()),
      }),
    ),
    account: Nullable(Strict({ id: Id(), externalId: Type.String(), name: Nullable(Type.String()) })),
    responses: Type.Array(
      Strict({ id: Id(), score: Type.Integer(), category: OneOf(CATEGORIES), respondedAt: DateTime() }),
      { description: "The answers that opened or joined it, oldest first" },
    ),
    assignee: Nullable(Type.String({ description: "Who is accountable" })),
    openedAt: DateTime(),
    updatedAt: DateTime(),
    firstContact: ClockSchema,
    clocks: Type.Array(ClockSchema, { description: "Every promise of a first contact, oldest first" }),
    outcome: Nullable(OneOf(CASE_OUTCOMES, { description: "How it ended" })),
    resolution: Nullable(Type.String({ description: "What was done, or why nothing was" })),
    previousCaseId: Nullable(Id("The same person's case before this one")),
  },
  { $id: "Case", description: "A follow-up case: somebody is to be contacted" },
);
export type Case = Static<typeof CaseSchema>;

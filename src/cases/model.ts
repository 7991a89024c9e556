import { type Static, Type } from "@sinclair/typebox";
import { CalendarDate, DateTime, Id, Nullable, OneOf, ref, Strict } from "../platform/schema.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import { ACTIVITIES_SHOWN_MAX, ActivitySchema } from "./activity.ts";
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

const ClockSchema = Strict(
  {
    startedAt: DateTime("When the reason became known"),
    dueAt: DateTime("When somebody must have reached out"),
    metAt: Nullable(DateTime("When somebody did")),
    state: OneOf(FIRST_CONTACT_STATES, {
      description: "PENDING: it runs; MET: somebody reached out in time; MISSED: nobody did",
    }),
    cause: OneOf(CLOCK_CAUSES, { description: "Why the clock was started" }),
    arrivedLate: Type.Boolean({
      description: "The answer reached us so late that, counted from when it was given, this would have been missed",
    }),
  },
  { description: "A promise of a first contact; the latest one is what counts" },
);

const CommitmentSchema = Strict({
  id: Id("Its id"),
  text: Type.String({ description: "What was promised" }),
  dueOn: CalendarDate("The day it is due"),
  kept: Nullable(Type.Boolean({ description: "Whether it was kept; null until somebody says" })),
});

const ReferenceSchema = Strict({
  system: Type.String({ description: "Your name of the other system" }),
  externalId: Type.String({ description: "Its id in your systems" }),
  url: Nullable(Type.String({ description: "Where it can be read" })),
});

/** Whom to contact, and how. */
const CasePersonSchema = Strict(
  {
    id: Id("Its id"),
    externalId: Nullable(Type.String({ description: "Its id in your systems" })),
    email: Nullable(Type.String({ description: "In lower case" })),
    phone: Nullable(Type.String({ description: "Without separators" })),
    name: Nullable(Type.String({ description: "For people to read" })),
  },
  { description: "Whom to contact, and how" },
);

export const CaseSchema = Strict(
  {
    id: Id("Its id"),
    version: Type.Integer({ description: "Counts the changes; what `If-Match` asks for" }),
    status: OneOf(CASE_STATUSES, { description: "How far the follow-up is" }),
    priority: OneOf(CASE_PRIORITIES, { description: "URGENT, HIGH, NORMAL or LOW, by the score" }),
    priorityScore: Type.Number({ description: "The sum of the terms' points; whom to call first" }),
    priorityTerms: Type.Array(
      Strict({
        term: OneOf(PRIORITY_TERMS, { description: "What counts" }),
        value: Type.Number({ description: "How much of it there is, 0 to 1; WAITING: hours" }),
        weight: Type.Number({ description: "Points for a value of 1" }),
        points: Type.Number({ description: "value × weight" }),
      }),
      { description: "What the priority is made of" },
    ),
    reasons: Type.Array(OneOf(CASE_REASONS), { description: "Why it was opened, and what joined it since" }),
    person: Nullable(CasePersonSchema),
    account: Nullable(
      Strict(
        {
          id: Id("Its id"),
          externalId: Type.String({ description: "Its id in your systems" }),
          name: Nullable(Type.String({ description: "For people to read" })),
          segment: Nullable(Type.String({ description: "As it is today" })),
        },
        { description: "Whose customer it is about; null where nobody knows" },
      ),
    ),
    responses: Type.Array(
      Strict({
        id: Id("Its id"),
        score: Type.Integer({ description: "0 to 10" }),
        category: OneOf(CATEGORIES, { description: "PROMOTER 9–10, PASSIVE 7–8, DETRACTOR 0–6" }),
        dangerZone: Type.Boolean({ description: "Score 0 to 3" }),
        surveyKey: Type.String({ description: "Of the survey that was answered" }),
        respondedAt: DateTime("When they answered"),
      }),
      { description: "The answers that opened or joined it, oldest first" },
    ),
    assignee: Nullable(Type.String({ description: "Who is accountable" })),
    openedAt: DateTime("When it was opened"),
    updatedAt: DateTime("When it last changed"),
    firstContact: ClockSchema,
    clocks: Type.Array(ClockSchema, { description: "Every promise of a first contact, oldest first" }),
    commitments: Type.Array(CommitmentSchema, { description: "What was promised to the customer, oldest first" }),
    causes: Strict(
      {
        stated: Nullable(Type.String({ description: "What the customer blames: key of a root cause" })),
        actual: Nullable(Type.String({ description: "What it was: key of a root cause" })),
      },
      { description: "What made the customer unhappy" },
    ),
    assessment: Strict(
      {
        feasibility: Nullable(Type.Integer({ description: "1 to 5" })),
        alignment: Nullable(Type.Integer({ description: "1 to 5" })),
        publicRisk: Type.Boolean({ description: "Whether they may say it in public" }),
      },
      { description: "How well it can be mended, as somebody judged it" },
    ),
    outcome: Nullable(OneOf(CASE_OUTCOMES, { description: "How it ended" })),
    resolution: Nullable(Type.String({ description: "What was done, or why nothing was" })),
    improvementId: Nullable(Id("Where it is or was parked")),
    references: Type.Array(ReferenceSchema, { description: "The same matter in other systems" }),
    previousCaseId: Nullable(Id("The same person's case before this one")),
    activities: Type.Array(ref(ActivitySchema), {
      description: `What happened, oldest first: the latest ${ACTIVITIES_SHOWN_MAX}`,
    }),
  },
  { $id: "Case", description: "A follow-up case: somebody is to be contacted" },
);
export type Case = Static<typeof CaseSchema>;
export type ShownClock = Static<typeof ClockSchema>;
export type Commitment = Static<typeof CommitmentSchema>;
export type Reference = Static<typeof ReferenceSchema>;

export const AudienceMemberSchema = Strict(
  {
    person: CasePersonSchema,
    caseIds: Type.Array(Id(), { description: "Their cases that are about it" }),
    toldAt: Nullable(DateTime("When they were told")),
  },
  { $id: "AudienceMember", description: "Somebody who raised what an improvement is to mend" },
);
export type AudienceMember = Static<typeof AudienceMemberSchema>;

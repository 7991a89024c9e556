import { type Static, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, OneOf, Strict } from "../platform/schema.ts";
import { ACTOR_KINDS } from "../platform/tenancy.ts";

/** Everything that happens to a case. */
export const ACTIVITY_TYPES = [
  "OPENED",
  "RESPONSE_JOINED",
  "RESPONSE_CHANGED",
  "RESPONSE_LEFT",
  "ASSIGNED",
  "CONTACT",
  "NOTE",
  "COMMITMENT_MADE",
  "COMMITMENT_DUE",
  "COMMITMENT_SETTLED",
  "CAUSES_SET",
  "ASSESSED",
  "REFERENCE_PUT",
  "PARKED",
  "UNPARKED",
  "RESOLVED",
  "VERIFIED",
  "CLOSED",
  "REOPENED",
  "FIRST_CONTACT_DUE_SOON",
  "FIRST_CONTACT_MISSED",
  "ESCALATED",
] as const;
export type ActivityType = (typeof ACTIVITY_TYPES)[number];

/** The latest of a case are shown with it; all of them are a list of their own. */
export const ACTIVITIES_SHOWN_MAX = 100;

export const ActivitySchema = Strict(
  {
    id: Id("Its id"),
    type: OneOf(ACTIVITY_TYPES, { description: "What happened" }),
    actor: Strict(
      {
        kind: OneOf(ACTOR_KINDS, { description: "A user, a key, a job of ours, or a survey tool" }),
        id: Type.String({ description: "Its id" }),
      },
      { description: "Who did it" },
    ),
    occurredAt: DateTime("When it happened"),
    recordedAt: DateTime("When we learnt of it: later than it happened where it was entered late"),
    text: Nullable(Type.String({ description: "What somebody wrote" })),
    details: Type.Record(Type.String(), Type.Unknown(), { description: "What else there is to say, by type" }),
  },
  { $id: "CaseActivity", description: "Something that happened to a case; never changed, never taken back" },
);
export type Activity = Static<typeof ActivitySchema>;

/** Something to be remembered about a case. */
export interface NewActivity {
  type: ActivityType;
  /** Now, when absent. */
  occurredAt?: Date;
  text?: string | null;
  /** No personal data. */
  details?: Record<string, unknown>;
}

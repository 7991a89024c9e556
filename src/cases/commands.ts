import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { CalendarDate, DateTime, Id, Nullable, OneOf, Strict, Text } from "../platform/schema.ts";
import { SCORE_MAX } from "../scoring/index.ts";
import { CASE_OUTCOMES } from "./model.ts";
import { NO_RESOLUTION_DEADLINE } from "./policy.ts";

/** The body of a call about a case, and the input of its mutation. */
function Command<Properties extends Record<string, TSchema>>(
  properties: Properties,
  options: { $id: string; description?: string },
) {
  return Strict(properties, { ...options, absent: NO_RESOLUTION_DEADLINE });
}

export const CONTACT_CHANNELS = ["PHONE", "EMAIL", "IN_PERSON", "SMS", "CHAT", "LETTER", "OTHER"] as const;
export const CONTACT_DIRECTIONS = ["OUTBOUND", "INBOUND"] as const;
export const CONTACT_OUTCOMES = ["REACHED", "LEFT_MESSAGE", "NO_ANSWER", "SENT", "BOUNCED"] as const;
export const CONTACT_TOPICS = [
  "THANKED",
  "LISTENED",
  "APOLOGISED",
  "PRIORITY_EXPLAINED",
  "LIMITS_EXPLAINED",
  "USE_EXPLAINED",
] as const;

/** What people write about a call is as long as what customers write. */
const PROSE_LENGTH_MAX = 10_000;
const Prose = (description: string) => Text({ maxLength: PROSE_LENGTH_MAX, description });

export const OpenCaseSchema = Command(
  {
    responseId: Id("The answer that names a problem"),
    note: Type.Optional(Prose("Why somebody is to be called")),
  },
  { $id: "OpenCaseInput", description: "A case opened by hand" },
);

export const AssigneeSchema = Command(
  { assignee: Nullable(Text({ description: "Who is accountable from now on; null for nobody" })) },
  { $id: "AssigneeInput", description: "Who is accountable for a case" },
);

export const ContactSchema = Command(
  {
    channel: OneOf(CONTACT_CHANNELS, { description: "How the customer was contacted" }),
    direction: OneOf(CONTACT_DIRECTIONS, {
      description: "OUTBOUND: we contacted the customer; INBOUND: they contacted us",
    }),
    outcome: OneOf(CONTACT_OUTCOMES, {
      description: "What came of it; NO_ANSWER and BOUNCED reach nobody, and the clock goes on",
    }),
    occurredAt: Type.Optional(
      DateTime("When it happened, now if absent; not in the future, nor more than 5 minutes before the clock started"),
    ),
    note: Type.Optional(Prose("What was said")),
    topics: Type.Optional(
      Type.Array(OneOf(CONTACT_TOPICS), {
        maxItems: CONTACT_TOPICS.length,
        description: "THANKED that reached somebody acknowledges the answers of the case",
      }),
    ),
  },
  { $id: "ContactInput", description: "We reached out to the customer, or they to us" },
);

export const NoteSchema = Command(
  { text: Prose("What those who work the case should know") },
  { $id: "NoteInput", description: "A note on a case" },
);

export const CommitmentInputSchema = Command(
  {
    text: Prose("What was promised to the customer"),
    dueOn: CalendarDate("The day it was promised for, 1970 or later"),
  },
  { $id: "CommitmentInput", description: "Something that was promised to the customer" },
);

export const CommitmentOutcomeSchema = Command(
  { kept: Type.Boolean({ description: "true: it was done by its day; false: it was not" }) },
  { $id: "CommitmentOutcomeInput", description: "Whether a commitment was kept" },
);

const RootCauseKey = (description: string) => Text({ description: `${description}: key of a root cause` });

export const CausesSchema = Command(
  {
    statedCause: Type.Optional(Nullable(RootCauseKey("What the customer blames"))),
    actualCause: Type.Optional(Nullable(RootCauseKey("What it was"))),
  },
  { $id: "CausesInput", description: "Customers often blame something else; what is absent stays, null clears" },
);

const Mark = (description: string) => Type.Integer({ minimum: 1, maximum: 5, description });

export const AssessmentSchema = Command(
  {
    feasibility: Type.Optional(Mark("How well it can be mended, 1 to 5")),
    alignment: Type.Optional(Mark("How well that fits where we are going, 1 to 5")),
    publicRisk: Type.Optional(Type.Boolean({ description: "Whether they may say it in public" })),
  },
  { $id: "AssessmentInput", description: "What people who work a case say of it; what is absent stays" },
);

export const ParkingSchema = Command(
  { improvementId: Id("What it waits for: neither shipped nor dropped") },
  { $id: "ParkingInput", description: "What a case is parked on" },
);

export const ResolutionSchema = Command(
  {
    outcome: OneOf(CASE_OUTCOMES, { description: "How the case ends" }),
    resolution: Prose("What was done for the customer, in your own words"),
    actualCause: Type.Optional(RootCauseKey("What it was")),
  },
  { $id: "ResolutionInput", description: "How a case was resolved" },
);

export const VerificationSchema = Command(
  {
    satisfied: Type.Boolean({ description: "Whether the customer says that it is resolved" }),
    verbalScore: Type.Optional(
      Type.Integer({ minimum: 0, maximum: SCORE_MAX, description: "0 to 10, as said; never counted as an answer" }),
    ),
    note: Type.Optional(Prose("What the customer said")),
  },
  { $id: "VerificationInput", description: "What the customer says of how a case was resolved" },
);

export const ClosureSchema = Command(
  { outcome: OneOf(CASE_OUTCOMES, { description: "How the case ends" }), reason: Prose("Why it ends here") },
  { $id: "ClosureInput", description: "Why a case is closed" },
);

export const ReopeningSchema = Command(
  { reason: Prose("What came up again") },
  { $id: "ReopeningInput", description: "Why a case is opened again" },
);

/** Of the name of another system. */
export const SYSTEM_LENGTH_MAX = 64;

export const ReferenceInputSchema = Command(
  {
    externalId: Text({ description: "The ticket's id there" }),
    url: Type.Optional(
      Nullable(Type.String({ format: "url", maxLength: 255, description: "Where it can be read, a http(s) URL" })),
    ),
  },
  { $id: "ReferenceInput", description: "The same matter in another system" },
);

export type OpenCase = Static<typeof OpenCaseSchema>;
export type Contact = Static<typeof ContactSchema>;
export type CausesInput = Static<typeof CausesSchema>;
export type AssessmentInput = Static<typeof AssessmentSchema>;
export type Resolution = Static<typeof ResolutionSchema>;
export type Verification = Static<typeof VerificationSchema>;
export type Closure = Static<typeof ClosureSchema>;
export type ReferenceInput = Static<typeof ReferenceInputSchema>;

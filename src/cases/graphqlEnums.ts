import { defineEnum } from "../platform/graphqlInput.ts";
import { ACTOR_KINDS } from "../platform/tenancy.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import { ACTIVITY_TYPES } from "./activity.ts";
import { CONTACT_CHANNELS, CONTACT_DIRECTIONS, CONTACT_OUTCOMES, CONTACT_TOPICS } from "./commands.ts";
import { CLOCK_CAUSES, FIRST_CONTACT_STATES } from "./firstContact.ts";
import { CASE_OUTCOMES, CASE_REASONS } from "./model.ts";
import { PRIORITY, PRIORITY_TERMS } from "./priority.ts";

/** The words of cases, and what each says. */

export const StatusEnum = defineEnum(
  "CaseStatus",
  "How far the follow-up is; a live case is not yet resolved",
  CASE_STATUSES,
  {
    OPEN: "Nobody has reached out since the latest first-contact clock started",
    CONTACTED: "Somebody has reached out; the case is being worked",
    PARKED: "Waits for an improvement; CONTACTED again once that ships or is dropped",
    RESOLVED: "Settled in our view; the customer has not been asked or has not answered yet",
    CLOSED: "Ended; only reopening moves it",
  },
);

const { least, heavyHitter } = PRIORITY;
export const PriorityEnum = defineEnum(
  "CasePriority",
  "Whom to call first, by the points of the case without those for waiting",
  CASE_PRIORITIES,
  {
    URGENT: `${least.URGENT} points or more`,
    HIGH: `${least.HIGH} points or more, and not URGENT`,
    NORMAL: `${least.NORMAL} points or more, and not HIGH`,
    LOW: `Fewer than ${least.NORMAL} points`,
  },
);

export const ReasonEnum = defineEnum("CaseReason", "Why the customer is to be called", CASE_REASONS, {
  DETRACTOR: "An answer of 0 to 6",
  DANGER_ZONE: "An answer of 0 to 3; given together with DETRACTOR",
  FOLLOW_UP_REQUESTED: "The customer asked to be contacted, whatever the score",
  MANUAL: "Somebody opened the case by hand",
});

export const OutcomeEnum = defineEnum(
  "CaseOutcome",
  "How a case ended, as the person who ended it says",
  CASE_OUTCOMES,
  {
    RECOVERED: "The customer is content again",
    EDUCATED: "The customer was shown how to reach what they wanted",
    ALREADY_SOLVED: "The problem was gone before we called",
    FIXED: "The problem was mended for this customer",
    GOODWILL: "The customer was compensated, with a credit or a refund",
    UPSOLD: "The customer took a larger or another product that meets the need",
    IMPROVEMENT_PLANNED: "An improvement that removes the cause is planned",
    NOT_ADDRESSABLE: "What the customer asks for does not fit and will not be done",
    UNREACHABLE: "Nobody could be reached, although we tried",
    INVALID: "No case after all: a test, a mistake, an answer that was taken away",
  },
);

export const StateEnum = defineEnum(
  "FirstContactState",
  "Whether a first contact was made in time",
  FIRST_CONTACT_STATES,
  {
    PENDING: "Nobody has reached out, and `dueAt` has not passed",
    MET: "Somebody reached out by `dueAt`",
    MISSED: "`dueAt` passed first; a later contact does not change that, one entered late that was in time does",
  },
);

export const ClockCauseEnum = defineEnum("ClockCause", "What started a first-contact clock", CLOCK_CAUSES, {
  OPENED: "The case opened: by an answer, or by hand",
  NEW_RESPONSE: "A further answer joined after the clock before had stopped",
  RESPONSE_CHANGED: "An answer was changed into one that asks for a call",
  REOPENED: "Somebody opened a resolved or closed case again",
});

export const PriorityTermEnum = defineEnum(
  "PriorityTermName",
  "What the order of the queue is made of",
  PRIORITY_TERMS,
  {
    DANGER_ZONE: "An answer of 0 to 3: 1",
    HEAVY_HITTER: `In the danger zone, and an account worth ${heavyHitter.annualValue} a year or more or of segment ${heavyHitter.segments.join()}: 1`,
    DETRACTOR: "An answer of 0 to 6: 1",
    ACCOUNT_VALUE: `The account's annual value: 1 from ${PRIORITY.valueFull} on, a quarter less for each tenfold smaller one`,
    SEGMENT: "The account's segment: 1 for ENTERPRISE, 0.5 for MID_MARKET",
    FOLLOW_UP_REQUESTED: "The customer asked to be contacted: 1",
    FRESHLY_TIPPED: "The same person's answer before was in a better category: 1",
    LONG_STANDING: "The same person's answer before was a detractor's too: 1",
    NO_COMMENT: "A detractor who did not say why: 1",
    PUBLIC_RISK: "Assessed: they may say it in public: 1",
    FEASIBILITY: "Assessed: −1 for a mark of 1, 1 for a mark of 5",
    ALIGNMENT: "Assessed: −1 for a mark of 1, 1 for a mark of 5",
    WAITING: "Hours since the latest clock started, without a cap",
  },
);

export const ActivityTypeEnum = defineEnum("CaseActivityType", "What happened to a case", ACTIVITY_TYPES, {
  OPENED: "The case was opened; `text` is the note of an opening by hand",
  RESPONSE_JOINED: "A further answer joined the case",
  RESPONSE_CHANGED: "An answer of the case was changed",
  RESPONSE_LEFT: "An answer no longer belongs to the case",
  ASSIGNED: "Somebody else is accountable, or nobody",
  CONTACT: "We reached out, tried to, or the customer contacted us; `text` is what was said",
  NOTE: "Somebody wrote a note, which is `text`",
  COMMITMENT_MADE: "Something was promised to the customer, which is `text`",
  COMMITMENT_DUE: "The day of a commitment has come, and it is not settled",
  COMMITMENT_SETTLED: "Somebody said whether a commitment was kept",
  CAUSES_SET: "The stated or the actual root cause was set",
  ASSESSED: "Feasibility, alignment or public risk was assessed",
  REFERENCE_PUT: "The ticket of another system was named",
  PARKED: "The case began to wait for an improvement",
  UNPARKED: "The improvement shipped or was dropped, and the case came back",
  RESOLVED: "The case was resolved; `text` is what was done",
  VERIFIED: "The customer said whether they agree that it is resolved",
  CLOSED: "The case was closed; `text` is the reason",
  REOPENED: "The case was opened again; `text` is the reason",
  FIRST_CONTACT_DUE_SOON: "A share of the time to the first contact has passed",
  FIRST_CONTACT_MISSED: "The time to the first contact has passed",
  ESCALATED: "The first contact is overdue by so much that others are told",
});

export const ActorKindEnum = defineEnum("ActorKind", "As whom somebody acts", ACTOR_KINDS, {
  key: "A service with an API key",
  user: "A person, by the token of their identity provider",
  job: "Afterscore itself, in the background",
  source: "A survey tool, by its webhook",
});

defineEnum("ContactChannel", "How a customer was contacted", CONTACT_CHANNELS, {
  PHONE: "By a telephone or video call",
  EMAIL: "By an e-mail",
  IN_PERSON: "Face to face",
  SMS: "By text message",
  CHAT: "In a chat or messenger",
  LETTER: "By paper mail",
  OTHER: "Any other way",
});

defineEnum("ContactDirection", "Who contacted whom", CONTACT_DIRECTIONS, {
  OUTBOUND: "We contacted the customer; only this can stop the clock",
  INBOUND: "The customer contacted us; the clock goes on",
});

defineEnum("ContactOutcome", "What came of a contact", CONTACT_OUTCOMES, {
  REACHED: "We spoke with the customer; stops the clock",
  LEFT_MESSAGE: "A message was left; stops the clock",
  NO_ANSWER: "Nobody answered; the clock goes on",
  SENT: "A message was sent; stops the clock",
  BOUNCED: "The message came back; the clock goes on",
});

defineEnum("ContactTopic", "What was said to the customer", CONTACT_TOPICS, {
  THANKED: "Thanks for the answer; acknowledges the responses where it reached somebody",
  LISTENED: "The customer told their side",
  APOLOGISED: "We said that we are sorry",
  PRIORITY_EXPLAINED: "How important it is to us, and when it will be worked on",
  LIMITS_EXPLAINED: "What will not be done, and why",
  USE_EXPLAINED: "How what is there helps them, and how to use it",
});

import { type Static, Type } from "@sinclair/typebox";
import { type InvalidParam, invalidRequest } from "../platform/errors.ts";
import { type Absence, CalendarDate, nullableRef, OneOf, Strict, Text } from "../platform/schema.ts";
import type { Category } from "../scoring/index.ts";
import { addOpenTime, type Calendar, WEEKDAYS } from "./calendar.ts";

/** ELAPSED: every hour counts. BUSINESS: only those in which the calendar is open. */
const CLOCK_KINDS = ["ELAPSED", "BUSINESS"] as const;

/** A month: a later first contact is none. */
const HOURS_MAX = 744;
const PERCENT_MAX = 1_000;
const STEPS_MAX = 10;
const INTERVALS_MAX = 70;
const HOLIDAYS_MAX = 500;
const YEAR_MS = 366 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** Sent by those who are used to it elsewhere; refused with the reason, wherever a case is spoken of. */
export const NO_RESOLUTION_DEADLINE: Absence = {
  pattern: "resol|deadline|sla|due|target",
  reason: "only the first contact has a time to be met; one for resolving would breed quick fixes",
};

const Time = (description: string) => Type.String({ format: "time-of-day", description });

export const CalendarSchema = Strict(
  {
    timeZone: Text({ description: "IANA name, like Europe/Berlin" }),
    weekly: Type.Array(
      Strict({
        day: OneOf(WEEKDAYS, { description: "Day of the week" }),
        open: Time("Local time, like 09:00"),
        close: Time("Local time, 24:00 is the end of the day"),
      }),
      { minItems: 1, maxItems: INTERVALS_MAX, description: "Opening hours, several intervals a day if need be" },
    ),
    holidays: Type.Optional(
      Type.Array(CalendarDate(), { maxItems: HOLIDAYS_MAX, description: "Closed for the whole local day" }),
    ),
  },
  { $id: "Calendar", description: "When people work" },
);

const Allowed = (whom: string) =>
  Strict(
    { hours: Type.Number({ exclusiveMinimum: 0, maximum: HOURS_MAX, description: `To reach ${whom}` }) },
    { description: `The time for ${whom}`, absent: NO_RESOLUTION_DEADLINE },
  );

const fields = {
  detractor: Allowed("a detractor"),
  dangerZone: Allowed("somebody in the danger zone"),
  passive: Allowed("a passive who asks for it"),
  promoter: Allowed("a promoter who asks for it"),
  clock: OneOf(CLOCK_KINDS, {
    description: "ELAPSED: every hour counts; BUSINESS: those in which the calendar is open",
  }),
  escalationPercents: Type.Array(Type.Integer({ minimum: 1, maximum: PERCENT_MAX }), {
    maxItems: STEPS_MAX,
    description: "When it is announced, in % of the time allowed: due soon below 100, missed at 100, escalated above",
  }),
};

export const PolicyInputSchema = Strict(
  {
    ...Type.Partial(Type.Object(fields)).properties,
    calendar: Type.Optional(nullableRef(CalendarSchema, { description: "BUSINESS needs one" })),
  },
  {
    $id: "FirstContactPolicyInput",
    description: "What is absent is as it is built in",
    absent: NO_RESOLUTION_DEADLINE,
  },
);
export type PolicyInput = Static<typeof PolicyInputSchema>;

export const PolicySchema = Strict(
  { ...fields, calendar: nullableRef(CalendarSchema) },
  { $id: "FirstContactPolicy", description: "How soon somebody must have reached out" },
);
/** A promise of first contact, as it was saved. */
export type Policy = Omit<Static<typeof PolicySchema>, "calendar"> & { calendar: Calendar | null };

/** The promise of a workspace that has saved none. */
export const DEFAULT_POLICY: Policy = {
  detractor: { hours: 48 },
  dangerZone: { hours: 24 },
  passive: { hours: 48 },
  promoter: { hours: 48 },
  clock: "ELAPSED",
  calendar: null,
  escalationPercents: [75, 100, 150],
};

/** At this share of the time allowed a first contact is missed: announced by every policy. */
export const MISSED_PERCENT = 100;

/**
 * The policy that was asked for, whole and in order.
 * @throws {AppError} `invalid_request` for a calendar that is missing, impossible or never open long enough
 */
export function toPolicy(input: PolicyInput, now: Date): Policy {
  const percents = new Set([...(input.escalationPercents ?? DEFAULT_POLICY.escalationPercents), MISSED_PERCENT]);
  const policy = {
    ...DEFAULT_POLICY,
    ...input,
    calendar: input.calendar ? { ...input.calendar, holidays: input.calendar.holidays ?? [] } : null,
    escalationPercents: [...percents].toSorted((a, b) => a - b),
  };
  const invalid = findMistakes(policy, now);
  if (invalid.length > 0) throw invalidRequest(invalid);
  return policy;
}

function findMistakes(policy: Policy, now: Date): InvalidParam[] {
  const { clock, calendar } = policy;
  if (calendar === null) {
    return clock === "BUSINESS" ? [{ name: "calendar", reason: "is required for the clock BUSINESS" }] : [];
  }
  const invalid: InvalidParam[] = [];
  if (!isTimeZone(calendar.timeZone)) {
    invalid.push({ name: "calendar.timeZone", reason: "must be an IANA time zone, like Europe/Berlin" });
  }
  for (const [index, { day, open, close }] of calendar.weekly.entries()) {
    const name = `calendar.weekly.${index}`;
    if (open === "24:00") invalid.push({ name: `${name}.open`, reason: "must be before the end of the day" });
    if (close <= open) {
      invalid.push({ name: `${name}.close`, reason: "must be after open; a night shift is two intervals" });
    }
    const overlaps = calendar.weekly
      .slice(0, index)
      .some((other) => other.day === day && other.open < close && open < other.close);
    if (overlaps) invalid.push({ name, reason: "overlaps another interval of the same day" });
  }
  if (invalid.length > 0 || clock === "ELAPSED") return invalid;
  const slowest = Math.max(...Object.values(CATEGORY_FIELDS).map((field) => policy[field].hours));
  if (dueAfter(policy, now, slowest).getTime() - now.getTime() <= YEAR_MS) return [];
  return [{ name: "calendar", reason: `is open too little: ${slowest} hours would take more than a year` }];
}

function isTimeZone(name: string): boolean {
  try {
    // Offsets like +02:00 are taken as well, and are no place where somebody works.
    return /^[A-Za-z]/.test(new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone);
  } catch {
    return false;
  }
}

const CATEGORY_FIELDS = {
  DETRACTOR: "detractor",
  PASSIVE: "passive",
  PROMOTER: "promoter",
  DANGER_ZONE: "dangerZone",
} as const satisfies Record<Category | "DANGER_ZONE", keyof Policy>;

/** What a clock must know of an answer. */
export interface Answered {
  category: Category;
  dangerZone: boolean;
}

/** Hours to the first contact with somebody who answered this. */
export function hoursFor(policy: Policy, { category, dangerZone }: Answered): number {
  return policy[CATEGORY_FIELDS[dangerZone ? "DANGER_ZONE" : category]].hours;
}

/** When so many hours have passed since `start`, by the policy's clock; to the millisecond. */
export function dueAfter({ clock, calendar }: Pick<Policy, "clock" | "calendar">, start: Date, hours: number): Date {
  const ms = Math.round(hours * HOUR_MS);
  if (clock === "ELAPSED" || calendar === null) return new Date(start.getTime() + ms);
  return addOpenTime(start, ms, calendar);
}

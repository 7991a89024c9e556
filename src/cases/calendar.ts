import { Temporal } from "temporal-polyfill";

export const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;

/** Open from `open` to `close`, local wall clock, `24:00` being the end of the day. */
export interface OpeningHours {
  day: (typeof WEEKDAYS)[number];
  open: string;
  close: string;
}

/** When people work: opening hours by weekday, and days (`2026-12-25`) that are closed whatever their weekday. */
export interface Calendar {
  /** IANA name. */
  timeZone: string;
  weekly: OpeningHours[];
  holidays: string[];
}

/** A span of open time, in milliseconds since 1970. */
type Span = readonly [from: number, to: number];

/** Ten years: a calendar that is accepted leaves a first contact due within one. */
const DAYS_MAX = 3_660;
const SPANS_KEPT_MAX = 1_000;

/** The days that were looked at, by calendar: many cases start on the same one. */
const spans = new WeakMap<Calendar, Map<string, Span[]>>();

/**
 * The first instant at which this much open time has passed since `start`; at closing time it is the
 * closing time. Open time is real time: an interval that a clock change falls into is as long as it
 * really is. A start in closed time counts from the next opening.
 */
export function addOpenTime(start: Date, openMs: number, calendar: Calendar): Date {
  let [remaining, last] = [openMs, start.getTime()];
  let day = Temporal.Instant.fromEpochMilliseconds(last).toZonedDateTimeISO(calendar.timeZone).toPlainDate();
  for (let count = 0; count < DAYS_MAX; count += 1) {
    for (const [open, close] of spansOf(calendar, day)) {
      const from = Math.max(open, last);
      if (close <= from) continue;
      if (remaining <= close - from) return new Date(from + remaining);
      [remaining, last] = [remaining - (close - from), close];
    }
    day = day.add({ days: 1 });
  }
  return new Date(last);
}

function spansOf(calendar: Calendar, day: Temporal.PlainDate): Span[] {
  let known = spans.get(calendar);
  if (known === undefined || known.size > SPANS_KEPT_MAX) spans.set(calendar, (known = new Map()));
  const date = day.toString();
  let found = known.get(date);
  if (found === undefined) known.set(date, (found = findSpans(calendar, day, date)));
  return found;
}

function findSpans({ timeZone, weekly, holidays }: Calendar, day: Temporal.PlainDate, date: string): Span[] {
  if (holidays.includes(date)) return [];
  const at = (time: string) =>
    time === "24:00"
      ? day.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds
      : instantOf(day, time, timeZone);
  return weekly
    .filter((hours) => hours.day === WEEKDAYS[day.dayOfWeek - 1])
    .map(({ open, close }): Span => [at(open), at(close)])
    .toSorted(([a], [b]) => a - b);
}

/** A time that a clock change leaves out is the moment of the change: nothing lies between it and the one after. */
function instantOf(day: Temporal.PlainDate, time: string, timeZone: string): number {
  const wanted = day.toPlainDateTime(time);
  const found = wanted.toZonedDateTime(timeZone);
  const isThere = found.toPlainDateTime().equals(wanted);
  const before = isThere ? undefined : wanted.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  return (before?.getTimeZoneTransition("next") ?? found).epochMilliseconds;
}

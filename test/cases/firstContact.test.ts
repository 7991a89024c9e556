import fc from "fast-check";
import t from "tap";
import { addOpenTime, type Calendar } from "../../src/cases/calendar.ts";
import { joinClock, meetClock, startClock, stateOf, takeSteps } from "../../src/cases/firstContact.ts";
import { DEFAULT_POLICY, dueAfter, type Policy, toPolicy } from "../../src/cases/policy.ts";
import { readShared } from "../support/shared.ts";

const HOUR_MS = 3_600_000;
const NOW = new Date("2026-05-04T09:12:00Z");
const WEEK: Calendar["weekly"] = (["MON", "TUE", "WED", "THU", "FRI"] as const).map((day) => ({
  day,
  open: "09:00",
  close: "17:00",
}));
const DETRACTOR = { category: "DETRACTOR", dangerZone: false, respondedAt: NOW, receivedAt: NOW } as const;
const DANGER = { ...DETRACTOR, dangerZone: true } as const;
const after = (hours: number, from = NOW) => new Date(from.getTime() + hours * HOUR_MS);

t.test("known due dates", async (t) => {
  const text = readShared("vectors/first-contact.json");
  if (text === undefined) return;
  const { cases, invalidPolicies } = JSON.parse(text);
  for (const { id, policy, startedAt, dueAt } of cases) {
    const due = dueAfter({ calendar: null, ...policy }, new Date(startedAt), policy.hours);
    t.equal(due.toISOString(), new Date(dueAt).toISOString(), id);
  }
  for (const { id, policy } of invalidPolicies.filter(({ policy: { hours } }: any) => hours > 0)) {
    const { hours, ...rest } = policy;
    // Days that do not exist and hours of 0 are the schema's to refuse: test/cases/policy.test.ts.
    if (id === "impossible-date" || id === "empty-week") continue;
    t.throws(() => toPolicy({ ...rest, detractor: { hours } }, NOW), { code: "invalid_request" }, id);
  }
});

t.test("open time is as long as it really is when the clock changes inside it", async (t) => {
  const night = (timeZone: string): Calendar => ({
    timeZone,
    weekly: [{ day: "SUN", open: "00:00", close: "06:00" }],
    holidays: [],
  });
  for (const [timeZone, midnight, hours, morning] of [
    ["Europe/Berlin", "2026-03-29T00:00:00+01:00", 5, "2026-03-29T06:00:00+02:00"],
    ["Europe/Berlin", "2026-10-25T00:00:00+02:00", 7, "2026-10-25T06:00:00+01:00"],
    ["Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", 5.5, "2026-10-04T06:00:00+11:00"],
    ["Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", 6.5, "2026-04-05T06:00:00+10:30"],
  ] as const) {
    const due = addOpenTime(new Date(midnight), hours * HOUR_MS, night(timeZone));
    t.equal(due.toISOString(), new Date(morning).toISOString(), `${timeZone} ${midnight}`);
  }
});

t.test("several intervals a day, the end of the day, and holidays", async (t) => {
  const calendar: Calendar = {
    timeZone: "Europe/Berlin",
    weekly: [
      { day: "MON", open: "13:00", close: "24:00" },
      { day: "MON", open: "09:00", close: "12:00" },
      { day: "TUE", open: "00:00", close: "01:00" },
    ],
    holidays: ["2026-05-11"],
  };
  const due = (start: string, hours: number) => addOpenTime(new Date(start), hours * HOUR_MS, calendar).toISOString();
  t.equal(due("2026-05-04T11:00:00+02:00", 2), "2026-05-04T12:00:00.000Z", "over lunch");
  t.equal(due("2026-05-04T12:30:00+02:00", 11), "2026-05-04T22:00:00.000Z", "to the end of the day");
  t.equal(due("2026-05-04T23:30:00+02:00", 1), "2026-05-04T22:30:00.000Z", "over midnight");
  t.equal(due("2026-05-05T01:00:00+02:00", 1), "2026-05-11T23:00:00.000Z", "past a holiday");
});

t.test("hours that begin or end in what a clock change leaves out are as long as they are", async (t) => {
  const calendar = (...hours: [string, string][]): Calendar => ({
    timeZone: "Europe/Berlin",
    weekly: hours.map(([open, close]) => ({ day: "SUN", open, close })),
    holidays: [],
  });
  const due = (own: Calendar, hours: number) =>
    addOpenTime(new Date("2026-03-29T00:00:00+01:00"), hours * HOUR_MS, own).toISOString();
  const night = calendar(["00:00", "02:30"], ["03:00", "06:00"]);
  t.equal(due(night, 2), "2026-03-29T01:00:00.000Z", "02:30 is when it becomes 03:00");
  t.equal(due(night, 2.75), "2026-03-29T01:45:00.000Z");
  t.equal(
    due(calendar(["02:15", "02:45"], ["05:00", "06:00"]), 0.5),
    "2026-03-29T03:30:00.000Z",
    "nothing of it is there",
  );
});

t.test("due dates of any policy add up, never run backwards, and fall into open time", async () => {
  const interval = fc.tuple(fc.constantFrom(...WEEK.map(({ day }) => day)), fc.nat(20), fc.integer({ min: 1, max: 3 }));
  const anyCalendar = fc
    .record({
      timeZone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
      weekly: fc.uniqueArray(interval, { minLength: 1, maxLength: 5, selector: ([day]) => day }),
      holidays: fc.subarray(["2026-12-25", "2027-01-01", "2026-03-30"]),
    })
    .map(({ timeZone, weekly, holidays }): Calendar => {
      const time = (hour: number) => `${String(hour).padStart(2, "0")}:00`;
      const hours = weekly.map(([day, open, length]) => ({ day, open: time(open), close: time(open + length) }));
      return { timeZone, weekly: hours, holidays };
    });
  const minutes = fc.integer({ min: 1, max: 60 * 60 });
  const start = fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(anyCalendar, start, minutes, minutes, (calendar, from, a, b) => {
      const add = (at: Date, count: number) => addOpenTime(at, count * 60_000, calendar);
      const whole = add(from, a + b);
      if (add(add(from, a), b).getTime() !== whole.getTime()) throw new Error("two parts are not the whole");
      if (whole.getTime() - from.getTime() < (a + b) * 60_000) throw new Error("open time is never shorter than time");
      if (add(new Date(from.getTime() + 60_000), a) < add(from, a)) throw new Error("a later start was due earlier");
    }),
    { numRuns: 200 },
  );
});

t.test("a clock", async (t) => {
  t.test("has the hours of the answer's category, by the policy it is given", async (t) => {
    const policy: Policy = { ...DEFAULT_POLICY, detractor: { hours: 8 }, promoter: { hours: 1.5 } };
    t.same(startClock(1, "OPENED", NOW, DETRACTOR, policy).dueAt, after(8));
    t.same(startClock(1, "OPENED", NOW, DANGER, policy).dueAt, after(24));
    t.same(startClock(1, "OPENED", NOW, { ...DETRACTOR, category: "PROMOTER" }, policy).dueAt, after(1.5));
  });

  t.test("while it runs, moves earlier for an answer that is due earlier, and never later", async (t) => {
    const first = startClock(1, "OPENED", NOW, DETRACTOR, DEFAULT_POLICY);
    t.same(joinClock(first, "NEW_RESPONSE", after(40), DANGER, DEFAULT_POLICY), first);
    const moved = joinClock(first, "NEW_RESPONSE", after(4), DANGER, DEFAULT_POLICY);
    t.match(moved, { n: 1, cause: "OPENED", startedAt: NOW, countedFrom: after(4), dueAt: after(28), nextStep: 75 });
    t.same(moved.nextStepAt, after(4 + 18));
  });

  t.test("once met, an answer starts another, and the first stays as it was", async (t) => {
    const met = meetClock(startClock(1, "OPENED", NOW, DETRACTOR, DEFAULT_POLICY), after(2));
    const second = joinClock(met, "NEW_RESPONSE", after(100), DANGER, DEFAULT_POLICY);
    t.match(second, { n: 2, cause: "NEW_RESPONSE", startedAt: after(100), dueAt: after(124), metAt: null });
  });

  t.test("is met by the first contact, also where that is entered later than another", async (t) => {
    const clock = startClock(1, "OPENED", NOW, DANGER, DEFAULT_POLICY);
    const late = meetClock(clock, after(30));
    t.equal(stateOf(late, after(31)), "MISSED");
    const inTime = meetClock(late, after(20));
    t.equal(stateOf(inTime, after(31)), "MET");
    t.same(meetClock(inTime, after(25)), inTime, "a later contact changes nothing");
    t.same(meetClock(clock, after(-1)), clock, "one from before the clock is none of its");
    t.same(meetClock(clock, after(-4 / 60)).metAt, after(-4 / 60), "but clocks differ by some minutes");
  });

  t.test("is pending to the very moment it is due", async (t) => {
    const clock = startClock(1, "OPENED", NOW, DANGER, DEFAULT_POLICY);
    t.equal(stateOf(clock, after(24)), "PENDING");
    t.equal(stateOf(clock, new Date(after(24).getTime() + 1)), "MISSED");
    t.equal(stateOf(meetClock(clock, after(24)), after(99)), "MET");
  });

  t.test("announces each step once, those that were missed meanwhile with the time they were reached", async (t) => {
    const clock = startClock(1, "OPENED", NOW, DANGER, DEFAULT_POLICY);
    t.same(takeSteps(clock, DEFAULT_POLICY, after(17.99)).steps, []);
    const first = takeSteps(clock, DEFAULT_POLICY, after(18));
    t.same(first.steps, [{ percent: 75, reachedAt: after(18) }]);
    const rest = takeSteps(first.clock, DEFAULT_POLICY, after(1_000));
    t.same(rest.steps, [
      { percent: 100, reachedAt: after(24) },
      { percent: 150, reachedAt: after(36) },
    ]);
    t.match(rest.clock, { nextStep: null, nextStepAt: null });
    const moved = joinClock(first.clock, "NEW_RESPONSE", after(19), DANGER, {
      ...DEFAULT_POLICY,
      dangerZone: { hours: 1 },
    });
    t.match(moved, { nextStep: 100, nextStepAt: after(20) }, "what was announced is not announced again");
    t.match(meetClock(clock, after(1)), { nextStep: null, nextStepAt: null });
  });

  t.test("says when its answer arrived too late to be called about in time", async (t) => {
    const old = { ...DETRACTOR, respondedAt: after(-49) };
    t.equal(startClock(1, "OPENED", NOW, old, DEFAULT_POLICY).arrivedLate, true);
    t.same(startClock(1, "OPENED", NOW, old, DEFAULT_POLICY).dueAt, after(48), "and starts at arrival all the same");
    t.equal(startClock(1, "OPENED", NOW, { ...old, respondedAt: after(-47) }, DEFAULT_POLICY).arrivedLate, false);
  });
});

import t from "tap";
import { isDate, isDateTime, toBound } from "../../src/platform/schema.ts";
import { createAjv, toInvalidParams } from "../../src/platform/validation.ts";

t.test("times are RFC 3339 with offset, and exist", async (t) => {
  for (const time of ["2026-05-04T09:12:00Z", "2026-05-04t09:12:00.123456z", "2024-02-29T23:59:59+14:00"]) {
    t.ok(isDateTime(time), time);
    t.notOk(Number.isNaN(Date.parse(time)), time);
  }
  for (const time of [
    "2026-05-04T09:12:00",
    "2026-05-04 09:12:00Z",
    "2026-05-04T09:12Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-05-04T24:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-05-04T09:12:00+24:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "+102026-05-04T09:12:00Z",
    "",
  ]) {
    t.notOk(isDateTime(time), time);
  }
});

t.test("dates are days of the calendar", async (t) => {
  t.ok(isDate("2024-02-29"));
  for (const date of ["2026-02-29", "0000-01-01", "2026-00-01", "2026-5-4", "20260504", "2026-05-04T00:00:00Z"])
    t.notOk(isDate(date), date);
});

t.test("a bound between two milliseconds is the later one", async (t) => {
  t.same(toBound("2026-05-04T09:12:00.1239Z"), new Date("2026-05-04T09:12:00.124Z"));
  t.same(toBound("2026-05-04T09:12:00.123000Z"), new Date("2026-05-04T09:12:00.123Z"));
  t.same(toBound("2026-05-04T09:12:00+02:00"), new Date("2026-05-04T07:12:00Z"));
});

t.test("whoever is out of bounds is told the bound", async (t) => {
  const isValid = createAjv().compile({
    type: "object",
    properties: {
      score: { type: "integer", minimum: 0, maximum: 10 },
      hours: { type: "number", exclusiveMinimum: 0 },
      name: { type: "string", minLength: 1, maxLength: 3 },
      code: { type: "string", minLength: 2 },
      values: { type: "array", minItems: 1, maxItems: 2 },
      properties: { type: "object", maxProperties: 1 },
    },
  });
  for (const [value, reason] of [
    [{ score: -1 }, "must be at least 0"],
    [{ score: 11 }, "must be at most 10"],
    [{ hours: 0 }, "must be more than 0"],
    [{ name: "" }, "must not be empty"],
    [{ name: "four" }, "must have at most 3 characters"],
    [{ code: "x" }, "must have at least 2 characters"],
    [{ values: [] }, "must not be empty"],
    [{ values: [1, 2, 3] }, "must have at most 2 values"],
    [{ properties: { a: 1, b: 2 } }, "must have at most 1 fields"],
  ] as const) {
    t.notOk(isValid(value));
    t.same(toInvalidParams(isValid.errors ?? []), [{ name: Object.keys(value)[0], reason }]);
  }
});

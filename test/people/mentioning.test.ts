import t from "tap";
import { isMentioned } from "../../src/people/index.ts";

t.test("somebody is found by what they are known by, a number however it is written", async (t) => {
  const known = ["u-1", "Ana@example.com", "+4915112345678"];
  for (const text of [
    "from ANA@example.com",
    "call +49 151 1234 56-78",
    "(+49) 151/123.456.78",
    '{"phone":"+4915112345678"}',
  ])
    t.ok(isMentioned(text, known), text);
  for (const text of ["u-1", "+49 151 1234 567", "ana (at) example.com", ""]) t.notOk(isMentioned(text, known), text);
  t.notOk(isMentioned("anything", []));
  t.notOk(isMentioned("on 2026-07-15", ["20260715"]), "an id is no date");
});

import t from "tap";
import { startService } from "../support/service.ts";
import { readShared } from "../support/shared.ts";

const PATH = "/v1/policies/first-contact";
const HOUR_MS = 3_600_000;
const DEFAULTS = {
  detractor: { hours: 48 },
  dangerZone: { hours: 24 },
  passive: { hours: 48 },
  promoter: { hours: 48 },
  clock: "ELAPSED",
  calendar: null,
  escalationPercents: [75, 100, 150],
};

t.test("the first-contact policy", async (t) => {
  const service = await startService(t);

  t.test("is built in until one is saved, and what is read can be saved again", async (t) => {
    const client = await service.newClient();
    t.same((await client.get(PATH)).body, DEFAULTS);
    const saved = await client.put(PATH, { detractor: { hours: 24 }, escalationPercents: [150, 50] });
    t.equal(saved.status, 200);
    t.same(
      saved.body,
      { ...DEFAULTS, detractor: { hours: 24 }, escalationPercents: [50, 100, 150] },
      "missed is always told",
    );
    t.same((await client.get(PATH)).body, saved.body);
    t.same((await client.put(PATH, saved.body)).body, saved.body);
    t.equal((await client.rows("select from first_contact_policies")).length, 1, "the same again is not another");
    t.same((await client.put(PATH, {})).body, DEFAULTS, "what is absent is as it is built in");
  });

  t.test("holds for cases that are opened from then on; an open case keeps its own", async (t) => {
    const client = await service.newClient();
    const person = { email: "ana@example.com" };
    const hours = ({ body }: { body: any }) =>
      (Date.parse(body.case.firstContactDueAt) - Date.parse(body.receivedAt)) / HOUR_MS;
    const before = await client.post("/v1/responses", { score: 5, person });
    await client.put(PATH, { detractor: { hours: 2 }, dangerZone: { hours: 1 } });
    t.equal(hours(before), 48);
    t.equal(hours(await client.post("/v1/responses", { score: 5 })), 2);
    const joined = await client.post("/v1/responses", { score: 1, person });
    t.equal(joined.body.case.id, before.body.case.id);
    t.equal(hours(joined), 24, "an answer that joins is due by the policy of the case");
    const path = `/v1/cases/${before.body.case.id}`;
    await client.post(`${path}/closure`, { outcome: "RECOVERED", reason: "Fine" });
    const { body: again } = await client.post(`${path}/reopening`, { reason: "Not fine" });
    const { startedAt, dueAt, cause } = again.firstContact;
    t.equal(cause, "REOPENED");
    t.equal((Date.parse(dueAt) - Date.parse(startedAt)) / HOUR_MS, 24);
  });

  t.test("counts business hours", async (t) => {
    const client = await service.newClient();
    const days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    const weekly = days.map((day) => ({ day, open: "00:00", close: "12:00" }));
    const { status } = await client.put(PATH, { clock: "BUSINESS", calendar: { timeZone: "Asia/Kolkata", weekly } });
    t.equal(status, 200);
    const { body } = await client.post("/v1/responses", { score: 5 });
    const waited = (Date.parse(body.case.firstContactDueAt) - Date.parse(body.receivedAt)) / HOUR_MS;
    t.ok(waited >= 84 && waited <= 96, `48 open hours of 12 a day take ${waited}`);
  });

  t.test("is refused where it cannot be kept, by the name of the field", async (t) => {
    const client = await service.newClient();
    const weekly = [{ day: "MON", open: "09:00", close: "17:00" }];
    const business = (calendar: object) => ({ clock: "BUSINESS", calendar: { timeZone: "UTC", weekly, ...calendar } });
    for (const [name, body] of [
      ["calendar", { clock: "BUSINESS" }],
      ["calendar", { clock: "BUSINESS", calendar: null }],
      ["calendar.weekly", business({ weekly: [] })],
      ["calendar.timeZone", business({ timeZone: "Europe/Atlantis" })],
      ["calendar.timeZone", business({ timeZone: "+02:00" })],
      ["calendar.weekly.0.close", business({ weekly: [{ day: "MON", open: "17:00", close: "09:00" }] })],
      ["calendar.weekly.0.close", business({ weekly: [{ day: "MON", open: "09:00", close: "09:00" }] })],
      ["calendar.weekly.0.open", business({ weekly: [{ day: "MON", open: "9:00", close: "17:00" }] })],
      ["calendar.weekly.1", business({ weekly: [...weekly, { day: "MON", open: "16:59", close: "18:00" }] })],
      ["calendar.holidays.0", business({ holidays: ["2026-02-30"] })],
      ["calendar", business({ weekly: [{ day: "MON", open: "09:00", close: "09:30" }] })],
      ["detractor.hours", { detractor: { hours: 0 } }],
      ["detractor.hours", { detractor: { hours: -1 } }],
      ["dangerZone.hours", { dangerZone: { hours: 745 } }],
      ["escalationPercents.0", { escalationPercents: [0] }],
      ["escalationPercents.1", { escalationPercents: [75, 12.5] }],
      ["surprise", { surprise: 1 }],
    ] as const) {
      const answer = await client.put(PATH, body);
      t.match(answer, { status: 400, body: { invalidParams: [{ name }] } }, JSON.stringify(body));
    }
    t.same((await client.get(PATH)).body, DEFAULTS);
  });

  t.test("known policies that must not be saved are not", async (t) => {
    const text = readShared("vectors/first-contact.json");
    if (text === undefined) return;
    const client = await service.newClient();
    for (const { id, policy } of JSON.parse(text).invalidPolicies) {
      const { hours, ...rest } = policy;
      t.equal((await client.put(PATH, { ...rest, detractor: { hours } })).status, 400, id);
    }
  });

  t.test("knows no time to resolve in, and says why", async (t) => {
    const client = await service.newClient();
    const { body: response } = await client.post("/v1/responses", { score: 5 });
    const path = `/v1/cases/${response.case.id}`;
    for (const answer of [
      await client.put(PATH, { resolutionHours: 72 }),
      await client.put(PATH, { detractor: { hours: 48, resolveWithinHours: 72 } }),
      await client.post(`${path}/assignee`, { assignee: "ana", resolutionDueAt: "2026-05-04T09:12:00Z" }),
      await client.post(`${path}/notes`, { text: "x", deadline: "2026-05-04" }),
    ]) {
      t.match(answer, {
        status: 400,
        body: { invalidParams: [{ reason: /only the first contact has a time to be met/ }] },
      });
    }
  });

  t.test("only who manages the workspace may change it", async (t) => {
    const client = await service.newClient();
    const limited = await client.withScopes("cases:read", "cases:write");
    t.equal((await limited.get(PATH)).status, 200);
    t.equal((await limited.put(PATH, {})).status, 403);
  });
});

import t from "tap";
import { startService } from "../support/service.ts";

const CALL = { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" };

t.test("excluded answers are in no figure of cases, and choose none", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.push((await client.post("/v1/responses", { score: 5 })).body.id);
  const { body: cases } = await client.get("/v1/cases?orderBy=OLDEST");
  t.equal(cases.data.length, 3);
  const called = (await client.get(`/v1/responses/${ids[0]}`)).body.case.id;
  await client.post(`/v1/cases/${called}/contacts`, CALL);
  for (const id of ids.slice(1)) await client.post(`/v1/responses/${id}/exclusion`, { reason: "DUPLICATE" });
  await client.rows(
    "update case_clocks set started_at = started_at - interval '49 hours', due_at = due_at - interval '49 hours'",
  );
  const figures = await client.query(`{
    firstContactKpi { met missed pending rate { value } }
    caseBreakdown(by: OUTCOME) { key cases firstContact { missed } }
    firstContactTrend(interval: DAY) { kpi { met missed } }
  }`);
  t.match(
    figures.firstContactKpi,
    { missed: 1, pending: 0 },
    "late by now, as the clock was set back; and nothing else",
  );
  t.same(figures.caseBreakdown, [{ key: "", cases: 1, firstContact: { missed: 1 } }]);
  t.same(
    figures.firstContactTrend.map(({ kpi }: any) => kpi.missed),
    [1],
  );

  const person = { externalId: "ana" };
  const first = await client.post("/v1/responses", { score: 1, person, survey: { key: "a" } });
  await client.post("/v1/responses", { score: 5, person, survey: { key: "b" } });
  await client.post(`/v1/responses/${first.body.id}/exclusion`, { reason: "TEST" });
  const { zone, bySurvey } = await client.query(`{
    zone: firstContactKpi(filter: { dangerZone: true }) { pending }
    bySurvey: caseBreakdown(by: SURVEY, filter: { personIds: ["${first.body.person.id}"] }) { key cases }
  }`);
  t.equal(zone.pending, 0);
  t.same(bySurvey, [{ key: "b", cases: 1 }]);
});

t.test("whoever was called was not the person that an answer turns out to be of", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const said = { score: 3, comment: "Slow", person: { externalId: "ana" } };
  const { body: response } = await client.post("/v1/responses", said);
  await client.post(`/v1/cases/${response.case.id}/contacts`, { ...CALL, topics: ["THANKED"] });
  await client.patch(`/v1/responses/${response.id}`, { person: { externalId: "bob" } });
  await client.post("/v1/responses", { score: 9, person: { externalId: "bob" } });
  const { responses, closedLoopEffect } = await client.query(`{
    responses(filter: { unattended: true }) { totalCount }
    closedLoopEffect { contacted { answered } notContacted { answered } }
  }`);
  t.equal(responses.totalCount, 1);
  t.same(closedLoopEffect, { contacted: { answered: 0 }, notContacted: { answered: 1 } });
  const another = { score: 3, comment: "x", person: { externalId: "dan" } };
  const { body: byWay } = await client.post("/v1/responses", another);
  await client.post(`/v1/cases/${byWay.case.id}/contacts`, CALL);
  for (const person of [null, { externalId: "eve" }]) await client.patch(`/v1/responses/${byWay.id}`, { person });
  const { responses: left } = await client.query("{ responses(filter: { unattended: true }) { totalCount } }");
  t.equal(left.totalCount, 2, "also by way of nobody");
});

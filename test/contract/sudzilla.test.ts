import { parse } from "csv-parse/sync";
import t from "tap";
import { startService } from "../support/service.ts";
import { readShared } from "../support/shared.ts";

const csv = readShared("data/sudzilla.csv");

/** `11/1/2019 8:51:12`, taken as UTC. */
function toRfc3339(time: string): string {
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (time.match(/\d+/g) ?? []).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second)).toISOString();
}

t.test("39 real answers, sent over the network, give the published score", { skip: csv === undefined }, async (t) => {
  const { columns, expected, withComment, byDay } = JSON.parse(readShared("data/sudzilla.expected.json") ?? "{}");
  const service = await startService(t);
  const client = await service.newClient();
  const url = await service.app.listen({ host: "127.0.0.1", port: 0 });
  const rows: string[][] = parse(csv ?? "", { fromLine: 2 });
  t.equal(rows.length, 39);
  for (const [index, row] of rows.entries()) {
    const answer = await fetch(`${url}/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({
        score: Number(row[columns.score.index]),
        comment: row[columns.comment.index],
        respondedAt: toRfc3339(row[columns.respondedAt.index] ?? ""),
        survey: { key: "sudzilla", kind: "TRANSACTIONAL" },
        externalId: String(index),
      }),
    });
    t.equal(answer.status, 201, await answer.text());
  }

  const { nps, first, cases, commented } = await client.query(`{
    nps(filter: { surveyKeys: ["sudzilla"] }) {
      nps npsRounded answered promoters passives detractors dangerZone distribution interval { low high level method }
    }
    first: nps(filter: { from: "2019-11-02T00:00:00Z", to: "2019-11-03T00:00:00Z" }) { nps answered detractors }
    cases(first: 100) { totalCount edges { node { status responses { category } } } }
    commented: responses(filter: { hasComment: true }) { totalCount }
  }`);
  for (const name of ["npsRounded", "answered", "promoters", "passives", "detractors", "dangerZone", "distribution"]) {
    t.same(nps[name], expected[name], name);
  }
  for (const [actual, wanted] of [
    [nps.nps, expected.nps],
    [nps.interval.low, expected.interval.low],
    [nps.interval.high, expected.interval.high],
  ]) {
    t.ok(Math.abs(actual - wanted) < 1e-6, `${actual} is ${wanted}`);
  }
  t.match(nps.interval, { level: 0.95, method: "ADJUSTED_WALD" });
  const { nps: dayNps, answered, detractors } = byDay["2019-11-02"];
  t.same(first, { nps: dayNps, answered, detractors });
  t.equal(commented.totalCount, withComment);
  t.equal(cases.totalCount, expected.detractors, "one case for each detractor");
  for (const { node } of cases.edges) t.match(node, { status: "OPEN", responses: [{ category: "DETRACTOR" }] });
});

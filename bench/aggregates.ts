import { showProgress } from "../src/platform/progress.ts";
import { type Measurement, medianOf, mediansOf } from "./measurement.ts";
import type { BenchService, BenchWorkspace } from "./service.ts";

const FEW = 50_000;
const MANY = 5_000_000;
const CHUNK = 250_000;
const YEAR = 'from: "2025-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z"';

/**
 * Answers of a year as the service would have stored them: three surveys, six channels, three segments,
 * twenty touchpoints, five languages, one answer in ten with a comment, five of each person on average.
 */
async function answer(workspace: BenchWorkspace, count: number): Promise<void> {
  const own = `'${workspace.id}'::uuid`;
  const people = Math.ceil(count / 5);
  await workspace.fill(`
    insert into surveys select ${own}, 's-' || n, 'RELATIONSHIP', null, null, now(), now() from generate_series(0, 2) as n`);
  await workspace.fill(`
    insert into people (workspace_id, id, external_id, created_at, updated_at)
      select ${own}, md5('${workspace.id}' || n)::uuid, 'u-' || n, now(), now() from generate_series(0, ${people - 1}) as n`);
  for (let from = 0; from < count; from += CHUNK) {
    await workspace.fill(`
      insert into responses (workspace_id, id, survey_key, person_id, segment, score, comment, follow_up_requested, channel,
        touchpoint, language, incentivised, properties, responded_at, received_at, updated_at, source, follow_up)
      select ${own}, uuidv7(), 's-' || case when a < 0.7 then 0 when a < 0.9 then 1 else 2 end,
        md5('${workspace.id}' || floor(random() * ${people})::int)::uuid,
        case when b < 0.6 then 'SMALL' when b < 0.9 then 'MID_MARKET' else 'ENTERPRISE' end,
        case when c < 0.45 then 9 + (c * 1000)::int % 2 when c < 0.75 then 7 + (c * 1000)::int % 2 else (c * 1000)::int % 7 end,
        case when n % 10 = 0 then 'The delivery of order ' || n || ' was late' end, false,
        (array['EMAIL', 'IN_APP', 'WEB', 'SMS', 'CHAT', null])[1 + floor(random() * 6)::int],
        't-' || floor(random() * 20)::int, (array['en', 'de', 'fr', 'es', null])[1 + floor(random() * 5)::int], false,
        jsonb_build_object('plan', (array['free', 'pro', 'team'])[1 + floor(random() * 3)::int], 'seats', n % 50),
        at, at, at, 'api', 'NONE'
      from (select n, random() as a, random() as b, random() as c,
          '2025-01-01T00:00:00Z'::timestamptz + n * interval '365 days' / ${count} as at
        from generate_series(${from}, ${Math.min(count, from + CHUNK) - 1}) as n) as made`);
    showProgress("answers", Math.min(count, from + CHUNK), count);
  }
}

/** Scores of five million answers, against counting their rows and against fewer. */
export async function measureAggregates(service: BenchService): Promise<Measurement[]> {
  const few = await service.newWorkspace("few answers");
  const many = await service.newWorkspace("many answers");
  await answer(few, FEW);
  await answer(many, MANY);
  await many.vacuum();
  await service.rebuild([few.id, many.id]);

  const ask = (workspace: BenchWorkspace, query: string) => () => service.ask(workspace, query);
  const byMonth = `{ npsTrend(interval: MONTH, filter: { ${YEAR} }) { start summary { nps answered } } }`;
  const trend = await mediansOf(50, 10, [ask(few, byMonth), ask(many, byMonth)]);
  const [ofFew = 0, ofMany = 0] = trend;
  const ofChannel = await medianOf(
    50,
    10,
    ask(many, `{ npsTrend(interval: MONTH, filter: { ${YEAR}, channels: [EMAIL] }) { summary { nps } } }`),
  );
  const bySegment = await medianOf(
    50,
    10,
    ask(many, `{ npsBreakdown(by: SEGMENT, filter: { ${YEAR} }) { summary { nps } } }`),
  );
  const [roundTrip = 0, quarter = 0] = await mediansOf(200, 20, [
    ask(many, '{ response(id: "00000000-0000-7000-8000-000000000000") { id } }'),
    ask(
      many,
      '{ nps(filter: { surveyKeys: ["s-1"], from: "2025-06-01T00:00:00Z", to: "2025-08-30T00:00:00Z" }) { nps } }',
    ),
  ]);
  const respondents = await medianOf(3, 1, ask(many, "{ nps(unit: RESPONDENT) { nps answered } }"));

  // By hand, on the best index there could be for each, as the role that does the service's work.
  const own = `workspace_id = '${many.id}' and exclusion_reason is null`;
  await many.fill(
    "create index bench_covering on responses (workspace_id, responded_at) include (score, channel, segment, exclusion_reason)",
  );
  await many.vacuum();
  const inYear = `${own} and responded_at >= '2025-01-01T00:00:00Z' and responded_at < '2026-01-01T00:00:00Z'`;
  const month = "date_trunc('month', responded_at at time zone 'UTC')";
  const count = (sql: string) => medianOf(3, 1, () => many.query(sql));
  const rowsByMonth = await count(`select ${month}, score, count(*) from responses where ${inYear} group by 1, 2`);
  const rowsOfChannel = await count(
    `select ${month}, score, count(*) from responses where ${inYear} and channel = 'EMAIL' group by 1, 2`,
  );
  const rowsBySegment = await count(`select segment, score, count(*) from responses where ${inYear} group by 1, 2`);
  await many.fill("drop index bench_covering");
  const [propertyByHand = 0, property = 0] = await mediansOf(3, 1, [
    () =>
      many.query(`select score, count(*) from responses where ${own} and responded_at >= '2025-03-01T00:00:00Z'
        and responded_at < '2025-04-01T00:00:00Z' and properties ->> 'plan' = 'pro' group by 1`),
    ask(
      many,
      `{ nps(filter: { from: "2025-03-01T00:00:00Z", to: "2025-04-01T00:00:00Z", properties: [{ key: "plan", in: ["pro"] }] }) { nps } }`,
    ),
  ]);

  const size = `${MANY.toLocaleString("en")} answers`;
  return [
    {
      what: `NPS of a year by month, ${size}: against \`group by\` over rows with a covering index`,
      baseline: rowsByMonth,
      measured: ofMany,
      ratioMax: 1 / 50,
    },
    {
      what: `the same against its own cost at ${FEW.toLocaleString("en")} answers`,
      baseline: ofFew,
      measured: ofMany,
      ratioMax: 1.5,
    },
    { what: "the same of one channel, against rows", baseline: rowsOfChannel, measured: ofChannel, ratioMax: 1 / 20 },
    { what: "a year by segment, against rows", baseline: rowsBySegment, measured: bySegment, ratioMax: 1 / 20 },
    {
      what: "the latest answer of each person, over everything: against 5 s",
      baseline: 5_000,
      measured: respondents,
      ratioMax: 1,
    },
    {
      what: "one survey over 90 days, against one look-up by id through the same server",
      baseline: roundTrip,
      measured: quarter,
      ratioMax: 3,
    },
    {
      what: "a month by a property, against the same SQL by hand",
      baseline: propertyByHand,
      measured: property,
      ratioMax: 1.2,
    },
  ];
}

import t from "tap";
import { lookForShifts, maintainRollups, NpsShiftSchema, rebuildRollups } from "../../src/aggregates/index.ts";
import { createAjv } from "../../src/platform/validation.ts";
import { hoursBefore } from "../support/cluster.ts";
import { type Client, type Service, startService } from "../support/service.ts";

const DAY_MS = 86_400_000;
/** Ten scores whose NPS is 50, and ten of −30. */
const HIGH = [10, 10, 9, 9, 9, 9, 8, 7, 8, 4];
const LOW = [10, 9, 8, 8, 7, 6, 5, 3, 2, 0];

interface Answers {
  survey?: string;
  segment?: string;
  /** From so many days ago to more than `after` days ago. */
  from: number;
  after: number;
  scores: readonly number[];
  /** Further terms of each. */
  more?: object;
}

/** Ten answers a day, at noon by the clock of the workspace. */
async function answer(client: Client, { survey = "s", segment, from, after, scores, more = {} }: Answers) {
  const account = segment === undefined ? {} : { account: { externalId: segment, segment } };
  const responses = [];
  const [today] = await client.rows(
    `select begin_of_day(day_of(now(), time_zone), time_zone) as begin from workspaces where id = '${client.workspaceId}'`,
  );
  if (today === undefined) throw new Error("there is no such workspace");
  const noon = Number(today["begin"]) + DAY_MS / 2;
  for (let days = from; days > after; days -= 1) {
    for (const [index, score] of scores.entries()) {
      const respondedAt = new Date(noon - days * DAY_MS + index * 1_000).toISOString();
      responses.push({ score, survey: { key: survey }, respondedAt, ...account, ...more });
    }
  }
  for (let start = 0; start < responses.length; start += 500) {
    const { status, body } = await client.post("/v1/responses/batch", {
      responses: responses.slice(start, start + 500),
    });
    if (status !== 200 || body.results.some((row: any) => row.status !== "created"))
      throw new Error(JSON.stringify(body));
  }
}

/** Everything happened so many days earlier than it did. */
async function passDays(service: Service, client: Client, days: number): Promise<void> {
  await client.rows(`update responses set responded_at = ${hoursBefore("responded_at", days * 24)}`);
  await client.rows(`update nps_shifts set day = day - ${days}, level_since = level_since - ${days}`);
  await client.rows(`update nps_shift_looks set looked_on = looked_on - ${days}`);
  await rebuildRollups(service.tenancy, [client.workspaceId]);
}

async function toldTo(client: Client): Promise<any[]> {
  return client.rows("select data, person_id from events where type = 'nps.shifted' order by id");
}

async function newCounted(service: Service, timeZone = "UTC"): Promise<Client> {
  const client = await service.newClient({ timeZone });
  await maintainRollups(service.tenancy);
  return client;
}

const SUMMARY = `nps npsRounded answered promoters passives detractors dangerZone counted distribution unweighted
  effectiveSampleSize lowConfidence interval { low high level method }
  definition { unit weighting currency from to timeZone exclusions rounding hash }`;
const CHANGE = `query ($baseline: ResponseFilter!, $current: ResponseFilter!) {
  npsChange(baseline: $baseline, current: $current) { difference z pValue verdict interval { low high level method }
    baseline { ${SUMMARY} } current { ${SUMMARY} } } }`;

t.test("a shift is told once, as npsChange tells it, and again when it goes back", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "America/St_Johns");
  await answer(client, { segment: "A", from: 60, after: 7, scores: HIGH });
  await answer(client, { segment: "A", from: 7, after: 0, scores: LOW });
  await answer(client, { segment: "B", from: 60, after: 0, scores: HIGH });
  // Of no segment, and of a survey that is quiet.
  await answer(client, { survey: "quiet", from: 60, after: 0, scores: HIGH });
  t.equal(await lookForShifts(service.tenancy), 2, "of the survey, and of its segment");
  const events = await toldTo(client);
  const seriesOf = ({ data: { change } }: any) => [change.survey.key, change.segment, change.verdict].join(" ");
  t.same(new Set(events.map(seriesOf)), new Set(["s  DOWN", "s A DOWN"]));
  const isDescribed = createAjv().compile(NpsShiftSchema);
  for (const { data, person_id } of events) {
    const { survey, segment, filters, ...change } = data.change;
    t.ok(isDescribed(data.change), JSON.stringify(isDescribed.errors));
    t.equal(data.sequence, 1);
    t.equal(person_id, null);
    t.ok(change.pValue < 0.001);
    t.equal(change.current.answered, segment === "A" ? 70 : 140);
    const segments = segment === null ? {} : { segments: [segment] };
    t.match(filters, { baseline: { surveyKeys: [survey.key], ...segments }, current: { to: /T0[23]:30:00.000Z$/ } });
    t.equal(filters.baseline.to, filters.current.from);
    t.same((await client.query(CHANGE, filters)).npsChange, change, "whoever asks again gets the same");
  }
  t.equal(
    (await client.rows("select from event_queue join events on id = event_id where type = 'nps.shifted'")).length,
    2,
  );

  t.equal(await lookForShifts(service.tenancy), 0, "the day was looked at");
  for (const days of [1, 1, 5, 9, 12]) {
    await passDays(service, client, days);
    await answer(client, { segment: "A", from: days, after: 0, scores: LOW });
    await answer(client, { segment: "B", from: days, after: 0, scores: HIGH });
    t.equal(await lookForShifts(service.tenancy), 0, `nor is it told again ${days} days later`);
    t.equal(
      (await client.rows(`select from nps_shift_looks where looked_on = day_of(now(), 'America/St_Johns')`)).length,
      1,
    );
  }
  await passDays(service, client, 7);
  await answer(client, { segment: "A", from: 7, after: 0, scores: HIGH });
  await answer(client, { segment: "B", from: 7, after: 0, scores: HIGH });
  t.equal(await lookForShifts(service.tenancy), 2, "back is a shift as well");
  const [, , ...back] = await toldTo(client);
  t.ok(back.every(({ data }) => data.sequence === 2 && data.change.verdict === "UP"));
  t.ok(
    back.every(({ data }) => data.change.baseline.answered <= 600),
    "held against the level since the last",
  );
});

t.test("with any number of workers a day is looked at once", async (t) => {
  const service = await startService(t);
  const clients = await Promise.all(Array.from({ length: 5 }, () => service.newClient()));
  await maintainRollups(service.tenancy);
  for (const client of clients) {
    await answer(client, { from: 40, after: 7, scores: HIGH });
    await answer(client, { from: 7, after: 0, scores: LOW });
  }
  const told = await Promise.all(Array.from({ length: 6 }, () => lookForShifts(service.tenancy)));
  t.equal(
    told.reduce((sum, n) => sum + n, 0),
    5,
    told.join(" "),
  );
  for (const client of clients) t.equal((await toldTo(client)).length, 1);
});

t.test("what does not count, is of today, or is long ago is no shift", async (t) => {
  const service = await startService(t);
  const excluded = await newCounted(service);
  await answer(excluded, { from: 60, after: 0, scores: HIGH });
  await answer(excluded, { from: 7, after: 0, scores: LOW, more: { test: true } });
  await answer(excluded, { from: 7, after: 0, scores: LOW, more: { test: true } });
  const today = await newCounted(service);
  await answer(today, { from: 60, after: 0, scores: HIGH });
  const respondedAt = new Date().toISOString();
  const responses = Array.from({ length: 200 }, () => ({ score: 0, survey: { key: "s" }, respondedAt }));
  await today.post("/v1/responses/batch", { responses });
  // A history that is taken in: half a year ago it fell by 80.
  const history = await newCounted(service);
  await answer(history, { from: 240, after: 160, scores: HIGH });
  await answer(history, { from: 160, after: 0, scores: LOW });
  t.equal(await lookForShifts(service.tenancy), 0);
  for (const client of [excluded, today, history]) {
    t.equal(
      (await client.rows(`select from nps_shift_looks where workspace_id = '${client.workspaceId}'`)).length,
      1,
      "it was looked at all the same",
    );
    t.same(await toldTo(client), []);
  }
  await passDays(service, history, 1);
  await answer(history, { from: 300, after: 240, scores: LOW });
  t.equal(await lookForShifts(service.tenancy), 0, "nor when more of it is taken in");
});

t.test("rows tell the same where there are no counts of a segment", async (t) => {
  const service = await startService(t);
  const client = await newCounted(service, "Asia/Tokyo");
  await answer(client, { segment: "A", from: 60, after: 5, scores: HIGH });
  await answer(client, { segment: "A", from: 5, after: 0, scores: LOW });
  await client.rows(`insert into nps_wide_dimensions values ('${client.workspaceId}', 'SEGMENT')`);
  t.equal(await lookForShifts(service.tenancy), 2);
  const [a, b] = (await toldTo(client)).map(({ data }) => data.change);
  t.equal(a.z, b.z, "the survey has one segment, so both are the same");
  t.same(a.filters.current.from, b.filters.current.from);
});

t.test("it waits until the counts are ready", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  await answer(client, { from: 60, after: 7, scores: HIGH });
  await answer(client, { from: 7, after: 0, scores: LOW });
  t.equal(await lookForShifts(service.tenancy), 0);
  t.same(await client.rows("select from nps_shift_looks"), []);
  await maintainRollups(service.tenancy);
  t.equal(await lookForShifts(service.tenancy), 1);
});

import t from "tap";
import { CATEGORIES } from "../../src/scoring/index.ts";
import { type Client, startService } from "../support/service.ts";
import { readShared } from "../support/shared.ts";

const vectors = readShared("vectors/nps.json");
const SCORES: Record<string, number> = { PROMOTER: 9, PASSIVE: 8, DETRACTOR: 0 };
const CHANGE = `difference z pValue verdict interval { low high level method }
  baseline { nps counted } current { nps counted }`;

async function send(client: Client, responses: object[]): Promise<void> {
  for (let from = 0; from < responses.length; from += 1_000) {
    const { status, body } = await client.post("/v1/responses/batch", {
      responses: responses.slice(from, from + 1_000),
    });
    if (status !== 200 || body.results.some((row: any) => row.status !== "created"))
      throw new Error(JSON.stringify(body));
  }
}

/** Answers with these counts, to a survey of this key. */
function answersOf(key: string, { promoters, passives, detractors }: Record<string, number>): object[] {
  const counts = { PROMOTER: promoters ?? 0, PASSIVE: passives ?? 0, DETRACTOR: detractors ?? 0 };
  return Object.entries(counts).flatMap(([category, count]) =>
    Array.from({ length: count }, () => ({ score: SCORES[category], survey: { key } })),
  );
}

t.test("known changes and weights hold through GraphQL", { skip: vectors === undefined }, async (t) => {
  const service = await startService(t);
  const known = JSON.parse(vectors ?? "{}");
  const near = (name: string, actual: number | null | undefined, wanted: number, tolerance: number) =>
    t.ok(Math.abs((actual ?? Number.NaN) - wanted) <= tolerance, `${name} is ${wanted}, not ${actual}`);
  const holds = (id: string, change: any, expected: any, tolerance: number) => {
    for (const name of ["difference", "z", "pValue"]) near(`${id} ${name}`, change[name], expected[name], tolerance);
    near(`${id} low`, change.interval.low, expected.interval.low, tolerance);
    near(`${id} high`, change.interval.high, expected.interval.high, tolerance);
    t.equal(change.verdict, expected.verdict, id);
  };

  for (const { id, baseline, current, expected, tolerance } of known.independentDifference.cases) {
    const client = await service.newClient();
    await send(client, [...answersOf("before", baseline), ...answersOf("after", current)]);
    const query = `{ npsChange(baseline: { surveyKeys: ["before"] }, current: { surveyKeys: ["after"] }) { ${CHANGE} } }`;
    holds(id, (await client.query(query)).npsChange, expected, tolerance);
  }

  for (const { id, input, expected, tolerance } of known.pairedChange.cases) {
    const client = await service.newClient();
    let person = 0;
    const answers = CATEGORIES.flatMap((from, row) =>
      CATEGORIES.flatMap((to, column) =>
        Array.from({ length: input.table[row][column] }, () => {
          person += 1;
          const externalId = `u-${person}`;
          return [
            { score: SCORES[from], survey: { key: "before" }, person: { externalId } },
            { score: SCORES[to], survey: { key: "after" }, person: { externalId } },
          ];
        }).flat(),
      ),
    );
    // Who is on one side only is not among the people compared.
    await send(client, [...answers, { score: 0, survey: { key: "after" }, person: { externalId: "new" } }]);
    const query = `{ npsChange(paired: true, baseline: { surveyKeys: ["before"] }, current: { surveyKeys: ["after"] }) { ${CHANGE} } }`;
    const { npsChange } = await client.query(query);
    holds(id, npsChange, expected, tolerance);
    near(id, npsChange.baseline.nps, expected.baselineNps, tolerance);
    near(id, npsChange.current.nps, expected.currentNps, tolerance);
    t.equal(npsChange.current.counted, expected.people);
  }

  const weighted = async (responses: readonly { score: number; weight: number }[]) => {
    const client = await service.newClient();
    await send(
      client,
      responses.map(({ score, weight: annualValue }, index) => ({
        score,
        account: { externalId: String(index), annualValue, currency: "EUR" },
      })),
    );
    const fields = "nps npsRounded answered promoters passives detractors effectiveSampleSize interval { method }";
    return (await client.query(`{ nps(weighting: ACCOUNT_VALUE) { ${fields} } }`)).nps;
  };
  for (const { id, input, expected, tolerance } of known.weighted.cases) {
    const nps = await weighted(input.responses);
    near(id, nps.nps, expected.nps, tolerance);
    near(id, nps.effectiveSampleSize, expected.effectiveSampleSize, tolerance);
    const { npsRounded, answered, promoters, passives, detractors } = expected;
    t.match(nps, {
      npsRounded,
      answered,
      promoters,
      passives,
      detractors,
      interval: { method: "WEIGHTED_LINEARISED" },
    });
  }
  for (const { id, input, expected, tolerance } of known.kishEffectiveSampleSize) {
    const nps = await weighted(input.weights.map((weight: number) => ({ score: 9, weight })));
    near(id, nps.effectiveSampleSize, expected.effectiveSampleSize, tolerance);
  }
});

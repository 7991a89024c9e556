import { type Measurement, mediansOf } from "./measurement.ts";
import type { BenchService, BenchWorkspace } from "./service.ts";

const FEW = 2_000;
const MANY = 200_000;
const REQUESTS = 200;
const WARM_UP = 30;
const ORDERS = ["PRIORITY", "FIRST_CONTACT_DUE", "OLDEST", "NEWEST"];

/**
 * Open cases as the service would have made them over a year, one for each of so many people with an
 * answer, a clock and the activity of its opening.
 */
function openCases(workspaceId: string, count: number): string {
  const own = `'${workspaceId}'::uuid`;
  return `
    insert into surveys values (${own}, 'default', 'RELATIONSHIP', null, null, now(), now());
    create temporary table made on commit drop as
      select n, uuidv7() as person, uuidv7() as response, uuidv7() as case_id, n % 7 as score,
        now() - n * interval '1 year' / ${count} as at from generate_series(1, ${count}) as n;
    insert into people (workspace_id, id, external_id, created_at, updated_at)
      select ${own}, person, 'u-' || n, at, at from made;
    insert into responses (workspace_id, id, survey_key, person_id, score, follow_up_requested, incentivised, properties,
      responded_at, received_at, updated_at, source, follow_up)
      select ${own}, response, 'default', person, score, false, false, '{}', at, at, at, 'api', 'OPEN' from made;
    insert into cases (workspace_id, id, status, reasons, person_id, priority, priority_terms, queue_rank,
      first_contact_started_at, first_contact_due_at, opened_at, updated_at)
      select ${own}, case_id, 'OPEN', '{DETRACTOR}', person, 'NORMAL',
        '[{"term": "DETRACTOR", "value": 1, "weight": 20, "points": 20}]', 20 - 0.5 * extract(epoch from at) / 3600,
        at, at + interval '48 hours', at, at from made;
    insert into case_clocks (workspace_id, case_id, n, cause, hours_allowed, started_at, counted_from, due_at)
      select ${own}, case_id, 1, 'OPENED', 48, at, at, at + interval '48 hours' from made;
    insert into case_responses (workspace_id, response_id, case_id, joined_at)
      select ${own}, response, case_id, at from made;
    insert into case_activities (workspace_id, case_id, version, id, type, actor_kind, actor_id, occurred_at, recorded_at, details)
      select ${own}, case_id, 1, uuidv7(), 'OPENED', 'key', 'bench', at, at, '{}' from made`;
}

/** The first page of the queue among 200,000 open cases, against the same page among 2,000. */
export async function measureQueue(service: BenchService): Promise<Measurement[]> {
  const few = await service.newWorkspace("few");
  const many = await service.newWorkspace("many");
  await few.fill(openCases(few.id, FEW));
  await many.fill(openCases(many.id, MANY));
  await many.vacuum();
  const measurements: Measurement[] = [];
  for (const order of ORDERS) {
    const ask = (workspace: BenchWorkspace) => () => service.get(workspace, `/v1/cases?status=OPEN&orderBy=${order}`);
    const [baseline = 0, measured = 0] = await mediansOf(REQUESTS, WARM_UP, [ask(few), ask(many)]);
    const sizes = `${MANY.toLocaleString("en")} open cases against ${FEW.toLocaleString("en")}`;
    measurements.push({ what: `first page of the queue by ${order}: ${sizes}`, baseline, measured, ratioMax: 3 });
  }
  return measurements;
}

import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { showProgress } from "../src/platform/progress.ts";
import { findPgBouncer, startPgBouncer } from "../test/support/pgbouncer.ts";
import { type Measurement, medianOf, mediansOf } from "./measurement.ts";
import { type RunningProgram, startProgram } from "./processes.ts";
import { CONNECTIONS, send } from "./sending.ts";
import type { BenchDatabase, BenchService } from "./service.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const BATCH = 1_000;
const RUNS = 20;
const FILL_ROWS = 100_000;
const READS = 200;
const QUERY = `{ nps { nps answered } responses(first: 20) { edges { node { score person { id } } } } }`;

/** Several processes, a large table, and a pooler: what each makes of it. @param rows the responses in the end */
export async function measureScaling(service: BenchService, rows: number): Promise<Measurement[]> {
  return service.inDatabases(["processes", "growth"], async ([processes, growth]) => {
    if (processes === undefined || growth === undefined) throw new Error("no database");
    return [
      ...(await measureProcesses(processes)),
      ...(await measureGrowth(growth, rows)),
      ...(await measurePooled(growth)),
    ];
  });
}

/** The same load on one, two and four processes of one database. */
async function measureProcesses(database: BenchDatabase): Promise<Measurement[]> {
  const apiKey = await database.newWorkspace("processes");
  const servers: RunningProgram[] = [];
  const rates: number[] = [];
  try {
    for (const count of [1, 2, 4]) {
      while (servers.length < count) servers.push(await database.start("api"));
      const load = { apiKeys: [apiKey], connections: CONNECTIONS / count };
      const loads = await Promise.all(servers.map(({ url }, n) => send({ url, seed: 7 + n, ...load })));
      rates.push(loads.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0));
      showProgress("API processes", count, 4);
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const perThousand = rates.map((rate) => 1_000_000 / rate);
  return [2, 4].map((count, n) => ({
    what: `1,000 answers over ${CONNECTIONS} connections by ${count} API processes, against one`,
    baseline: perThousand[0] ?? Number.NaN,
    measured: perThousand[n + 1] ?? Number.NaN,
    // On as many cores as there are processes at the least; beyond, smaller transactions only cost.
    ratioMax: count <= cpus().length ? 1.25 : 2,
  }));
}

/** Batches of answers by people who are new, into a table that is empty, has a fifth, and has all. */
async function measureGrowth(database: BenchDatabase, rows: number): Promise<Measurement[]> {
  const apiKey = await database.newWorkspace("growth");
  const server = await database.start("api");
  try {
    const stages = [0, rows / 5, rows];
    const times: number[] = [];
    let filled = 0;
    for (const stage of stages) {
      await fill(database, filled, stage);
      filled = stage;
      let batch = 0;
      times.push(
        await medianOf(RUNS, 3, () => {
          batch += 1;
          return post(server.url, apiKey, "/v1/responses/batch", { responses: answersOf(stage, batch) });
        }),
      );
    }
    return stages.slice(1).map((stage, n) => ({
      what: `a batch of ${BATCH.toLocaleString("en")} answers beside ${stage.toLocaleString("en")} responses, against none`,
      baseline: times[0] ?? Number.NaN,
      measured: times[n + 1] ?? Number.NaN,
      ratioMax: 1.3,
    }));
  } finally {
    await server.stop();
  }
}

function answersOf(stage: number, batch: number): object[] {
  return Array.from({ length: BATCH }, (_, n) => ({
    score: n % 11,
    survey: { key: "survey-0" },
    channel: "EMAIL",
    externalId: `new-${stage}-${batch}-${n}`,
    ...(n % 2 === 0 ? { comment: "Does what it should." } : {}),
    person: { externalId: `new-${stage}-${batch}-${n}`, account: { externalId: `a-${n}` } },
  }));
}

/** By the superuser: ten answers of each person, over two years, with ids in the order of their time. */
async function fill({ adminUrl }: BenchDatabase, from: number, to: number): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (let first = from; first < to; first += FILL_ROWS) {
      const last = Math.min(to, first + FILL_ROWS) - 1;
      await client.query(`insert into people (workspace_id, id, external_id, email, created_at, updated_at)
        select workspaces.id, md5('person ' || n)::uuid, 'u-' || n, 'u-' || n || '@example.com', now(), now()
        from workspaces, generate_series(${Math.ceil(first / 10)}, ${Math.floor(last / 10)}) as n on conflict do nothing`);
      await client.query(`insert into responses (workspace_id, id, survey_key, person_id, score, comment, follow_up_requested,
          channel, incentivised, properties, responded_at, received_at, updated_at, source, external_id, follow_up)
        select workspaces.id, uuidv7(at - now()), 'survey-0', md5('person ' || n / 10)::uuid, n % 11,
          case when n % 2 = 0 then 'Does what it should.' end, false, 'EMAIL', false, '{"plan": "pro"}', at, at, at, 'api', 'r-' || n, 'NONE'
        from workspaces, generate_series(${first}, ${last}) as n,
          lateral (select now() - interval '2 years' + n * interval '2 years' / ${to} as at) as answered`);
      showProgress("responses before writing", last + 1, to);
    }
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

/** The same question by two processes, one of them through PgBouncer where that is installed. */
async function measurePooled(database: BenchDatabase): Promise<Measurement[]> {
  const version = await findPgBouncer();
  if (version === undefined) {
    process.stderr.write("reads through PgBouncer are not measured: it is not installed\n");
    return [];
  }
  const { url } = database;
  const apiKey = await database.newWorkspace("pooled");
  const bouncer = await startPgBouncer(url, { default_pool_size: 10 });
  const servers: RunningProgram[] = [];
  try {
    servers.push(await startProgram(MAIN, "api", url));
    servers.push(await startProgram(MAIN, "api", bouncer.url, { DATABASE_DIRECT_URL: url }));
    await post(servers[0]?.url ?? "", apiKey, "/v1/responses/batch", { responses: answersOf(0, 0) });
    const asks = servers.map((server) => () => post(server.url, apiKey, "/graphql", { query: QUERY }));
    const [direct = Number.NaN, pooled = Number.NaN] = await mediansOf(READS, READS / 4, asks);
    const what = `a score and 20 answers by GraphQL through PgBouncer ${version}, against without`;
    return [{ what, baseline: direct, measured: pooled, ratioMax: 1.5 }];
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await bouncer.stop();
  }
}

async function post(url: string, apiKey: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const answer = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok || text.includes('"errors"') || text.includes('"rejected"')) {
    throw new Error(`${path}: ${answer.status} ${text.slice(0, 1_000)}`);
  }
}

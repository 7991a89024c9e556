// Fills the demo workspace of a running service with a believable year: `npm run demo`.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Client, createClient, forEach } from "./client.ts";
import { createCases, type Improvement } from "./followUp.ts";
import { createHistory, SOURCE } from "./history.ts";
import { createPopulation } from "./population.ts";
import { Random } from "./random.ts";
import { CAUSES, IMPROVEMENTS, MATTERS, SURVEYS } from "./words.ts";

const USAGE = `Usage: npm run demo -- [--url http://127.0.0.1:3000] [--key <API key>] [--seed 1] [--answers 6000]

Without --key, the workspace is the one of .afterscore/demo-key. The same seed makes the same year, up to today.`;

const BATCH = 500;

interface Page<T> {
  data: T[];
}

interface Totals {
  nps: { npsRounded: number; answered: number };
  cases: { totalCount: number };
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: "string", default: "http://127.0.0.1:3000" },
      key: { type: "string" },
      seed: { type: "string", default: "1" },
      answers: { type: "string", default: "6000" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return console.log(USAGE);
  const [seed, answers] = [wholeNumber("seed", values.seed), wholeNumber("answers", values.answers)];
  const client = createClient(values.url, values.key ?? (await demoKey()));
  const { data } = await client.get<Page<unknown>>(`/v1/responses?source=${SOURCE}&limit=1`);
  if (data.length > 0) return console.log("The workspace has its year already.");

  const random = new Random(seed);
  const today = new Date();
  const { accounts, people } = createPopulation(random, today);
  const history = createHistory(random, people, today, answers);
  const improvements = await putWords(client);
  await forEach(accounts, (account) => client.put("/v1/accounts", account));
  for (let start = 0; start < history.length; start += BATCH) {
    const responses = history.slice(start, start + BATCH);
    await client.post("/v1/responses/batch?followUp=NONE&events=false", { responses });
  }
  console.log(`${accounts.length} accounts, ${people.length} people, ${history.length} answers of a year`);
  await createCases(client, random, { people, today, improvements });
  await settle(client, improvements);
  const query = "{ nps { npsRounded answered } cases { totalCount } }";
  const { nps, cases } = (await client.post<{ data: Totals }>("/graphql", { query })).data;
  console.log(`${nps.answered} answers in all, NPS ${nps.npsRounded}; ${cases.totalCount} cases. The questions to ask:
docs/graphql.md`);
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${option} must be a whole number: ${text} is none`);
  return Number(text);
}

async function demoKey(): Promise<string> {
  const file = new URL("../.afterscore/demo-key", import.meta.url);
  const key = await readFile(file, "utf8").catch(() => {
    throw new Error("there is no .afterscore/demo-key: npm start makes it, or give --url and --key");
  });
  return key.trim();
}

/** Surveys, themes, root causes, and improvements in the status that they are to have. */
async function putWords(client: Client): Promise<Improvement[]> {
  for (const [key, survey] of Object.entries(SURVEYS)) await client.put(`/v1/surveys/${key}`, survey);
  for (const { key, label, phrases } of MATTERS) await client.put(`/v1/themes/${key}`, { label, phrases });
  for (const { key, ...cause } of CAUSES) await client.put(`/v1/root-causes/${key}`, cause);
  const improvements: Improvement[] = [];
  for (const { status, ...improvement } of IMPROVEMENTS) {
    const proposed = await client.post<Improvement>("/v1/improvements", improvement);
    improvements.push(status === "PROPOSED" ? proposed : await move(client, proposed.id, status));
  }
  return improvements;
}

async function move(client: Client, id: string, status: string): Promise<Improvement> {
  return client.post(`/v1/improvements/${id}/status`, { status });
}

/** One ships: its cases come back, and some of those who asked for it are told. Some answers are not to be counted. */
async function settle(client: Client, improvements: readonly Improvement[]) {
  const shipped = improvements.find(({ rootCauseKeys }) => rootCauseKeys.includes("defects"));
  if (shipped !== undefined) {
    await move(client, shipped.id, "SHIPPED");
    const audience = `/v1/improvements/${shipped.id}/audience`;
    const { data } = await client.get<Page<{ person: { id: string } }>>(audience);
    const personIds = data.slice(0, 3).map(({ person }) => person.id);
    if (personIds.length > 0) await client.post(`/v1/improvements/${shipped.id}/told`, { personIds });
  }
  const promoters = `/v1/responses?source=${SOURCE}&category=PROMOTER&limit=5`;
  const { data } = await client.get<Page<{ id: string }>>(promoters);
  for (const [index, { id }] of data.entries()) {
    if (index < 2) await client.post(`/v1/responses/${id}/exclusion`, { reason: "INTERNAL", note: "A colleague" });
    else await client.post(`/v1/responses/${id}/acknowledgement`, {});
  }
}

try {
  await run();
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}${cause}`);
  process.exitCode = 1;
}

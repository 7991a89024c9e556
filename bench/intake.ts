import { showProgress } from "../src/platform/progress.ts";
import { type Measurement, middleOf } from "./measurement.ts";
import { BASELINES, CONNECTIONS, send } from "./sending.ts";
import type { BenchService } from "./service.ts";

const ROUNDS = 3;
const TOKEN = "the token of the bench";

/** Where the answers that the load generator sends have what a source looks for. */
const MAPPING = {
  score: "/score",
  externalId: "/externalId",
  comment: "/comment",
  surveyKey: "/survey/key",
  channel: "/channel",
  touchpoint: "/touchpoint",
  language: "/language",
  personExternalId: "/person/externalId",
  email: "/person/email",
  name: "/person/name",
  accountExternalId: "/person/account/externalId",
  accountName: "/person/account/name",
  accountSegment: "/person/account/segment",
  properties: { plan: "/properties/plan", seats: "/properties/seats" },
};

/** Deliveries of a survey tool over 64 connections, against one transaction each. */
export async function measureIntake(service: BenchService): Promise<Measurement[]> {
  await using started = new AsyncDisposableStack();
  const single = await service.startServer(BASELINES, "single");
  started.defer(() => single.stop());
  const rates = { single: [] as number[], full: [] as number[] };
  const targets = await Promise.all(
    (["single", "full"] as const).map(async (name) => {
      const workspace = await service.newWorkspace(`intake ${name}`);
      const url = name === "single" ? single.url : service.url;
      return { name, url, workspace, sourceId: await newSource(url, workspace.apiKey) };
    }),
  );
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { name, url, workspace, sourceId } of targets) {
      showProgress(`rounds of deliveries (${name})`, round, ROUNDS);
      const { requestsPerSecond } = await send({
        url,
        apiKeys: [workspace.apiKey],
        source: { id: sourceId, token: TOKEN },
        seed: 7 + round,
      });
      // The first people and accounts are made in the first.
      if (round > 0) rates[name].push(requestsPerSecond);
    }
    await targets[0]?.workspace.vacuum();
  }
  const perThousand = (values: readonly number[]) => 1_000_000 / middleOf(values);
  return [
    {
      what: `1,000 deliveries of a survey tool over ${CONNECTIONS} connections, taken in: against one transaction each`,
      baseline: perThousand(rates.single),
      measured: perThousand(rates.full),
      ratioMax: 1 / 3,
    },
  ];
}

/** @returns its id */
async function newSource(url: string, apiKey: string): Promise<string> {
  const answer = await fetch(`${url}/v1/sources`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Tool", vendor: "JSON", secret: TOKEN, mapping: MAPPING }),
  });
  const source = (await answer.json()) as { id?: string };
  if (source.id === undefined) throw new Error(`no source: ${JSON.stringify(source)}`);
  return source.id;
}

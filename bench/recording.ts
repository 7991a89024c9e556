import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { showProgress } from "../src/platform/progress.ts";
import type { Load } from "./load.ts";
import type { Measurement } from "./measurement.ts";
import { send } from "./sending.ts";
import type { BenchService } from "./service.ts";

const BASELINES = fileURLToPath(new URL("baselineServer.ts", import.meta.url));

const CONNECTIONS = 64;
const SECONDS = 8;
/** Before each run, uncounted: a process that had nothing to do for some seconds has given up code that it had compiled. */
const WARM_UP_SECONDS = 4;
const ROUNDS = 3;
/** Between them, for what PostgreSQL still has to do for the one before: it is not the next one's to pay. */
const PAUSE_MS = 3_000;
/** Requests a second at which waiting times are compared: below what every server of them can do. */
const OFFERED = 500;
const OFFERED_SINGLE_ROWS = 100;
const WORKSPACES = 100;

type Server = "bare" | "single" | "full";

/** Answers that come in one by one, over 64 connections, against a bare route and against one transaction each. */
export async function measureRecording(service: BenchService): Promise<Measurement[]> {
  const bare = await service.startServer(BASELINES, "bare");
  const single = await service.startServer(BASELINES, "single");
  const urls: Record<Server, string> = { bare: bare.url, single: single.url, full: service.url };
  const workspaces = await Promise.all(
    Array.from({ length: WORKSPACES + ROUNDS }, (_, n) => service.newWorkspace(`recording ${n}`)),
  );
  const apiKeys = workspaces.map(({ apiKey }) => apiKey);
  const [first, ...others] = apiKeys.slice(0, WORKSPACES);
  const newcomers = apiKeys.slice(WORKSPACES);
  if (first === undefined) throw new Error("no workspace");
  // One workspace for each server, so that each meets the same people for the first time.
  const keys: Record<Server, string> = { bare: first, single: first, full: others[0] ?? first };
  const load = (server: Server, more: Partial<Load> = {}) =>
    send({
      url: urls[server],
      apiKeys: [keys[server]],
      connections: CONNECTIONS,
      seconds: SECONDS,
      warmUpSeconds: WARM_UP_SECONDS,
      seed: 7,
      ...more,
    });

  const rates: Record<Server, number[]> = { bare: [], single: [], full: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const server of ["bare", "single", "full"] as const) {
      showProgress(`rounds of recording (${server})`, round, ROUNDS);
      await sleep(PAUSE_MS);
      const { requestsPerSecond } = await load(server, { seed: 7 + round });
      // The first people and accounts are made in the first.
      if (round > 0) rates[server].push(requestsPerSecond);
    }
    await workspaces[0]?.vacuum();
  }
  const rateOf = (server: Server) => medianOf(rates[server]);
  const waiting = async (server: Server, more: (round: number) => Partial<Load>) => {
    const p99s: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) p99s.push((await load(server, more(round))).p99);
    return medianOf(p99s);
  };
  const bareP99 = await waiting("bare", () => ({ rate: OFFERED }));
  const fullP99 = await waiting("full", () => ({ rate: OFFERED }));
  // As those of the hundred, each meets its people for the first time.
  const oneWorkspace = await waiting("full", (round) => ({
    rate: OFFERED_SINGLE_ROWS,
    apiKeys: newcomers.slice(round, round + 1),
  }));
  const manyWorkspaces = await waiting("full", () => ({ rate: OFFERED_SINGLE_ROWS, apiKeys: [first, ...others] }));
  await Promise.all([bare.stop(), single.stop()]);

  const perThousand = (server: Server) => 1_000_000 / rateOf(server);
  return [
    {
      what: `1,000 answers over ${CONNECTIONS} connections, recorded in full: against one transaction each`,
      baseline: perThousand("single"),
      measured: perThousand("full"),
      ratioMax: 1 / 3,
    },
    {
      what: "the same against a bare route with one INSERT each",
      baseline: perThousand("bare"),
      measured: perThousand("full"),
      ratioMax: 1 / 0.6,
    },
    {
      what: `their p99 at ${OFFERED} a second, against the bare route's`,
      baseline: bareP99,
      measured: fullP99,
      ratioMax: 2,
    },
    {
      what: `p99 at ${OFFERED_SINGLE_ROWS} a second for ${WORKSPACES} workspaces, against one`,
      baseline: oneWorkspace,
      measured: manyWorkspaces,
      ratioMax: 3,
    },
  ];
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

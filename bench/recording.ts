import { showProgress } from "../src/platform/progress.ts";
import { type Measurement, middleOf } from "./measurement.ts";
import { BASELINES, CONNECTIONS, type Run, send } from "./sending.ts";
import type { BenchService } from "./service.ts";

/** A machine of two cores changes its pace within minutes: of three rounds the median said 1.4 one time and 1.9 the next. */
const ROUNDS = 7;
const ROUNDS_OF_WAITING = 11;
const ROUNDS_OF_WORKSPACES = 5;
/** Requests a second at which waiting times are compared: below what every server of them can do. */
const OFFERED = 500;
const OFFERED_SINGLE_ROWS = 100;
const WORKSPACES = 100;

type Server = "bare" | "single" | "full";

/** Answers that come in one by one, over 64 connections, against a bare route and against one transaction each. */
export async function measureRecording(service: BenchService): Promise<Measurement[]> {
  await using started = new AsyncDisposableStack();
  const bare = await service.startServer(BASELINES, "bare");
  started.defer(() => bare.stop());
  const single = await service.startServer(BASELINES, "single");
  started.defer(() => single.stop());
  const urls: Record<Server, string> = { bare: bare.url, single: single.url, full: service.url };
  const workspaces = await Promise.all(
    Array.from({ length: WORKSPACES + ROUNDS_OF_WORKSPACES }, (_, n) => service.newWorkspace(`recording ${n}`)),
  );
  const apiKeys = workspaces.map(({ apiKey }) => apiKey);
  const [first, ...others] = apiKeys.slice(0, WORKSPACES);
  const newcomers = apiKeys.slice(WORKSPACES);
  if (first === undefined) throw new Error("no workspace");
  // One workspace for each server, so that each meets the same people for the first time.
  const keys: Record<Server, string> = { bare: first, single: first, full: others[0] ?? first };
  const load = (server: Server, more: Partial<Run> = {}) =>
    send({ url: urls[server], apiKeys: [keys[server]], seed: 7, ...more });

  const rates: Record<Server, number[]> = { bare: [], single: [], full: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const server of ["bare", "single", "full"] as const) {
      showProgress(`rounds of recording (${server})`, round, ROUNDS);
      const { requestsPerSecond } = await load(server, { seed: 7 + round });
      // The first people and accounts are made in the first.
      if (round > 0) rates[server].push(requestsPerSecond);
    }
    await workspaces[0]?.vacuum();
  }
  const rateOf = (server: Server) => middleOf(rates[server]);
  /** Of each, by turns, so that all meet the same moods of the machine. */
  const p99sOf = async (rounds: number, ...runs: ((round: number) => ReturnType<typeof load>)[]) => {
    const p99s = runs.map((): number[] => []);
    for (let round = 0; round < rounds; round += 1) {
      showProgress("rounds of waiting", round, rounds);
      for (const [n, run] of runs.entries()) p99s[n]?.push((await run(round)).p99);
    }
    return p99s.map(middleOf);
  };
  const [bareP99 = Number.NaN, fullP99 = Number.NaN] = await p99sOf(
    ROUNDS_OF_WAITING,
    () => load("bare", { rate: OFFERED }),
    () => load("full", { rate: OFFERED }),
  );
  const [oneWorkspace = Number.NaN, manyWorkspaces = Number.NaN] = await p99sOf(
    ROUNDS_OF_WORKSPACES,
    // As those of the hundred, each meets its people for the first time.
    (round) => load("full", { rate: OFFERED_SINGLE_ROWS, apiKeys: newcomers.slice(round, round + 1) }),
    () => load("full", { rate: OFFERED_SINGLE_ROWS, apiKeys: [first, ...others] }),
  );
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

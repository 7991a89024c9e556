// Compares servers by turns under one load: of two or more checkouts, by their src/main.ts, or `bare` for the route with
// one INSERT. A machine changes its pace within minutes, and that reaches all of them; so it shows what whole runs, one
// after the other, do not.
//   npm run bench:turns -- [--seconds 120] [--rate 500] src/main.ts ../other/src/main.ts bare
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { BASELINES, CONNECTIONS } from "./sending.ts";
import { withService } from "./service.ts";
import type { TurnsLoad, TurnsResult } from "./turnsLoad.ts";

const LOAD = fileURLToPath(new URL("turnsLoad.ts", import.meta.url));
/** Long enough for waiting times to be those of one server, short beside the moods of a machine. */
const TURN_MS = 2_600;
const SECONDS = "120";
/** Before all turns, for what is compiled, and so that there are people and cases. */
const WARM_UP_SECONDS = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: SECONDS }, rate: { type: "string" } },
});

if (positionals.length === 0) throw new Error("no server is named: src/main.ts of this or another checkout, or bare");

await withService(async (service) => {
  const workspace = await service.newWorkspace("turns");
  await using started = new AsyncDisposableStack();
  const urls: string[] = [];
  for (const script of positionals) {
    const [path, name] = script === "bare" ? [BASELINES, "bare"] : [resolve(script), "api"];
    const server = await service.startServer(path, name);
    started.defer(() => server.stop());
    urls.push(server.url);
  }
  const sendFor = async (seconds: number, rate?: number) => {
    const load: TurnsLoad = {
      urls,
      apiKey: workspace.apiKey,
      connections: CONNECTIONS,
      seconds,
      turnMs: TURN_MS,
      rate,
    };
    const { stdout } = await promisify(execFile)(process.execPath, [LOAD, JSON.stringify(load)]);
    return JSON.parse(stdout) as TurnsResult[];
  };
  await sendFor(WARM_UP_SECONDS);
  await workspace.vacuum();
  const results = await sendFor(Number(values.seconds), values.rate === undefined ? undefined : Number(values.rate));
  for (const [n, { turns, requestsPerSecond, standardError, p50, p90, p99 }] of results.entries()) {
    console.log(
      `${positionals[n]}: ${requestsPerSecond} a second (± ${standardError}, ${turns} turns), p50 ${p50}, p90 ${p90}, p99 ${p99} ms`,
    );
  }
});

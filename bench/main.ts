// Measures what the documents quote, each figure beside its baseline in the same run: `npm run bench`.
import { writeFile } from "node:fs/promises";
import { arch, cpus, platform, totalmem } from "node:os";
import { measureAggregates } from "./aggregates.ts";
import { measureImports } from "./imports.ts";
import type { Measurement } from "./measurement.ts";
import { measureQueue } from "./queue.ts";
import { measureRecording } from "./recording.ts";
import { measureScaling } from "./scaling.ts";
import { type BenchService, withService } from "./service.ts";
import { measureWebhooks } from "./webhooks.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);

/** One of them by name on the command line, and its figures are only shown; of `imports` and `scaling` also how many rows. */
const [, , only, rowCount] = process.argv;

const MEASURES = {
  recording: measureRecording,
  queue: measureQueue,
  aggregates: measureAggregates,
  webhooks: measureWebhooks,
  imports: (service: BenchService) => measureImports(service, Number(rowCount ?? 1_000_000)),
  scaling: (service: BenchService) => measureScaling(service, Number(rowCount ?? 5_000_000)),
};

if (only !== undefined && !Object.hasOwn(MEASURES, only)) {
  throw new Error(`there is no measure ${only}: name ${Object.keys(MEASURES).join(", ")}, or none for all`);
}

const measurements = await withService(async (service) => {
  const rows: Measurement[] = [];
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (only === undefined || only === name) rows.push(...(await measure(service)));
  }
  return { postgres: service.version, rows };
});

const rows = measurements.rows.map(({ what, baseline, measured, ratioMax }) => {
  const ratio = measured / baseline;
  const verdict = ratio <= ratioMax ? "" : " **missed**";
  return `| ${what} | ${baseline.toFixed(2)} | ${measured.toFixed(2)} | ${ratio.toPrecision(2)}${verdict} | ${ratioMax.toPrecision(2)} |`;
});

const page = `# Measured

By \`npm run bench\`, on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(
  totalmem() / 2 ** 30,
)} GiB, ${platform()} ${arch()}, Node ${process.versions.node}, PostgreSQL ${measurements.postgres}, server, database and load
generator together. Absolute times are this machine's; the ratio of two figures of one run is what counts. In milliseconds,
where nothing else is said.

| what | baseline | measured | ratio | at most |
|---|---|---|---|---|
${rows.join("\n")}
`;
if (only === undefined) await writeFile(RESULTS, page);
console.log(rows.join("\n"));
if (rows.some((row) => row.includes("missed"))) process.exitCode = 1;

// Measures what the documents quote, each figure beside its baseline in the same run: `npm run bench`.
import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus, platform, totalmem } from "node:os";
import { measureAggregates } from "./aggregates.ts";
import { measureImports } from "./imports.ts";
import { measureIntake } from "./intake.ts";
import type { Measurement } from "./measurement.ts";
import { measureQueue } from "./queue.ts";
import { measureRecording } from "./recording.ts";
import { measureScaling } from "./scaling.ts";
import { type BenchService, withService } from "./service.ts";
import { measureWebhooks } from "./webhooks.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);

/** One of them by name on the command line; of `imports` and `scaling` also how many rows, and then the figures are only shown. */
const [, , only, rowCount] = process.argv;

const MEASURES = {
  recording: measureRecording,
  intake: measureIntake,
  queue: measureQueue,
  aggregates: measureAggregates,
  webhooks: measureWebhooks,
  imports: (service: BenchService) => measureImports(service, Number(rowCount ?? 1_000_000)),
  scaling: (service: BenchService) => measureScaling(service, Number(rowCount ?? 5_000_000)),
};

if (only !== undefined && !Object.hasOwn(MEASURES, only)) {
  throw new Error(`there is no measure ${only}: name ${Object.keys(MEASURES).join(", ")}, or none for all`);
}

const TITLES: Record<keyof typeof MEASURES, string> = {
  recording: "Answers that come in one by one",
  intake: "Deliveries of survey tools",
  queue: "Whom to call first",
  aggregates: "Scores of 5,000,000 answers",
  webhooks: "Deliveries",
  imports: "Files",
  scaling: "Growing",
};

const INTRODUCTION = `# Measured

By \`npm run bench\`, or one part by its name, as \`node bench/main.ts recording\`: each part is one run, and says when and where.
Server, database and load generator share the machine. Absolute times are that machine's; the ratio of two figures of one
run is what counts. In milliseconds, where nothing else is said.
`;

function tableOf(rows: readonly Measurement[]): string {
  const lines = rows.map(({ what, baseline, measured, ratioMax }) => {
    const ratio = measured / baseline;
    const verdict = ratio <= ratioMax ? "" : " **missed**";
    return `| ${what} | ${baseline.toFixed(2)} | ${measured.toFixed(2)} | ${ratio.toPrecision(2)}${verdict} | ${ratioMax.toPrecision(2)} |`;
  });
  return ["| what | baseline | measured | ratio | at most |", "|---|---|---|---|---|", ...lines].join("\n");
}

/** Puts a part in the place of its last one, and leaves the others as they are. */
async function keep(name: keyof typeof MEASURES, text: string): Promise<void> {
  const [, ...parts] = (await readFile(RESULTS, "utf8")).split(/^(?=## )/m);
  const kept = new Map(parts.map((part) => [/^## (.*)$/m.exec(part)?.[1] ?? "", part.trimEnd()]));
  kept.set(TITLES[name], `## ${TITLES[name]}\n\n${text}`);
  const inOrder = Object.values(TITLES).flatMap((title) => kept.get(title) ?? []);
  await writeFile(RESULTS, `${[INTRODUCTION.trimEnd(), ...inOrder].join("\n\n")}\n`);
}

await withService(async (service) => {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}`;
  const place = `${new Date().toISOString().slice(0, 10)}: ${machine}, Node ${process.versions.node}, PostgreSQL ${service.version}.`;
  for (const [name, measure] of Object.entries(MEASURES) as [keyof typeof MEASURES, (typeof MEASURES)["queue"]][]) {
    if (only !== undefined && only !== name) continue;
    const table = tableOf(await measure(service));
    console.log(table);
    if (table.includes("missed")) process.exitCode = 1;
    if (rowCount === undefined) await keep(name, `${place}\n\n${table}`);
  }
});

import { readFile } from "node:fs/promises";
import t from "tap";
import { readEnvironment } from "../src/platform/config.ts";
import { createPool } from "../src/platform/database.ts";
import { createLogger } from "../src/platform/logger.ts";
import { measureBacklog, measurePool, registry } from "../src/platform/metrics.ts";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name ?? "");

t.test("the page of operations has every variable, with its default, and no other", async (t) => {
  const page = await read("docs/operations.md");
  const known = matches(await read("src/platform/config.ts"), /^ {2}([A-Z][A-Z_]+): /gm);
  t.ok(known.length > 9);
  t.same(matches(page, /^\| `([A-Z_]+)` \|/gm).toSorted(), known.toSorted());
  t.same(matches(await read(".env.example"), /^#([A-Z_]+)=/gm).toSorted(), known.toSorted(), ".env.example as well");
  for (const [name, value] of Object.entries(readEnvironment({}))) {
    if (value !== "") t.match(page, `\n| \`${name}\` | \`${value}\` |`, name);
  }
});

t.test("the page of jobs has every job", async (t) => {
  const jobs = matches(await read("src/worker.ts"), /\bname: "([\w-]+)",\s+(?:\/\/.*\s+)?limitSeconds/g);
  t.ok(jobs.length > 3);
  t.same(matches(await read("docs/jobs.md"), /^\| `([\w-]+)` \|/gm).toSorted(), jobs.toSorted());
});

t.test("and every metric of ours", async (t) => {
  const page = await read("docs/operations.md");
  const pool = createPool({ connectionString: "postgres://localhost", max: 1, logger: createLogger("silent") });
  measurePool(pool);
  measureBacklog(async () => ({ oldestSeconds: {}, deadJobs: {} }));
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  t.same(matches(page, /^\| `(afterscore_\w+)` \|/gm).toSorted(), names.toSorted());
});

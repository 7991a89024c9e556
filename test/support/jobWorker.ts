// A process that works off jobs of tests: what each does is in its data. What it did is a row of `done`.
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "../../src/platform/database.ts";
import { type JobOptions, startJobs } from "../../src/platform/jobs.ts";
import { createLogger } from "../../src/platform/logger.ts";

const [url = "", options = "{}", cron] = process.argv.slice(2);
const logger = createLogger("info");
const pool = createPool({ connectionString: url, max: 3, logger });
const queue = {
  name: "test",
  limitSeconds: 60,
  ...(cron === undefined ? {} : { cron }),
  work: async ({ kind = "tick" }) => {
    console.log(`began ${kind}`);
    if (kind === "hang") await sleep(60_000);
    if (kind === "short") await sleep(500);
    await pool.query("insert into done (kind, pid) values ($1, $2)", [kind, process.pid]);
    return "DONE" as const;
  },
};
const jobs = await startJobs(pool, logger, [queue], JSON.parse(options) as JobOptions);
console.log("working");
process.once("SIGTERM", () => void jobs.stop().then(() => process.exit()));

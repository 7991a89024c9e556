import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { BlockList } from "node:net";
import { join } from "node:path";
import closeWithGrace from "close-with-grace";
import type { Pool } from "pg";
import { type Environment, limitsOf } from "./platform/config.ts";
import { prepareListening } from "./platform/listening.ts";
import type { Logger } from "./platform/logger.ts";
import { releaseMemory } from "./platform/memory.ts";
import { measureBacklog, measurePool } from "./platform/metrics.ts";
import { type MetricsServer, startMetricsServer } from "./platform/metricsServer.ts";
import { readNetworks } from "./platform/outboundAddresses.ts";
import { createOutboundHttp } from "./platform/outboundHttp.ts";
import { createSecretBox } from "./platform/secrets.ts";
import { passOverRepeated } from "./platform/signals.ts";
import { createTenancy, type Tenancy } from "./platform/tenancy.ts";
import { startTracing } from "./platform/tracing.ts";
import { HOME, openDatabase } from "./runtime.ts";
import type { Worker } from "./worker.ts";
import {
  createApiKey,
  createAuthenticate,
  createWorkspace,
  getAllWorkspaces,
  userSettingsOf,
} from "./workspaces/index.ts";

/** From the signal to the end of the process, whatever is under way. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Connections that wait to be taken on, where the system lets us have as many. Of more the system says nothing to either
 * side, and a client tries again after seconds.
 */
const CONNECTIONS_WAITING_MAX = 4_096;

/** What a process does: it answers requests, works off what no request does, or both. */
export interface Roles {
  http: boolean;
  jobs: boolean;
}

/**
 * Runs until the process is told to stop: then what is under way is finished first.
 * @param onServing is told when it heeds signals itself
 */
export async function serve(
  environment: Environment,
  logger: Logger,
  { http, jobs }: Roles,
  onServing: () => void,
): Promise<void> {
  const database = await openDatabase(environment, logger);
  const tenancy = createTenancy(database.pool);
  let worker: Worker | undefined;
  let metrics: MetricsServer | undefined;
  // A value that is none has stopped the start.
  const allowedNetworks = readNetworks(environment.OUTBOUND_ALLOWED_NETWORKS) ?? new BlockList();
  const outbound = createOutboundHttp({ allowedNetworks });
  try {
    const stopTracing = await startTracing(environment, logger);
    const secretsKey = await secretsKeyOf(environment, database.embedded);
    const explainRefusal = (url: string) => outbound.explainRefusal(url);
    const settings = {
      publicUrl: environment.PUBLIC_URL,
      secretsKey,
      explainRefusal,
      readPool: database.readPool,
      users: userSettingsOf(environment),
      graphiql: environment.NODE_ENV !== "production",
      ...limitsOf(environment),
    };
    // A worker has no use for the HTTP and GraphQL of the one, nor the other for jobs.
    const { buildApp } = http ? await import("./app.ts") : {};
    const app = await buildApp?.(database.pool, logger, settings);
    const apiKey = app !== undefined && database.embedded ? await demoKey(tenancy) : undefined;
    const listen = app && prepareListening(app);
    await app?.ready();
    releaseMemory();
    const sending = {
      http: outbound,
      secrets: createSecretBox(secretsKey),
      schedule: environment.DELIVERY_RETRY_SECONDS.split(",").map(Number),
      random: Math.random,
    };
    const { startWorker, readBacklog } = jobs ? await import("./worker.ts") : {};
    worker = await startWorker?.(database.pool, logger, sending);
    const backlog = readBacklog && (() => readBacklog(database.pool));
    metrics = await serveMetrics(environment, database.pool, backlog).catch(explainListening);
    if (metrics !== undefined) logger.info({ port: metrics.port }, "metrics at /metrics");
    const place = { host: environment.HOST, port: environment.PORT, backlog: CONNECTIONS_WAITING_MAX };
    const address = await listen?.(place).catch(explainListening);
    if (worker !== undefined) logger.info("working");
    onServing();
    closeWithGrace({ delay: STOP_TIMEOUT_MS, logger: false }, async ({ err, signal }) => {
      passOverRepeated();
      if (err !== undefined) logger.fatal({ err }, "stopping after an error nobody handled");
      else logger.info({ signal }, "stopping");
      await Promise.all([app?.close(), worker?.stop()]);
      await outbound.close();
      await metrics?.close();
      await Promise.all([database.close(), stopTracing()]);
      logger.info("stopped");
    });
    if (address !== undefined && apiKey !== undefined) console.log(welcome(environment.PUBLIC_URL ?? address, apiKey));
  } catch (error) {
    await worker?.stop();
    await metrics?.close();
    await outbound.close();
    await database.close();
    throw error;
  }
}

async function serveMetrics(
  { HOST, METRICS_PORT }: Environment,
  pool: Pool,
  backlog: Parameters<typeof measureBacklog>[0] | undefined,
) {
  if (METRICS_PORT === undefined) return undefined;
  measurePool(pool);
  if (backlog !== undefined) measureBacklog(backlog);
  return startMetricsServer(HOST, METRICS_PORT);
}

function explainListening(error: Error & { code?: string; address?: string; port?: number }): never {
  const advice =
    error.code === "EADDRINUSE"
      ? `port ${error.port} is in use: stop what listens there, or set PORT or METRICS_PORT`
      : `cannot listen there (${error.code}): check HOST and PORT`;
  throw new Error(advice, { cause: error });
}

/** The key of the workspace `demo`, which is made on the first start; kept, so that every start shows the same. */
async function demoKey(tenancy: Tenancy): Promise<string> {
  const file = join(HOME, "demo-key");
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  const isValid = await createAuthenticate(tenancy)(kept).then(
    () => true,
    () => false,
  );
  if (isValid) return kept;
  const demo = (await getAllWorkspaces(tenancy)).find(({ name }) => name === "demo");
  const apiKey =
    demo === undefined
      ? (await createWorkspace(tenancy, { name: "demo", timeZone: "UTC" })).apiKey
      : await createApiKey(tenancy, demo.id, "demo key");
  await writeFile(file, `${apiKey}\n`, { mode: 0o600 });
  return apiKey;
}

/** The key that was given, or of the embedded database its own, made on the first start. */
async function secretsKeyOf({ SECRETS_KEY: given }: Environment, embedded: boolean): Promise<Buffer | undefined> {
  if (given !== undefined || !embedded) return given === undefined ? undefined : Buffer.from(given, "base64");
  const file = join(HOME, "secrets-key");
  // Of two processes that start at once one makes it, and both read it.
  await writeFile(file, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600, flag: "wx" }).catch(
    (error: Error & { code?: string }) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
  return Buffer.from((await readFile(file, "utf8")).trim(), "base64");
}

function welcome(url: string, apiKey: string): string {
  return `
  Afterscore listens on ${url}
  The API key of the workspace "demo": ${apiKey}

  Record an answer:
    curl ${url}/v1/responses -H 'Authorization: Bearer ${apiKey}' \\
      -H 'Content-Type: application/json' \\
      -d '{"score": 3, "comment": "Too slow", "person": {"email": "ana@example.com"}}'

  Ask for the score, and whom to call:
    curl ${url}/graphql -H 'Authorization: Bearer ${apiKey}' \\
      -H 'Content-Type: application/json' \\
      -d '{"query": "{ nps { nps answered distribution } cases { edges { node { status person { email } firstContact { dueAt } } } } }"}'
`;
}

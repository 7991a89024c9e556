import { sql } from "drizzle-orm";
import { AppError } from "./errors.ts";
import type { Server } from "./http.ts";
import { problems } from "./problem.ts";
import { OneOf, Strict } from "./schema.ts";
import type { Tenancy } from "./tenancy.ts";

const Health = Strict({ status: OneOf(["ok"], { description: "Always `ok`" }) });

/** Whoever asks wants to know soon, also where a connection would be waited for longer. */
const READY_TIMEOUT_MS = 1_500;

/** `/livez`: the process answers. `/readyz`: the database answers as well. */
export function registerHealth(app: Server, tenancy: Tenancy): void {
  app.get(
    "/livez",
    {
      config: { scope: "public", countedBy: () => null },
      schema: {
        operationId: "livez",
        summary: "Whether the process runs; does not ask the database",
        description:
          "For whoever restarts a process that hangs. It asks nothing but the process itself and is never limited or shed.",
        tags: ["Operations"],
        security: [],
        response: { 200: { description: "It runs", ...Health } },
      },
    },
    async () => ({ status: "ok" as const }),
  );
  app.get(
    "/readyz",
    {
      config: { scope: "public", countedBy: () => null },
      schema: {
        operationId: "readyz",
        summary: "Whether requests can be served",
        description:
          "For load balancers: 503 while the database does not answer within 1.5 seconds. It is never limited or shed.",
        tags: ["Operations"],
        security: [],
        response: { 200: { description: "They can", ...Health }, ...problems(503) },
      },
    },
    async () => {
      await within(READY_TIMEOUT_MS, askDatabase(tenancy));
      return { status: "ok" as const };
    },
  );
}

async function askDatabase(tenancy: Tenancy): Promise<void> {
  await tenancy.acrossWorkspaces("check readiness", (tx) => tx.run(sql`/* platform.checkReadiness */ select 1`));
}

/** @throws {AppError} `unavailable` when it takes longer */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AppError("unavailable", "The database does not answer in time.")),
    milliseconds,
  );
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

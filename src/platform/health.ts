import { sql } from "drizzle-orm";
import type { Server } from "./http.ts";
import { problems } from "./problem.ts";
import { OneOf, Strict } from "./schema.ts";
import type { Tenancy } from "./tenancy.ts";

const Health = Strict({ status: OneOf(["ok"] as const) });

/** `/livez`: the process answers. `/readyz`: the database answers as well. */
export function registerHealth(app: Server, tenancy: Tenancy): void {
  app.get(
    "/livez",
    {
      config: { scope: "public", countedBy: () => null },
      schema: {
        operationId: "livez",
        summary: "Whether the process runs; does not ask the database",
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
        tags: ["Operations"],
        security: [],
        response: { 200: { description: "They can", ...Health }, ...problems(503) },
      },
    },
    async () => {
      await tenancy.acrossWorkspaces("check readiness", (tx) => tx.run(sql`/* platform.checkReadiness */ select 1`));
      return { status: "ok" as const };
    },
  );
}

import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { problems } from "../platform/problem.ts";
import { ref } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { registerAuditRoute } from "./auditRoute.ts";
import { registerKeyRoutes } from "./keyRoutes.ts";
import { WorkspacePatchSchema, WorkspaceSchema } from "./model.ts";
import { getSettings } from "./queries.ts";
import { changeWorkspace, showWorkspace } from "./settings.ts";

/** The workspace itself, its API keys and its audit log. */
export function registerWorkspaceRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [WorkspacePatchSchema, WorkspaceSchema]) app.addSchema(schema);

  app.get(
    "/v1/workspace",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "getWorkspace",
        summary: "Read the settings of this workspace",
        description: "The workspace that the credential belongs to, with its time zone and how long things are kept.",
        tags: ["Workspace"],
        response: { 200: { description: "The workspace", ...ref(WorkspaceSchema) }, ...problems(400) },
      },
    },
    async (request) => showWorkspace(await tenancy.readWorkspace(callerOf(request), getSettings)),
  );

  app.patch(
    "/v1/workspace",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "changeWorkspace",
        summary: "Change the settings of this workspace",
        description:
          "In another time zone every figure of the past is counted anew by the new days. What retention lets go is gone for good.",
        tags: ["Workspace"],
        body: ref(WorkspacePatchSchema),
        response: { 200: { description: "As it is now", ...ref(WorkspaceSchema) }, ...problems(400, 413, 415) },
      },
    },
    async (request) => tenancy.inWorkspace(callerOf(request), (tx) => changeWorkspace(tx, request.body)),
  );

  registerKeyRoutes(app, tenancy);
  registerAuditRoute(app, tenancy);
}

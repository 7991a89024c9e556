import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { problems } from "../platform/problem.ts";
import { ref } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { CalendarSchema, PolicyInputSchema, PolicySchema } from "./policy.ts";
import { loadPolicies, putPolicy } from "./policyStore.ts";

export function registerPolicyRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [CalendarSchema, PolicyInputSchema, PolicySchema]) app.addSchema(schema);

  app.put(
    "/v1/policies/first-contact",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "putFirstContactPolicy",
        summary: "Say how soon customers are contacted; cases that are open keep the policy they were opened under",
        description:
          "Saved as a whole: what is absent is as it is built in. Elapsed hours, or the open hours of a calendar. The percents say when an event announces that a first contact is due soon, missed, or long overdue. There is no deadline for resolving anywhere, because it would breed quick fixes.",
        tags: ["Workspace"],
        body: ref(PolicyInputSchema),
        response: { 200: { description: "As it is now", ...ref(PolicySchema) }, ...problems(400, 413, 415) },
      },
    },
    async (request) => tenancy.inWorkspace(callerOf(request), (tx) => putPolicy(tx, request.body)),
  );

  app.get(
    "/v1/policies/first-contact",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "getFirstContactPolicy",
        summary: "Read how soon customers are contacted",
        description:
          "As it was saved last; else the one that is built in: 24 hours for the danger zone, 48 for everybody else.",
        tags: ["Workspace"],
        response: { 200: { description: "The policy", ...ref(PolicySchema) }, ...problems(400) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), async (tx) => (await loadPolicies(tx)).today.policy),
  );
}

import { Type } from "@sinclair/typebox";
import { getImprovement } from "../causes/index.ts";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, NO_ID, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, eitherOf, Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { listAudience } from "./audience.ts";
import { AudienceMemberSchema } from "./model.ts";

const AudiencePage = PageOf(ref(AudienceMemberSchema), "AudiencePage");
const ORDER = "PERSON";

export function registerAudienceRoute(app: Server, tenancy: Tenancy): void {
  app.addSchema(AudienceMemberSchema);
  app.addSchema(AudiencePage);
  app.get(
    "/v1/improvements/:id/audience",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "listAudience",
        summary: "List everybody to be told of an improvement, and who was",
        description:
          "People whose cases are about it, each once, and when they were told. With `told=false` those who are still to be told.",
        tags: ["Causes"],
        params: Strict({ id: Id("The improvement's id") }),
        querystring: Strict({
          told: AnyOf(Type.Boolean({ description: "true: only those who were told; false: only those who were not" })),
          ...PageQuery,
        }),
        response: { 200: { description: "A page of people", ...ref(AudiencePage) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, told } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "id")?.value;
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        await getImprovement(tx, request.params.id);
        const found = await listAudience(tx, request.params.id, { limit, after, told: eitherOf(told) });
        return toPage(found, limit, ({ person: { id: value } }) => ({ order: ORDER, value, id: NO_ID }));
      });
    },
  );
}

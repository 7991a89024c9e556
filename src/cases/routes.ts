import { Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { Id, OneOf, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { ActivitySchema } from "./activity.ts";
import { listActivitiesPage } from "./activityStore.ts";
import { getCase } from "./changing.ts";
import { CaseFilterQuery, toCaseFilter } from "./filterQuery.ts";
import { CaseSchema } from "./model.ts";
import { CASE_ORDERS, cursorValuesOf, listCases } from "./queries.ts";

const CasePage = PageOf(ref(CaseSchema), "CasePage");
const ActivityPage = PageOf(ref(ActivitySchema), "CaseActivityPage");
const IdParams = Strict({ id: Id("The case's id") });
/** Of an integer of PostgreSQL. */
const VERSION_MAX = 2 ** 31 - 1;
const ACTIVITY_ORDER = "OLDEST";

const ListQuery = Strict({
  ...CaseFilterQuery,
  orderBy: Type.Optional(
    OneOf(CASE_ORDERS, {
      description: "PRIORITY (the default): whom to call first; FIRST_CONTACT_DUE: the earliest due",
    }),
  ),
  ...PageQuery,
});

export function registerCaseRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [ActivitySchema, CaseSchema, CasePage, ActivityPage]) app.addSchema(schema);

  app.get(
    "/v1/cases/:id",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "getCase",
        summary: "Read one case",
        description:
          "With its clocks, commitments, references and latest activities. Its `version` is what `If-Match` of a command takes.",
        tags: ["Cases"],
        params: IdParams,
        response: { 200: { description: "The case", ...ref(CaseSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), (tx) => getCase(tx, request.params.id)),
  );

  app.get(
    "/v1/cases",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "listCases",
        summary: "List cases, those to call first at the top",
        description:
          "The work queue. All filters that are given must hold; one given twice means any of its values. Sorted by priority unless `orderBy` says otherwise.",
        tags: ["Cases"],
        querystring: ListQuery,
        response: { 200: { description: "A page of cases", ...ref(CasePage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, orderBy: order = "PRIORITY" } = request.query;
      const after = decodeCursor(cursor, order, "cursor", cursorValuesOf(order));
      const page = { filter: toCaseFilter(request.query), order, limit, after };
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const { data, nextCursor } = toPage(await listCases(tx, page), limit, ({ node: { id }, sortValue: value }) => ({
          order,
          value,
          id,
        }));
        return { data: data.map(({ node }) => node), nextCursor };
      });
    },
  );

  app.get(
    "/v1/cases/:id/activities",
    {
      config: { scope: "cases:read" },
      schema: {
        operationId: "listCaseActivities",
        summary: "List everything that happened to a case, oldest first",
        description:
          "All of them; the case itself shows the latest 100. None is ever changed or deleted, but with its person.",
        tags: ["Cases"],
        params: IdParams,
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of activities", ...ref(ActivityPage) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const place = decodeCursor(cursor, ACTIVITY_ORDER, "cursor", "place");
      const after = place && { version: Math.min(Number(place.value), VERSION_MAX), id: place.id };
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        await getCase(tx, request.params.id);
        const found = await listActivitiesPage(tx, request.params.id, { limit, after });
        const { data, nextCursor } = toPage(found, limit, ({ version, activity: { id } }) => ({
          order: ACTIVITY_ORDER,
          value: String(version),
          id,
        }));
        return { data: data.map(({ activity }) => activity), nextCursor };
      });
    },
  );
}

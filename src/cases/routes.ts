import { type Static, Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, DateTime, eitherOf, Id, OneOf, ref, Strict, Text, toBound } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import { ActivitySchema } from "./activity.ts";
import { listActivitiesPage } from "./activityStore.ts";
import { getCase } from "./changing.ts";
import type { CaseFilter } from "./filter.ts";
import { FIRST_CONTACT_STATES } from "./firstContact.ts";
import { CaseSchema } from "./model.ts";
import { CASE_ORDERS, cursorValuesOf, listCases } from "./queries.ts";

const CasePage = PageOf(ref(CaseSchema), "CasePage");
const ActivityPage = PageOf(ref(ActivitySchema), "CaseActivityPage");
const IdParams = Strict({ id: Id() });
const ACTIVITY_ORDER = "OLDEST";

const ListQuery = Strict({
  status: AnyOf(OneOf(CASE_STATUSES)),
  assignee: AnyOf(Text()),
  unassigned: AnyOf(Type.Boolean()),
  priority: AnyOf(OneOf(CASE_PRIORITIES)),
  firstContact: AnyOf(OneOf(FIRST_CONTACT_STATES, { description: "Of the latest clock" })),
  dueBefore: Type.Optional(DateTime("First contact due before this time")),
  segment: AnyOf(Text({ description: "With an answer from this segment" })),
  surveyKey: AnyOf(Text({ description: "With an answer to this survey" })),
  category: AnyOf(OneOf(CATEGORIES, { description: "With an answer of this category" })),
  personId: AnyOf(Id()),
  accountId: AnyOf(Id()),
  reference: AnyOf(Text({ maxLength: 400, description: "The ticket of another system, like `zendesk:123`" })),
  updatedSince: Type.Optional(DateTime("Changed at this time or later")),
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
        tags: ["Cases"],
        querystring: ListQuery,
        response: { 200: { description: "A page of cases", ...ref(CasePage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, orderBy: order = "PRIORITY" } = request.query;
      const after = decodeCursor(cursor, order, "cursor", cursorValuesOf(order));
      const page = { filter: toFilter(request.query), order, limit, after };
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
        tags: ["Cases"],
        params: IdParams,
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of activities", ...ref(ActivityPage) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const place = decodeCursor(cursor, ACTIVITY_ORDER, "cursor", "number");
      const after = place && { version: Number(place.value), id: place.id };
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

function toFilter(query: Static<typeof ListQuery>): CaseFilter {
  return {
    statuses: query.status,
    assignees: query.assignee,
    unassigned: eitherOf(query.unassigned),
    priorities: query.priority,
    firstContact: query.firstContact,
    dueBefore: query.dueBefore === undefined ? undefined : toBound(query.dueBefore),
    segments: query.segment,
    surveyKeys: query.surveyKey,
    categories: query.category,
    personIds: query.personId,
    accountIds: query.accountId,
    references: query.reference?.map(toReference),
    updatedSince: query.updatedSince === undefined ? undefined : toBound(query.updatedSince),
  };
}

function toReference(text: string): { system: string; externalId: string } {
  const [, system, externalId] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  if (system !== undefined && externalId !== undefined) return { system, externalId };
  throw invalidRequest([{ name: "reference", reason: "must be a system and an id, like zendesk:123" }]);
}

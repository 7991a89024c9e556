import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, NO_ID, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { ref, Strict, Text } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { SurveyPutSchema, SurveySchema } from "./model.ts";
import { listSurveysPage } from "./queries.ts";
import { putSurvey } from "./service.ts";

const SurveyPage = PageOf(ref(SurveySchema), "SurveyPage");
const ORDER = "KEY";

export function registerSurveyRoutes(app: Server, tenancy: Tenancy): void {
  app.addSchema(SurveyPage);

  app.put(
    "/v1/surveys/:key",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "putSurvey",
        summary: "Make a survey, or change the one with this key",
        description:
          "A survey is made by the first answer that names it; this gives it a name and the question. What is absent stays, null clears. The same again ends in the same, so it can be sent again blindly.",
        tags: ["Surveys"],
        params: Strict({ key: Text({ description: "Your name of the survey" }) }),
        body: ref(SurveyPutSchema),
        response: {
          200: { description: "As it is now", ...ref(SurveySchema) },
          201: { description: "Made", ...ref(SurveySchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { survey, isNew } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        putSurvey(tx, request.params.key, request.body),
      );
      return reply.code(isNew ? 201 : 200).send(survey);
    },
  );

  app.get(
    "/v1/surveys",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "listSurveys",
        summary: "List surveys, in the order of their keys",
        description: "All of them, also those that answers have made.",
        tags: ["Surveys"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of surveys", ...ref(SurveyPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "text")?.value;
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listSurveysPage(tx, limit, after), limit, ({ key }) => ({ order: ORDER, value: key, id: NO_ID })),
      );
    },
  );
}

import { builder } from "../platform/graphql.ts";
import { createLoader } from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { SURVEY_KINDS, type Survey } from "./model.ts";
import { listSurveys, listSurveysPage } from "./queries.ts";

const SurveyKindEnum = defineEnum("SurveyKind", "What a survey asks about", SURVEY_KINDS, {
  RELATIONSHIP: "The company as a whole",
  TRANSACTIONAL: "Something that has just happened",
});

export const SurveyType = builder.objectRef<Survey>("Survey").implement({
  description: "What was asked; made by its first answer, or by hand",
  extensions: { scope: "responses:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "Your name of it, unique in the workspace" }),
    kind: t.field({
      type: SurveyKindEnum,
      description: "Whether it asks about the company as a whole or about something that just happened",
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString("name", { nullable: true, description: "For people to read; null where none was given" }),
    question: t.exposeString("question", {
      nullable: true,
      description: "The question as it was put; null where it was not given",
    }),
  }),
});

export const loadSurvey = createLoader(
  async (tx, keys) => new Map((await listSurveys(tx, keys)).map((survey) => [survey.key, survey])),
);

/** A workspace has as many surveys as it can name; beyond this it pages by REST. */
const SURVEYS_MAX = 1_000;

builder.queryField("surveys", (t) =>
  t.field({
    type: [SurveyType],
    description: "Every survey, by key; at most 1,000",
    extensions: { scope: "responses:read" },
    resolve: (_root, _args, context) => context.read((tx) => listSurveysPage(tx, SURVEYS_MAX - 1, undefined)),
  }),
);

import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf, Strict, Text } from "../platform/schema.ts";

/** A relationship survey asks about the company as a whole, a transactional one about something that just happened. */
export const SURVEY_KINDS = ["RELATIONSHIP", "TRANSACTIONAL"] as const;
export type SurveyKind = (typeof SURVEY_KINDS)[number];

const QUESTION_LENGTH_MAX = 255;

/** The survey of an answer that names none. */
export const DEFAULT_SURVEY_KEY = "default";

export const SurveyInputSchema = Strict(
  {
    key: Type.Optional(Text({ description: `Your name of the survey; \`${DEFAULT_SURVEY_KEY}\` when absent` })),
    kind: Type.Optional(OneOf(SURVEY_KINDS, { description: "Of a survey that is new; RELATIONSHIP when absent" })),
  },
  { $id: "SurveyInput", description: "The survey that was answered; made when its key is new" },
);
export type SurveyInput = Static<typeof SurveyInputSchema>;

export const SurveyPutSchema = Strict(
  {
    name: Type.Optional(Nullable(Text({ description: "For people to read" }))),
    kind: Type.Optional(
      OneOf(SURVEY_KINDS, {
        description: "RELATIONSHIP: about the company as a whole; TRANSACTIONAL: about something that just happened",
      }),
    ),
    question: Type.Optional(Nullable(Text({ maxLength: QUESTION_LENGTH_MAX, description: "As it is put" }))),
  },
  { $id: "SurveyPut", description: "What is given is set, null clears, what is absent stays as it is" },
);
export type SurveyPut = Static<typeof SurveyPutSchema>;

export const SurveySchema = Strict(
  {
    key: Type.String({ description: "Your name of the survey" }),
    kind: OneOf(SURVEY_KINDS, {
      description: "RELATIONSHIP: about the company as a whole; TRANSACTIONAL: about something that just happened",
    }),
    name: Nullable(Type.String({ description: "For people to read" })),
    question: Nullable(Type.String({ description: "As it is put" })),
  },
  { $id: "Survey", description: "What was asked" },
);
export type Survey = Static<typeof SurveySchema>;

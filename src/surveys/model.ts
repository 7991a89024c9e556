import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf, Strict, Text } from "../platform/schema.ts";

/** A relationship survey asks about the company as a whole, a transactional one about something that just happened. */
export const SURVEY_KINDS = ["RELATIONSHIP", "TRANSACTIONAL"] as const;
export type SurveyKind = (typeof SURVEY_KINDS)[number];

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

const SurveySchema = Strict(
  {
    key: Type.String(),
    kind: OneOf(SURVEY_KINDS),
    name: Nullable(Type.String()),
    question: Nullable(Type.String()),
  },
  { $id: "Survey", description: "What was asked" },
);
export type Survey = Static<typeof SurveySchema>;

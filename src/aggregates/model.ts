import { Type } from "@sinclair/typebox";
import { DateTime, Nullable, OneOf, Strict } from "../platform/schema.ts";
import { INTERVAL_METHODS } from "../scoring/index.ts";
import { COUNTING_UNITS, EXCLUSION_RULES, ROUNDINGS, WEIGHTINGS } from "./rules.ts";

const Interval = (description: string) =>
  Nullable(
    Strict(
      {
        low: Type.Number({ description: "Where it begins" }),
        high: Type.Number({ description: "Where it ends" }),
        level: Type.Number({ description: "Of confidence, 0.95 for 95 %" }),
        method: OneOf(INTERVAL_METHODS, { description: "How it was computed" }),
      },
      { description },
    ),
  );

const Definition = Strict(
  {
    unit: OneOf(COUNTING_UNITS, { description: "What is counted: answers, people or accounts" }),
    weighting: OneOf(WEIGHTINGS, { description: "What each answer weighs" }),
    currency: Nullable(Type.String({ description: "Of the weights" })),
    from: Nullable(DateTime("Answered at this time or later")),
    to: Nullable(DateTime("Answered before this time")),
    timeZone: Type.String({ description: "In which days begin" }),
    exclusions: OneOf(EXCLUSION_RULES, { description: "Which answers are left out" }),
    rounding: OneOf(ROUNDINGS, { description: "How the score is rounded" }),
    hash: Type.String({ description: "The same hash on the same data is the same number" }),
  },
  { description: "The rules by which it was counted" },
);

const Summary = (description: string) =>
  Strict(
    {
      nps: Nullable(Type.Number({ description: "−100 to 100, exact" })),
      npsRounded: Nullable(Type.Integer({ description: "Half away from zero" })),
      answered: Type.Integer({ description: "How many answers" }),
      promoters: Type.Integer({ description: "How many answers of 9 or 10" }),
      passives: Type.Integer({ description: "How many answers of 7 or 8" }),
      detractors: Type.Integer({ description: "How many answers of 0 to 6" }),
      dangerZone: Type.Integer({ description: "How many answers of 0 to 3" }),
      counted: Type.Integer({ description: "How many units the score is over" }),
      distribution: Type.Array(Type.Integer(), { description: "How many answers had each score, 0 to 10" }),
      interval: Interval("Of the score"),
      unweighted: Type.Integer({ description: "How many answers weigh nothing" }),
      effectiveSampleSize: Nullable(
        Type.Number({ description: "Kish: as many answers of equal weight would say as much" }),
      ),
      lowConfidence: Type.Boolean({ description: "Fewer than 30 were counted" }),
      definition: Definition,
    },
    { description },
  );

const Filter = (description: string) =>
  Strict(
    {
      surveyKeys: Type.Array(Type.String(), { description: "Of the survey" }),
      segments: Type.Optional(Type.Array(Type.String(), { description: "Absent: all" })),
      from: DateTime("Answered at this time or later"),
      to: DateTime("Answered before this time"),
    },
    { description },
  );

/** `data.change` of the event `nps.shifted`. */
export const NpsShiftSchema = Strict(
  {
    survey: Strict({ key: Type.String({ description: "The survey's key" }) }, { description: "Of which survey" }),
    segment: Nullable(Type.String({ description: "Of the accounts when they answered; null over all of them" })),
    filters: Strict(
      { baseline: Filter("What it was held against"), current: Filter("The weeks of the new level") },
      { description: "The arguments by which npsChange gives the same figures" },
    ),
    baseline: Summary("What the score was"),
    current: Summary("What it is"),
    difference: Type.Number({ description: "Of the exact scores, −200 to 200" }),
    interval: Interval("Of the difference; around the adjusted one"),
    z: Type.Number({ description: "The difference in standard errors" }),
    pValue: Type.Number({ description: "Two-sided, of this one comparison" }),
    verdict: OneOf(["UP", "DOWN"], { description: "Where it went" }),
  },
  { $id: "NpsShift", description: "A score that has moved to another level" },
);

import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { CATEGORIES, SCORE_MAX } from "../scoring/index.ts";
import type { ResponseFilter } from "./filter.ts";
import { CHANNELS } from "./model.ts";

export const CategoryEnum = defineEnum("Category", "What a score says of the customer", CATEGORIES, {
  PROMOTER: "Score 9 or 10",
  PASSIVE: "Score 7 or 8",
  DETRACTOR: "Score 0 to 6",
});

export const ChannelEnum = defineEnum("Channel", "How the question reached the customer", CHANNELS, {
  EMAIL: "In an e-mail",
  IN_APP: "Inside the product",
  WEB: "On a web page",
  SMS: "In a text message",
  CHAT: "In a chat or messenger",
  PHONE: "In a telephone call",
  IN_PERSON: "Face to face",
  OTHER: "Any other way",
});

const PropertyFilterInput = builder.inputType("PropertyFilter", {
  description: "Responses whose property has one of these values; numbers and booleans by their JSON text",
  fields: (t) => ({
    key: t.string({ required: true, description: "Name of the property, as it was given with the answer" }),
    in: t.stringList({ required: true, description: "Any of these values; an empty list finds nothing" }),
  }),
});

export const ResponseFilterInput = builder.inputType("ResponseFilter", {
  description: "Which responses: all given terms must hold, a list means any of its values, an empty one finds nothing",
  fields: (t) => ({
    from: t.field({ type: "DateTime", description: "Answered at this time or later" }),
    to: t.field({ type: "DateTime", description: "Answered before this time" }),
    surveyKeys: t.stringList({ description: "Answers to any of these surveys, by key" }),
    categories: t.field({ type: [CategoryEnum], description: "Promoters, passives or detractors" }),
    scores: t.intList({ description: "With any of these scores, 0 to 10" }),
    dangerZone: t.boolean({ description: "true: score 0 to 3; false: 4 to 10" }),
    channels: t.field({ type: [ChannelEnum], description: "Asked through any of these channels" }),
    touchpoints: t.stringList({ description: "About any of these touchpoints, as given with the answer" }),
    segments: t.stringList({ description: "Of accounts that were in any of these segments when they answered" }),
    languages: t.stringList({ description: "In any of these languages, as given with the answer" }),
    accountIds: t.idList({ description: "Of any of these accounts, by our ids" }),
    personIds: t.idList({ description: "Of any of these people, by our ids" }),
    properties: t.field({
      type: [PropertyFilterInput],
      description: "With properties like these; every one of the list must hold",
    }),
    followUpRequested: t.boolean({ description: "true: they asked to be contacted; false: they did not" }),
    hasComment: t.boolean({ description: "true: with a comment; false: without one" }),
    incentivised: t.boolean({ description: "true: they were promised something for answering; false: they were not" }),
    themes: t.stringList({ description: "Whose comment speaks of any of these themes, by key" }),
    search: t.string({
      description: 'Words in the comment: "exact phrases", -without, either or; no case, no accents',
    }),
    acknowledged: t.boolean({ description: "true: the customer was thanked; false: not yet" }),
    unattended: t.boolean({
      description:
        "true: a comment or a request to be contacted that nobody has acknowledged or followed up; false: all others",
    }),
    updatedSince: t.field({ type: "DateTime", description: "Last changed at this time or later" }),
    includeExcluded: t.boolean({
      defaultValue: false,
      description: "Also those that were taken out of the aggregates",
    }),
  }),
});

type FilterInput = typeof ResponseFilterInput.$inferInput;

/**
 * @param name of the argument, for errors
 * @throws {AppError} `invalid_request` for terms that can hold for no response by mistake
 */
export function toResponseFilter(input: FilterInput | null | undefined, name = "filter"): ResponseFilter {
  const { includeExcluded, ...terms } = input ?? {};
  const given = Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== null)) as ResponseFilter;
  if (given.from && given.to && given.from > given.to) {
    throw invalidRequest([{ name: `${name}.from`, reason: "must not be later than to" }]);
  }
  if (given.scores?.some((score) => score < 0 || score > SCORE_MAX)) {
    throw invalidRequest([{ name: `${name}.scores`, reason: "must be whole numbers from 0 to 10" }]);
  }
  for (const ids of ["accountIds", "personIds"] as const) {
    if (given[ids]) given[ids] = given[ids].map((id) => parseId(`${name}.${ids}`, id));
  }
  return includeExcluded === true ? given : { ...given, excluded: false };
}

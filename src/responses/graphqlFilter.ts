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
  EMAIL: "In an electronic mail",
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
    key: t.string({ required: true, description: "The property's name" }),
    in: t.stringList({ required: true, description: "Any of these" }),
  }),
});

export const ResponseFilterInput = builder.inputType("ResponseFilter", {
  description: "Which responses: all given terms must hold, a list means any of its values",
  fields: (t) => ({
    from: t.field({ type: "DateTime", description: "Answered at this time or later" }),
    to: t.field({ type: "DateTime", description: "Answered before this time" }),
    surveyKeys: t.stringList({ description: "Of these surveys" }),
    categories: t.field({ type: [CategoryEnum], description: "In these categories" }),
    scores: t.intList({ description: "With these scores" }),
    dangerZone: t.boolean({ description: "Score 0 to 3, or not" }),
    channels: t.field({ type: [ChannelEnum], description: "Through these channels" }),
    touchpoints: t.stringList({ description: "About these touchpoints" }),
    segments: t.stringList({ description: "Of accounts in these segments when they answered" }),
    languages: t.stringList({ description: "In these languages" }),
    accountIds: t.idList({ description: "Of these accounts" }),
    personIds: t.idList({ description: "Of these people" }),
    properties: t.field({ type: [PropertyFilterInput], description: "With these properties, all of them" }),
    followUpRequested: t.boolean({ description: "Asked to be contacted, or did not" }),
    hasComment: t.boolean({ description: "With a comment, or without" }),
    incentivised: t.boolean({ description: "Were promised something, or were not" }),
    themes: t.stringList({ description: "Whose comment speaks of any of these themes" }),
    search: t.string({
      description: 'Words in the comment: "exact phrases", -without, either or; no case, no accents',
    }),
    acknowledged: t.boolean({ description: "Were thanked, or were not" }),
    unattended: t.boolean({
      description: "With a comment or a request, and nobody acknowledged or reached them; or all others",
    }),
    updatedSince: t.field({ type: "DateTime", description: "Changed at this time or later" }),
    includeExcluded: t.boolean({ defaultValue: false, description: "Also those taken out of the aggregates" }),
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

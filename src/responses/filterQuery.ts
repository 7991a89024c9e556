import { type Static, type TObject, Type } from "@sinclair/typebox";
import { invalidRequest } from "../platform/errors.ts";
import { AnyOf, DateTime, eitherOf, Id, OneOf, Text, toBound } from "../platform/schema.ts";
import { CATEGORIES } from "../scoring/index.ts";
import type { ResponseFilter } from "./filter.ts";

/** The parameters by which responses are listed and exported. */
export const ResponseFilterQuery = {
  surveyKey: AnyOf(Text({ description: "To this survey" })),
  category: AnyOf(OneOf(CATEGORIES, { description: "Of this category" })),
  dangerZone: AnyOf(Type.Boolean({ description: "true: only scores 0 to 3; false: none of them" })),
  source: AnyOf(Text({ description: "From this source" })),
  externalId: AnyOf(Text({ description: "With this id there" })),
  personId: AnyOf(Id("By this person")),
  accountId: AnyOf(Id("For this account")),
  from: Type.Optional(DateTime("Answered at this time or later")),
  to: Type.Optional(DateTime("Answered before this time")),
  updatedSince: Type.Optional(DateTime("Changed at this time or later; the list is then in the order of change")),
  excluded: AnyOf(Type.Boolean({ description: "true: only excluded responses; false: none of them" })),
};
export type ResponseFilterQuery = Static<TObject<typeof ResponseFilterQuery>>;

/**
 * The filter that these parameters mean.
 * @throws {AppError} `invalid_request` for a window that ends before it begins
 */
export function toResponseFilter(query: ResponseFilterQuery): ResponseFilter {
  const time = (text: string | undefined) => (text === undefined ? undefined : toBound(text));
  const { from, to } = { from: time(query.from), to: time(query.to) };
  if (from && to && from > to) throw invalidRequest([{ name: "from", reason: "must not be later than to" }]);
  return {
    surveyKeys: query.surveyKey,
    categories: query.category,
    dangerZone: eitherOf(query.dangerZone),
    sources: query.source,
    externalIds: query.externalId,
    personIds: query.personId,
    accountIds: query.accountId,
    from,
    to,
    updatedSince: time(query.updatedSince),
    excluded: eitherOf(query.excluded),
  };
}

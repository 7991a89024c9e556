import { type Static, type TObject, Type } from "@sinclair/typebox";
import { invalidRequest } from "../platform/errors.ts";
import { AnyOf, DateTime, eitherOf, Id, OneOf, Text, toBound } from "../platform/schema.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import type { CaseFilter } from "./filter.ts";
import { FIRST_CONTACT_STATES } from "./firstContact.ts";

/** The parameters by which cases are listed and exported. */
export const CaseFilterQuery = {
  status: AnyOf(OneOf(CASE_STATUSES, { description: "In this status" })),
  assignee: AnyOf(Text({ description: "Of this assignee" })),
  unassigned: AnyOf(Type.Boolean({ description: "true: only cases of nobody; false: none of them" })),
  priority: AnyOf(OneOf(CASE_PRIORITIES, { description: "Of this priority" })),
  firstContact: AnyOf(OneOf(FIRST_CONTACT_STATES, { description: "Of the latest clock" })),
  dueBefore: Type.Optional(DateTime("First contact due before this time")),
  segment: AnyOf(Text({ description: "With an answer from this segment" })),
  surveyKey: AnyOf(Text({ description: "With an answer to this survey" })),
  category: AnyOf(OneOf(CATEGORIES, { description: "With an answer of this category" })),
  personId: AnyOf(Id("About this person")),
  accountId: AnyOf(Id("About this account")),
  reference: AnyOf(Text({ maxLength: 400, description: "The ticket of another system, like `zendesk:123`" })),
  updatedSince: Type.Optional(DateTime("Changed at this time or later")),
};
export type CaseFilterQuery = Static<TObject<typeof CaseFilterQuery>>;

/**
 * The filter that these parameters mean.
 * @throws {AppError} `invalid_request` for a reference without a system
 */
export function toCaseFilter(query: CaseFilterQuery): CaseFilter {
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

import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { CategoryEnum } from "../responses/graphqlFilter.ts";
import type { CaseFilter } from "./filter.ts";
import { OutcomeEnum, PriorityEnum, ReasonEnum, StateEnum, StatusEnum } from "./graphqlEnums.ts";

export const CaseFilterInput = builder.inputType("CaseFilter", {
  description: "Which cases: all given terms must hold, a list means any of its values",
  fields: (t) => ({
    statuses: t.field({ type: [StatusEnum], description: "In these statuses" }),
    assignee: t.string({ description: "Of this person" }),
    unassigned: t.boolean({ description: "Of nobody, or of somebody" }),
    priorities: t.field({ type: [PriorityEnum], description: "With these priorities" }),
    reasons: t.field({ type: [ReasonEnum], description: "Opened for any of these" }),
    dangerZone: t.boolean({ description: "With an answer of 0 to 3, or without" }),
    categories: t.field({ type: [CategoryEnum], description: "With an answer of these categories" }),
    surveyKeys: t.stringList({ description: "With an answer to these surveys" }),
    segments: t.stringList({ description: "With an answer from these segments" }),
    firstContact: t.field({ type: [StateEnum], description: "Whose latest clock is in these states" }),
    dueBefore: t.field({ type: "DateTime", description: "First contact due before this time" }),
    openedFrom: t.field({ type: "DateTime", description: "Opened at this time or later" }),
    openedTo: t.field({ type: "DateTime", description: "Opened before this time" }),
    rootCauses: t.stringList({ description: "Stated or actual cause is one of these, or a kind of one" }),
    improvementIds: t.idList({ description: "Parked on these improvements, now or before" }),
    outcomes: t.field({ type: [OutcomeEnum], description: "Ended so" }),
    commitmentDueBefore: t.field({ type: "Date", description: "With an open commitment due before this day" }),
    freshlyTipped: t.boolean({ description: "The answer before was in a better category, or it was not" }),
    updatedSince: t.field({ type: "DateTime", description: "Changed at this time or later" }),
    accountIds: t.idList({ description: "About these accounts" }),
    personIds: t.idList({ description: "About these people" }),
  }),
});

const ID_LISTS = ["accountIds", "personIds", "improvementIds"] as const;

/** @throws {AppError} `invalid_request` for terms that can hold for no case by mistake */
export function toCaseFilter(input: typeof CaseFilterInput.$inferInput | null | undefined): CaseFilter {
  const { assignee, ...given } = input ?? {};
  const terms = Object.entries(given).filter(([, value]) => value !== null);
  const filter = Object.fromEntries(terms) as CaseFilter;
  if (filter.openedFrom && filter.openedTo && filter.openedFrom > filter.openedTo) {
    throw invalidRequest([{ name: "filter.openedFrom", reason: "must not be later than openedTo" }]);
  }
  for (const name of ID_LISTS) {
    if (filter[name]) filter[name] = filter[name].map((id) => parseId(`filter.${name}`, id));
  }
  return typeof assignee === "string" ? { ...filter, assignees: [assignee] } : filter;
}

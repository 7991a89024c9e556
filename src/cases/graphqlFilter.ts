import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { CategoryEnum } from "../responses/graphqlFilter.ts";
import type { CaseFilter } from "./filter.ts";
import { OutcomeEnum, PriorityEnum, ReasonEnum, StateEnum, StatusEnum } from "./graphqlEnums.ts";

export const CaseFilterInput = builder.inputType("CaseFilter", {
  description: "Which cases: all given terms must hold, a list means any of its values, an empty one finds nothing",
  fields: (t) => ({
    statuses: t.field({ type: [StatusEnum], description: "In any of these statuses" }),
    assignee: t.string({ description: "This person is accountable" }),
    unassigned: t.boolean({ description: "true: nobody is accountable; false: somebody is" }),
    priorities: t.field({ type: [PriorityEnum], description: "Of any of these priorities" }),
    reasons: t.field({ type: [ReasonEnum], description: "Opened or joined for any of these reasons" }),
    dangerZone: t.boolean({ description: "true: with an answer of 0 to 3; false: without one" }),
    categories: t.field({ type: [CategoryEnum], description: "With an answer of any of these categories" }),
    surveyKeys: t.stringList({ description: "With an answer to any of these surveys, by key" }),
    segments: t.stringList({ description: "With an answer from any of these segments, as it was when it was given" }),
    firstContact: t.field({ type: [StateEnum], description: "Whose latest clock is in any of these states" }),
    dueBefore: t.field({
      type: "DateTime",
      description: "Whose latest clock is due before this time, whether it was met or not",
    }),
    openedFrom: t.field({ type: "DateTime", description: "Opened at this time or later" }),
    openedTo: t.field({ type: "DateTime", description: "Opened before this time" }),
    rootCauses: t.stringList({ description: "Stated or actual cause is one of these or a kind of one, by key" }),
    improvementIds: t.idList({ description: "Parked on any of these improvements, now or before" }),
    outcomes: t.field({ type: [OutcomeEnum], description: "Ended in any of these ways" }),
    commitmentDueBefore: t.field({
      type: "Date",
      description: "With a commitment that is not settled and due before this day",
    }),
    freshlyTipped: t.boolean({
      description: "true: the same person's answer before was in a better category; false: it was not",
    }),
    updatedSince: t.field({ type: "DateTime", description: "Last changed at this time or later" }),
    accountIds: t.idList({ description: "About any of these accounts, by our ids" }),
    personIds: t.idList({ description: "About any of these people, by our ids" }),
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

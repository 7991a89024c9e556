import { AccountType, loadAccount, loadPerson, PersonType } from "../people/graphql.ts";
import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import {
  byId,
  createListLoader,
  createLoader,
  defineConnection,
  pageSize,
  readConnection,
} from "../platform/graphqlConnection.ts";
import { loadResponse, ResponseType } from "../responses/graphql.ts";
import { CASE_PRIORITIES, CASE_STATUSES } from "../responses/index.ts";
import type { CaseFilter } from "./filter.ts";
import { CLOCK_CAUSES, FIRST_CONTACT_STATES } from "./firstContact.ts";
import { CASE_OUTCOMES, CASE_REASONS, type Case } from "./model.ts";
import { PRIORITY_TERMS } from "./priority.ts";
import { CASE_ORDERS, caseIdsOf, countCases, listCases, listCasesById, listCasesOfPeople } from "./queries.ts";

const StatusEnum = builder.enumType("CaseStatus", { description: "How far the follow-up is", values: CASE_STATUSES });
const PriorityEnum = builder.enumType("CasePriority", { description: "Whom to call first", values: CASE_PRIORITIES });
const ReasonEnum = builder.enumType("CaseReason", {
  description: "Why somebody is to be called",
  values: CASE_REASONS,
});
const OutcomeEnum = builder.enumType("CaseOutcome", { description: "How a case ended", values: CASE_OUTCOMES });
const TermEnum = builder.enumType("PriorityTermName", { description: "What counts", values: PRIORITY_TERMS });
const StateEnum = builder.enumType("FirstContactState", {
  description: "PENDING: still time; MET: reached out in time; MISSED: late, or not at all",
  values: FIRST_CONTACT_STATES,
});
const CauseEnum = builder.enumType("ClockCause", { description: "What started the clock", values: CLOCK_CAUSES });

const ClockType = builder.objectRef<Case["firstContact"]>("FirstContact").implement({
  description: "A promise to reach out: its clock never pauses and is never cleared",
  extensions: { scope: null },
  fields: (t) => ({
    startedAt: t.field({ type: "DateTime", description: "When the reason became known", resolve: (c) => c.startedAt }),
    dueAt: t.field({ type: "DateTime", description: "When somebody must have reached out", resolve: (c) => c.dueAt }),
    metAt: t.field({ type: "DateTime", nullable: true, description: "When somebody did", resolve: (c) => c.metAt }),
    state: t.field({ type: StateEnum, description: "Whether it was kept", resolve: (c) => c.state }),
    cause: t.field({ type: CauseEnum, description: "What started it", resolve: (c) => c.cause }),
  }),
});

const PriorityTermType = builder.objectRef<Case["priorityTerms"][number]>("PriorityTerm").implement({
  description: "One reason for the case's place in the queue",
  extensions: { scope: null },
  fields: (t) => ({
    term: t.field({ type: TermEnum, description: "Which", resolve: ({ term }) => term }),
    value: t.exposeFloat("value", { description: "How far it applies" }),
    weight: t.exposeFloat("weight", { description: "Points per unit of value" }),
    points: t.exposeFloat("points", { description: "What it adds to the score" }),
  }),
});

const loadCase = createLoader(async (tx, ids) => byId(await listCasesById(tx, ids)));
const loadCaseIdOfResponse = createLoader(caseIdsOf);

const CaseType = builder.objectRef<Case>("Case").implement({
  description: "A follow-up case: somebody is to be contacted",
  extensions: { scope: "cases:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Ours" }),
    version: t.exposeInt("version", { description: "Counts the changes" }),
    status: t.field({ type: StatusEnum, description: "How far it is", resolve: ({ status }) => status }),
    priority: t.field({ type: PriorityEnum, description: "Whom to call first", resolve: ({ priority }) => priority }),
    priorityScore: t.exposeFloat("priorityScore", { description: "The sum of the terms' points" }),
    priorityTerms: t.field({
      type: [PriorityTermType],
      description: "Why it stands there",
      resolve: (c) => c.priorityTerms,
    }),
    reasons: t.field({ type: [ReasonEnum], description: "Why it was opened", resolve: ({ reasons }) => reasons }),
    assignee: t.exposeString("assignee", { nullable: true, description: "Who is accountable" }),
    openedAt: t.field({ type: "DateTime", description: "When", resolve: ({ openedAt }) => openedAt }),
    updatedAt: t.field({ type: "DateTime", description: "When it last changed", resolve: (c) => c.updatedAt }),
    firstContact: t.field({ type: ClockType, description: "The latest clock", resolve: (c) => c.firstContact }),
    clocks: t.field({ type: [ClockType], description: "Every clock, oldest first", resolve: ({ clocks }) => clocks }),
    outcome: t.field({ type: OutcomeEnum, nullable: true, description: "How it ended", resolve: (c) => c.outcome }),
    resolution: t.exposeString("resolution", { nullable: true, description: "What was done, or why nothing was" }),
    previousCaseId: t.exposeID("previousCaseId", { nullable: true, description: "The same person's case before" }),
    person: t.field({
      type: PersonType,
      nullable: true,
      description: "Whom to contact, where that is known",
      resolve: ({ person }, _args, context) => (person === null ? null : loadPerson(context, person.id)),
    }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account it is about, where that is known",
      resolve: ({ account }, _args, context) => (account === null ? null : loadAccount(context, account.id)),
    }),
    responses: t.field({
      type: [ResponseType],
      description: "The answers that opened or joined it, oldest first",
      resolve: async ({ responses }, _args, context) => {
        const found = await Promise.all(responses.map(({ id }) => loadResponse(context, id)));
        return found.filter((response) => response !== null);
      },
    }),
  }),
});

builder.objectField(ResponseType, "case", (t) =>
  t.field({
    type: CaseType,
    nullable: true,
    description: "The follow-up case it opened or joined",
    resolve: async ({ id }, _args, context) => {
      const caseId = await loadCaseIdOfResponse(context, id);
      return caseId === null ? null : loadCase(context, caseId);
    },
  }),
);

const loadCasesOfPerson = createListLoader(async (tx, personIds, limit) =>
  Map.groupBy(await listCasesOfPeople(tx, personIds, limit), ({ person }) => person?.id ?? ""),
);

builder.objectField(PersonType, "cases", (t) =>
  t.field({
    type: [CaseType],
    description: "Their follow-up cases, newest first",
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }) },
    resolve: ({ id }, { first }, context) => loadCasesOfPerson(context, id, pageSize(first)),
  }),
);

const CaseOrderEnum = builder.enumType("CaseOrder", {
  description: "PRIORITY: whom to call first; FIRST_CONTACT_DUE: the earliest due first; by opening otherwise",
  values: CASE_ORDERS,
});

const CaseFilterInput = builder.inputType("CaseFilter", {
  description: "Which cases: all given terms must hold, a list means any of its values",
  fields: (t) => ({
    statuses: t.field({ type: [StatusEnum], description: "In these statuses" }),
    assignee: t.string({ description: "Of this person" }),
    unassigned: t.boolean({ description: "Of nobody, or of somebody" }),
    priorities: t.field({ type: [PriorityEnum], description: "With these priorities" }),
    reasons: t.field({ type: [ReasonEnum], description: "Opened for any of these" }),
    dangerZone: t.boolean({ description: "With an answer of 0 to 3, or without" }),
    surveyKeys: t.stringList({ description: "With an answer to these surveys" }),
    segments: t.stringList({ description: "With an answer from these segments" }),
    firstContact: t.field({ type: [StateEnum], description: "Whose latest clock is in these states" }),
    dueBefore: t.field({ type: "DateTime", description: "First contact due before this time" }),
    openedFrom: t.field({ type: "DateTime", description: "Opened at this time or later" }),
    openedTo: t.field({ type: "DateTime", description: "Opened before this time" }),
    updatedSince: t.field({ type: "DateTime", description: "Changed at this time or later" }),
    accountIds: t.idList({ description: "About these accounts" }),
    personIds: t.idList({ description: "About these people" }),
  }),
});

const CaseConnection = defineConnection("Case", CaseType);

builder.queryFields((t) => ({
  case: t.field({
    type: CaseType,
    nullable: true,
    description: "One case, or null",
    extensions: { scope: "cases:read" },
    args: { id: t.arg({ type: "ID", required: true, description: "Its id" }) },
    resolve: (_root, { id }, context) => loadCase(context, parseId("id", id)),
  }),
  cases: t.field({
    type: CaseConnection,
    description: "Cases, a page at a time",
    extensions: { scope: "cases:read" },
    args: {
      filter: t.arg({ type: CaseFilterInput, description: "Which" }),
      orderBy: t.arg({ type: CaseOrderEnum, defaultValue: "PRIORITY", description: "In which order" }),
      first: t.arg.int({ defaultValue: 20, description: "How many, at most 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before" }),
    },
    resolve: async (_root, args, context) => {
      const terms = Object.entries(args.filter ?? {}).filter(([, value]) => value !== null);
      const filter = Object.fromEntries(terms) as CaseFilter;
      if (filter.openedFrom && filter.openedTo && filter.openedFrom > filter.openedTo) {
        throw invalidRequest([{ name: "filter.openedFrom", reason: "must not be later than openedTo" }]);
      }
      for (const name of ["accountIds", "personIds"] as const)
        filter[name]?.forEach((id) => parseId(`filter.${name}`, id));
      const order = args.orderBy ?? "PRIORITY";
      return readConnection(context, args, {
        order,
        values: order === "PRIORITY" ? "number" : "time",
        list: (tx, page) => listCases(tx, { filter, order, ...page }),
        count: (tx) => countCases(tx, filter),
      });
    },
  }),
}));

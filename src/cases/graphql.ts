import { ImprovementType, loadImprovement } from "../causes/graphql.ts";
import { AccountType, loadAccount, loadPerson, PersonType } from "../people/graphql.ts";
import { byId } from "../platform/byId.ts";
import { AppError } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import {
  createListLoader,
  createLoader,
  defineConnection,
  pageSize,
  readConnection,
} from "../platform/graphqlConnection.ts";
import { defineEnum } from "../platform/graphqlInput.ts";
import { loadResponse, ResponseType } from "../responses/graphql.ts";
import { OutcomeEnum, PriorityEnum, ReasonEnum, StatusEnum } from "./graphqlEnums.ts";
import { CaseFilterInput, toCaseFilter } from "./graphqlFilter.ts";
import {
  ActivityType,
  AssessmentType,
  CausesType,
  ClockType,
  CommitmentType,
  PriorityTermType,
  ReferenceType,
} from "./graphqlParts.ts";
import type { Case } from "./model.ts";
import { CASE_ORDERS, caseIdsOf, countCases, cursorValuesOf, listCases, listCasesOfPeople } from "./queries.ts";
import { listCasesById } from "./reading.ts";

const loadCase = createLoader(async (tx, ids) => byId(await listCasesById(tx, ids)));
const loadCaseIdOfResponse = createLoader(caseIdsOf);

const TOO_MANY_ANSWERS =
  "More answers of cases were asked for than one request may show. Ask for fewer cases, or fewer of one within another.";

export const CaseType = builder.objectRef<Case>("Case").implement({
  description: "A follow-up case: a customer is to be contacted",
  extensions: { scope: "cases:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    version: t.exposeInt("version", {
      description: "Counts the changes, from 1 on; what a mutation's `version` asks for",
    }),
    status: t.field({ type: StatusEnum, description: "How far the follow-up is", resolve: ({ status }) => status }),
    priority: t.field({
      type: PriorityEnum,
      description: "Whom to call first, in four steps",
      resolve: ({ priority }) => priority,
    }),
    priorityScore: t.exposeFloat("priorityScore", {
      description: "Whom to call first: the sum of the terms' points as of now, the highest first",
    }),
    priorityTerms: t.field({
      type: [PriorityTermType],
      description: "What `priorityScore` is made of; only what applies",
      resolve: (c) => c.priorityTerms,
    }),
    reasons: t.field({
      type: [ReasonEnum],
      description: "Why it was opened, and what joined it since",
      resolve: ({ reasons }) => reasons,
    }),
    assignee: t.exposeString("assignee", {
      nullable: true,
      description: "Who is accountable, at first the account's owner; null for nobody",
    }),
    openedAt: t.field({ type: "DateTime", description: "When it was opened", resolve: ({ openedAt }) => openedAt }),
    updatedAt: t.field({
      type: "DateTime",
      description: "When anything of it last changed",
      resolve: (c) => c.updatedAt,
    }),
    firstContact: t.field({
      type: ClockType,
      description: "The latest first-contact clock",
      resolve: (c) => c.firstContact,
    }),
    clocks: t.field({
      type: [ClockType],
      description: "Every first-contact clock, oldest first",
      resolve: ({ clocks }) => clocks,
    }),
    commitments: t.field({
      type: [CommitmentType],
      description: "What was promised to the customer, oldest first",
      resolve: ({ commitments }) => commitments,
    }),
    causes: t.field({ type: CausesType, description: "Why the customer was unhappy", resolve: ({ causes }) => causes }),
    assessment: t.field({
      type: AssessmentType,
      description: "What people who work it say of it",
      resolve: ({ assessment }) => assessment,
    }),
    outcome: t.field({
      type: OutcomeEnum,
      nullable: true,
      description: "How it ended; null before it has",
      resolve: (c) => c.outcome,
    }),
    resolution: t.exposeString("resolution", {
      nullable: true,
      description: "What was done, or why nothing was; null before it ended",
    }),
    references: t.field({
      type: [ReferenceType],
      description: "The tickets that other systems have about it",
      resolve: ({ references }) => references,
    }),
    activities: t.field({
      type: [ActivityType],
      description: "What happened to it, oldest first: the latest 100",
      resolve: ({ activities }) => activities,
    }),
    improvementId: t.exposeID("improvementId", {
      nullable: true,
      description: "Id of the improvement it is or was parked on; null where it never was",
    }),
    improvement: t.field({
      type: ImprovementType,
      nullable: true,
      description: "The improvement it is or was parked on; null where it never was",
      resolve: ({ improvementId }, _args, context) =>
        improvementId === null ? null : loadImprovement(context, improvementId),
    }),
    previousCaseId: t.exposeID("previousCaseId", {
      nullable: true,
      description: "Id of the same person's case before this one; null for their first",
    }),
    person: t.field({
      type: PersonType,
      nullable: true,
      description: "Whom to contact; null where nobody is known",
      resolve: ({ person }, _args, context) => (person === null ? null : loadPerson(context, person.id)),
    }),
    account: t.field({
      type: AccountType,
      nullable: true,
      description: "The account it is about; null where none is known",
      resolve: ({ account }, _args, context) => (account === null ? null : loadAccount(context, account.id)),
    }),
    responses: t.field({
      type: [ResponseType],
      description: "The answers that opened or joined it, oldest first",
      resolve: async ({ responses }, _args, context) => {
        context.casesAnswersLeft -= responses.length;
        if (context.casesAnswersLeft < 0) throw new AppError("invalid_request", TOO_MANY_ANSWERS);
        const found = await Promise.all(responses.map(({ id }) => loadResponse(context, id)));
        return found.filter((response) => response !== null);
      },
    }),
  }),
});

builder.objectField(CaseType, "previousCase", (t) =>
  t.field({
    type: CaseType,
    nullable: true,
    description: "The same person's case before this one; null for their first",
    resolve: ({ previousCaseId }, _args, context) =>
      previousCaseId === null ? null : loadCase(context, previousCaseId),
  }),
);

builder.objectField(ResponseType, "case", (t) =>
  t.field({
    type: CaseType,
    nullable: true,
    description: "The follow-up case that it opened or joined; null where none was called for",
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
    description: "Their follow-up cases, the newest first",
    args: { first: t.arg.int({ defaultValue: 20, description: "How many, 1 to 100" }) },
    resolve: ({ id }, { first }, context) => loadCasesOfPerson(context, id, pageSize(first)),
  }),
);

const CaseOrderEnum = defineEnum("CaseOrder", "How a list of cases is sorted", CASE_ORDERS, {
  PRIORITY: "By `priorityScore`, the highest first: whom to call first",
  FIRST_CONTACT_DUE: "By `firstContact.dueAt` of the latest clock, the earliest first",
  OLDEST: "By `openedAt`, the earliest first",
  NEWEST: "By `openedAt`, the latest first",
});

const CaseConnection = defineConnection("Case", CaseType);

builder.queryFields((t) => ({
  case: t.field({
    type: CaseType,
    nullable: true,
    description: "One case; null where there is none with this id",
    extensions: { scope: "cases:read" },
    args: { id: t.arg({ type: "ID", required: true, description: "Our id of it, a UUID" }) },
    resolve: (_root, { id }, context) => loadCase(context, parseId("id", id)),
  }),
  cases: t.field({
    type: CaseConnection,
    description: "Cases, a page at a time: the queue",
    extensions: { scope: "cases:read" },
    args: {
      filter: t.arg({ type: CaseFilterInput, description: "Which cases; all when absent" }),
      orderBy: t.arg({ type: CaseOrderEnum, defaultValue: "PRIORITY", description: "What is sorted by" }),
      first: t.arg.int({ defaultValue: 20, description: "How many on a page, 1 to 100" }),
      after: t.arg.string({ description: "`endCursor` of the page before; the first page when absent" }),
    },
    resolve: async (_root, args, context) => {
      const filter = toCaseFilter(args.filter);
      const order = args.orderBy ?? "PRIORITY";
      return readConnection(context, args, {
        order,
        values: cursorValuesOf(order),
        list: (tx, page) => listCases(tx, { filter, order, ...page }),
        count: (tx) => countCases(tx, filter),
      });
    },
  }),
}));

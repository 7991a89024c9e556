import { type TSchema, Type } from "@sinclair/typebox";
import {
  ActivitySchema,
  CaseFilterQuery,
  CaseSchema,
  pagesOfActivities,
  pagesOfCases,
  toCaseFilter,
} from "../cases/index.ts";
import { AccountSchema, normaliseIdentity, PersonSchema } from "../people/index.ts";
import { AnyOf, Id, Text } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { ResponseFilterQuery, toResponseFilter } from "../responses/index.ts";
import { ANSWER_COLUMNS } from "./answers.ts";
import { pagesOfAccounts, pagesOfAnswers, pagesOfPeople } from "./queries.ts";
import { columnsOf } from "./writing.ts";

/** Small enough for what it takes to be garbage before V8 takes it for old. */
const PAGE = 250;
/** Each is put together from many tables. */
const CASES_PER_PAGE = 100;

/** What can be exported: who may, by which parameters, and how it is read. */
export interface Exported {
  scope: "responses:read" | "cases:read" | "people:read";
  summary: string;
  parameters: Record<string, TSchema>;
  columns: readonly string[];
  /** The query was validated by `parameters`. */
  pages: (tx: WorkspaceTx, query: Record<string, unknown>) => AsyncGenerator<readonly object[]>;
}

type Strings = string[] | undefined;

export const EXPORTED = {
  responses: {
    scope: "responses:read",
    summary: "Export responses, oldest first, as they can be imported again",
    parameters: ResponseFilterQuery,
    columns: ANSWER_COLUMNS,
    pages: (tx, query) => pagesOfAnswers(tx, toResponseFilter(query), PAGE),
  },
  cases: {
    scope: "cases:read",
    summary: "Export cases, oldest first, without their activities",
    parameters: CaseFilterQuery,
    columns: columnsOf(CaseSchema).filter((column) => column !== "activities"),
    pages: (tx, query) => pagesOfShownCases(tx, toCaseFilter(query)),
  },
  activities: {
    scope: "cases:read",
    summary: "Export everything that happened to cases, case by case",
    parameters: { caseId: AnyOf(Id("Of this case")) },
    columns: ["caseId", ...columnsOf(ActivitySchema)],
    pages: (tx, query) => pagesOfPlacedActivities(tx, query["caseId"] as Strings),
  },
  people: {
    scope: "people:read",
    summary: "Export people, in the order in which they became known",
    parameters: {
      email: AnyOf(Type.String({ format: "email", maxLength: 255, description: "In any case" })),
      externalId: AnyOf(Text({ description: "Your own id of it" })),
    },
    columns: columnsOf(PersonSchema, [AccountSchema]),
    pages: (tx, { email, externalId }) => {
      const emails = (email as Strings)?.map((address) => normaliseIdentity("email", address));
      return pagesOfPeople(tx, { externalId: externalId as Strings, email: emails }, PAGE);
    },
  },
  accounts: {
    scope: "people:read",
    summary: "Export accounts, in the order in which they became known",
    parameters: {
      externalId: AnyOf(Text({ description: "Your own id of it" })),
      segment: AnyOf(Text({ description: "Of this segment" })),
    },
    columns: columnsOf(AccountSchema),
    pages: (tx, { externalId, segment }) =>
      pagesOfAccounts(tx, { externalIds: externalId as Strings, segments: segment as Strings }, PAGE),
  },
} satisfies Record<string, Exported>;

async function* pagesOfShownCases(tx: WorkspaceTx, filter: ReturnType<typeof toCaseFilter>) {
  for await (const page of pagesOfCases(tx, filter, CASES_PER_PAGE)) {
    yield page.map(({ activities: _activities, ...shown }) => shown);
  }
}

async function* pagesOfPlacedActivities(tx: WorkspaceTx, caseIds: Strings) {
  for await (const page of pagesOfActivities(tx, caseIds, PAGE)) {
    yield page.map(({ caseId, activity }) => ({ caseId, ...activity }));
  }
}

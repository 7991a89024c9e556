import { type TSchema, Type } from "@sinclair/typebox";
import {
  ActivitySchema,
  CaseFilterQuery,
  CaseSchema,
  listAllActivities,
  listCases,
  toCaseFilter,
} from "../cases/index.ts";
import { AccountSchema, normaliseIdentity, PersonSchema } from "../people/index.ts";
import { AnyOf, Id, Text } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { ResponseFilterQuery, toResponseFilter } from "../responses/index.ts";
import { ANSWER_COLUMNS, pagesOfAnswers } from "./answers.ts";
import { listAllAccounts, listAllPeople } from "./queries.ts";
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
    pages: (tx, query) => pagesOfCases(tx, query),
  },
  activities: {
    scope: "cases:read",
    summary: "Export everything that happened to cases, case by case",
    parameters: { caseId: AnyOf(Id("Of this case")) },
    columns: ["caseId", ...columnsOf(ActivitySchema)],
    pages: (tx, query) => pagesOfActivities(tx, query["caseId"] as Strings),
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
      return pagesById((after) => listAllPeople(tx, { externalId: externalId as Strings, email: emails }, PAGE, after));
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
      pagesById((after) =>
        listAllAccounts(tx, { externalIds: externalId as Strings, segments: segment as Strings }, PAGE, after),
      ),
  },
} satisfies Record<string, Exported>;

async function* pagesById<Thing extends { id: string }>(list: (after: string | undefined) => Promise<Thing[]>) {
  for (let after: string | undefined; ; ) {
    const page = await list(after);
    yield page;
    after = page.at(-1)?.id;
    if (page.length < PAGE) return;
  }
}

async function* pagesOfCases(tx: WorkspaceTx, query: CaseFilterQuery) {
  const filter = toCaseFilter(query);
  const order = "OLDEST";
  for (let after: { order: string; value: string; id: string } | undefined; ; ) {
    const page = (await listCases(tx, { filter, order, limit: CASES_PER_PAGE, after })).slice(0, CASES_PER_PAGE);
    yield page.map(({ node: { activities: _activities, ...shown } }) => shown);
    const last = page.at(-1);
    if (page.length < CASES_PER_PAGE || last === undefined) return;
    after = { order, value: last.sortValue, id: last.node.id };
  }
}

async function* pagesOfActivities(tx: WorkspaceTx, caseIds: Strings) {
  for (let after: Awaited<ReturnType<typeof listAllActivities>>[number] | undefined; ; ) {
    const page = await listAllActivities(tx, caseIds, { limit: PAGE, after });
    yield page.map(({ caseId, activity }) => ({ caseId, ...activity }));
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

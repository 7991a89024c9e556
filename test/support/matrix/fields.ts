// Every field of Query and Mutation: who may ask for it, and how it succeeds.
import { CASE_COMMANDS } from "./caseCommands.ts";
import type { OperationCase } from "./operationCase.ts";
import { answered, caseAfter, type Ids, improved, own, promised } from "./things.ts";

/** How one field is asked for. Every value of `ids` is also tried as another workspace has it. */
export interface FieldCase extends Pick<OperationCase, "ids"> {
  scope: Exclude<OperationCase["scope"], "authenticated" | "public">;
  /** By their names in the schema. */
  variables?: (ids: Ids) => Record<string, unknown>;
  /** What is asked of it; nothing of a plain value. */
  select: string;
}

const COUNTED = "{ nps answered counted distribution }";
const RESPONSE = "{ id comment score }";
const CASE = "{ id status version }";

/** Filters that name what is another workspace's in every way they can. */
const RESPONSES = ({ personId, accountId, surveyKey }: Ids) => ({
  personIds: [personId],
  accountIds: [accountId],
  surveyKeys: [surveyKey],
});
const CASES = ({ personId, accountId, surveyKey }: Ids) => ({
  personIds: [personId],
  accountIds: [accountId],
  surveyKeys: [surveyKey],
});
const AWAITED = ({ improvementId, key }: Ids) => ({ improvementIds: [improvementId], rootCauses: [key] });

/** A case that is parked on an improvement. */
async function parked(client: Parameters<typeof improved>[0]): Promise<Ids> {
  const ids = await improved(client);
  const path = `/v1/cases/${ids["caseId"]}`;
  await client.post(`${path}/causes`, { statedCause: ids["key"] });
  await client.post(`${path}/contacts`, { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" });
  await client.post(`${path}/parking`, { improvementId: ids["improvementId"] });
  return ids;
}

const counts = (select: string, more: object = {}): FieldCase => ({
  scope: "aggregates:read",
  ids: answered,
  variables: (ids) => ({ filter: RESPONSES(ids), ...more }),
  select,
});
const countsCases = (select: string, more: object = {}): FieldCase => ({
  scope: "aggregates:read",
  ids: parked,
  variables: (ids) => ({ filter: { ...CASES(ids), ...AWAITED(ids) }, ...more }),
  select,
});
const all = (scope: FieldCase["scope"], select: string): FieldCase => ({ scope, select });

/** By type and name. */
export const FIELDS: Record<string, FieldCase> = {
  "Query.response": {
    scope: "responses:read",
    ids: answered,
    variables: ({ id }) => ({ id }),
    select: "{ id comment person { id } account { id } case { id } }",
  },
  "Query.responses": {
    scope: "responses:read",
    ids: answered,
    variables: (ids) => ({ filter: RESPONSES(ids) }),
    select: `{ totalCount edges { node ${RESPONSE} } }`,
  },
  "Query.case": { scope: "cases:read", ids: caseAfter(), variables: ({ id }) => ({ id }), select: CASE },
  "Query.cases": {
    scope: "cases:read",
    ids: parked,
    variables: (ids) => ({ filter: { ...CASES(ids), ...AWAITED(ids) } }),
    select: `{ totalCount edges { node ${CASE} } }`,
  },
  "Query.person": {
    scope: "people:read",
    ids: answered,
    variables: ({ personId }) => ({ id: personId }),
    select: "{ id name email }",
  },
  "Query.account": {
    scope: "people:read",
    ids: answered,
    variables: ({ accountId }) => ({ id: accountId }),
    select: "{ id name externalId }",
  },
  "Query.accounts": all("people:read", "{ totalCount edges { node { id name } } }"),
  "Query.surveys": all("responses:read", "{ key }"),
  "Query.rootCauses": all("cases:read", "{ key label }"),
  "Query.themes": all("responses:read", "{ key }"),
  "Query.improvements": all("cases:read", "{ id title }"),
  "Query.nps": counts(COUNTED),
  "Query.npsTrend": counts(`{ summary ${COUNTED} }`, { interval: "MONTH" }),
  "Query.npsBreakdown": counts(`{ key label summary ${COUNTED} }`, { by: "ACCOUNT" }),
  "Query.npsChange": {
    scope: "aggregates:read",
    ids: answered,
    variables: (ids) => ({
      baseline: { ...RESPONSES(ids), to: "2026-01-01T00:00:00Z" },
      current: { ...RESPONSES(ids), from: "2026-01-01T00:00:00Z" },
    }),
    select: `{ baseline ${COUNTED} current ${COUNTED} difference }`,
  },
  "Query.npsTransitions": counts("{ people answeredOnce }"),
  "Query.npsMovers": {
    scope: "people:read",
    ids: answered,
    variables: (ids) => ({ from: "DETRACTOR", to: "PROMOTER", filter: RESPONSES(ids) }),
    select: "{ totalCount edges { node { id } } }",
  },
  "Query.closedLoopEffect": counts(`{ contacted ${COUNTED} notContacted ${COUNTED} }`),
  "Query.firstContactKpi": countsCases("{ met missed pending }"),
  "Query.firstContactTrend": countsCases("{ kpi { met missed pending } }", { interval: "MONTH" }),
  "Query.caseBreakdown": countsCases("{ key label cases }", { by: "STATED_CAUSE" }),

  "Mutation.acknowledgeResponse": {
    scope: "responses:write",
    ids: answered,
    variables: ({ id }) => ({ id }),
    select: RESPONSE,
  },
  "Mutation.excludeResponse": {
    scope: "responses:write",
    ids: answered,
    variables: ({ id }) => ({ id, input: { reason: "INTERNAL" } }),
    select: RESPONSE,
  },
  "Mutation.includeResponse": {
    scope: "responses:write",
    ids: answered,
    variables: ({ id }) => ({ id }),
    select: RESPONSE,
  },
  "Mutation.openCase": {
    scope: "cases:write",
    ids: (client) => answered(client, 8),
    variables: ({ responseId }) => ({ input: { responseId } }),
    select: CASE,
  },
  ...Object.fromEntries(
    Object.entries(CASE_COMMANDS).map(([name, { ids, input }]): [string, FieldCase] => [
      `Mutation.${name}`,
      { scope: "cases:write", ids, variables: (made) => ({ id: made["id"], input: input(made) }), select: CASE },
    ]),
  ),
  "Mutation.settleCommitment": {
    scope: "cases:write",
    ids: promised,
    variables: ({ id, commitmentId }) => ({ id, input: { commitmentId, kept: true } }),
    select: CASE,
  },
  "Mutation.putCaseReference": {
    scope: "cases:write",
    ids: caseAfter(),
    variables: ({ id }) => ({ id, system: "zendesk", input: { externalId: "7" } }),
    select: CASE,
  },
  "Mutation.putRootCause": {
    scope: "cases:write",
    ids: async (client) => ({ parentKey: (await improved(client))["key"] ?? "", key: own("cause") }),
    variables: ({ key, parentKey }) => ({ key, input: { label: "Price", parentKey } }),
    select: "{ key label parentKey }",
  },
  "Mutation.createImprovement": {
    scope: "cases:write",
    ids: improved,
    variables: ({ key }) => ({ input: { title: "Cheaper", rootCauseKeys: [key] } }),
    select: "{ id title }",
  },
  "Mutation.setImprovementStatus": {
    scope: "cases:write",
    ids: improved,
    variables: ({ id }) => ({ id, input: { status: "SHIPPED" } }),
    select: "{ id status }",
  },
  "Mutation.markTold": {
    scope: "cases:write",
    ids: improved,
    variables: ({ id, personId }) => ({ id, input: { personIds: [personId] } }),
    select: "{ id status }",
  },
};

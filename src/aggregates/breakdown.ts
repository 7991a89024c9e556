import { sql } from "drizzle-orm";
import { listRootCauses } from "../causes/index.ts";
import { listAccounts } from "../people/index.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { listSurveys } from "../surveys/index.ts";
import { listThemes } from "../themes/index.ts";
import { getWorkspace } from "../workspaces/index.ts";
import type { Grouping } from "./counting.ts";
import { countAnswers } from "./rollupCounting.ts";
import { ROLLUP_DIMENSIONS } from "./rollups.ts";
import { type CountingRules, defineNps } from "./rules.ts";
import { type NpsSummary, summarise } from "./summary.ts";

export const DIMENSIONS = [
  "SURVEY",
  "CHANNEL",
  "TOUCHPOINT",
  "SEGMENT",
  "LANGUAGE",
  "ACCOUNT",
  "ROOT_CAUSE",
  "THEME",
  "PROPERTY",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** ANSWERED: the largest first; NPS: the best first; KEY: in the order of the keys. */
export const GROUP_ORDERS = ["ANSWERED", "NPS", "KEY"] as const;
export type GroupOrder = (typeof GROUP_ORDERS)[number];

/** Answers that share something. */
export interface NpsGroup {
  /** What they share; empty where they have none. */
  key: string;
  label: string;
  summary: NpsSummary;
}

export interface BreakdownOf {
  by: Dimension;
  /** Of PROPERTY. */
  propertyKey: string | null;
  orderBy: GroupOrder;
  first: number;
}

/** The score of the answers by what they share. @throws {AppError} `invalid_request` for PROPERTY without a key */
export async function breakdownOf(
  tx: WorkspaceTx,
  { by, propertyKey, orderBy, first }: BreakdownOf,
  filter: ResponseFilter,
  rules: CountingRules,
): Promise<NpsGroup[]> {
  const { timeZone } = await getWorkspace(tx);
  const tallies = await countAnswers(tx, filter, rules, groupingOf(tx, by, propertyKey));
  const groups = [...tallies].map(([key, tally]) => {
    const group = { by, key, ...(propertyKey === null ? {} : { propertyKey }) };
    return { key, summary: summarise(tally, rules, defineNps(filter, rules, timeZone, group)) };
  });
  const shown = groups.toSorted(ORDERS[orderBy]).slice(0, first);
  const labels = await labelsOf(
    tx,
    by,
    shown.map(({ key }) => key).filter((key) => key !== ""),
  );
  return shown.map((group) => ({
    ...group,
    label: group.key === "" ? "(none)" : (labels.get(group.key) ?? group.key),
  }));
}

type Group = Omit<NpsGroup, "label">;
const byKey = (a: Group, b: Group) => (a.key < b.key ? -1 : Number(a.key > b.key));
const ORDERS: Record<GroupOrder, (a: Group, b: Group) => number> = {
  ANSWERED: (a, b) => b.summary.answered - a.summary.answered || byKey(a, b),
  NPS: (a, b) => (b.summary.nps ?? -Infinity) - (a.summary.nps ?? -Infinity) || byKey(a, b),
  KEY: byKey,
};

/** An answer belongs to at most one case, whose actual cause counts, else the one the customer stated. */
const caseOfAnswer = (
  tx: WorkspaceTx,
) => sql`left join case_responses on case_responses.workspace_id = ${tx.workspaceId}
    and case_responses.response_id = responses.id
  left join cases on cases.workspace_id = ${tx.workspaceId} and cases.id = case_responses.case_id`;

const themesOfAnswer = (
  tx: WorkspaceTx,
) => sql`left join response_themes on response_themes.workspace_id = ${tx.workspaceId}
  and response_themes.response_id = responses.id`;

const COLUMNS = {
  SURVEY: sql`responses.survey_key`,
  CHANNEL: sql`responses.channel`,
  TOUCHPOINT: sql`responses.touchpoint`,
  SEGMENT: sql`responses.segment`,
  LANGUAGE: sql`responses.language`,
  ACCOUNT: sql`responses.account_id::text`,
};

function groupingOf(tx: WorkspaceTx, by: Dimension, propertyKey: string | null): Grouping {
  if (by === "PROPERTY") {
    if (propertyKey === null) throw invalidRequest([{ name: "propertyKey", reason: "is required by PROPERTY" }]);
    return { key: sql`coalesce(responses.properties ->> ${propertyKey}, '')` };
  }
  if (propertyKey !== null) throw invalidRequest([{ name: "propertyKey", reason: "goes with PROPERTY only" }]);
  if (by === "ROOT_CAUSE") {
    return { key: sql`coalesce(cases.actual_cause, cases.stated_cause, '')`, from: caseOfAnswer(tx) };
  }
  if (by === "THEME") return { key: sql`coalesce(response_themes.theme_key, '')`, from: themesOfAnswer(tx) };
  const grouping: Grouping = { key: sql`coalesce(${COLUMNS[by]}, '')` };
  if (by === "SURVEY") return { ...grouping, daily: { key: sql`days.survey_key` } };
  const dimension = ROLLUP_DIMENSIONS.find((name) => name === by);
  return dimension === undefined ? grouping : { ...grouping, daily: { key: sql`days.value`, dimension } };
}

/** What people call the groups, where that is not their key. */
async function labelsOf(tx: WorkspaceTx, by: Dimension, keys: readonly string[]): Promise<Map<string, string>> {
  switch (by) {
    case "ACCOUNT":
      return new Map((await listAccounts(tx, keys)).map(({ id, name, externalId }) => [id, name ?? externalId]));
    case "SURVEY":
      return new Map((await listSurveys(tx, keys)).map(({ key, name }) => [key, name ?? key]));
    case "ROOT_CAUSE":
      return new Map((await listRootCauses(tx, keys)).map(({ key, label }) => [key, label]));
    case "THEME":
      return new Map((await listThemes(tx, keys)).map(({ key, label }) => [key, label]));
    default:
      return new Map();
  }
}

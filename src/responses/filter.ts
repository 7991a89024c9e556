import { and, eq, gte, isNotNull, lt, lte, type SQL, sql } from "drizzle-orm";
import { anyOf, holds, oneOf } from "../platform/sql.ts";
import { CATEGORY_SCORES, type Category, DANGER_ZONE_MAX } from "../scoring/index.ts";
import type { Channel } from "./model.ts";
import { responses } from "./table.ts";

/** Which responses: all given terms must hold, and a list means any of its values. */
export interface ResponseFilter {
  /** from ≤ respondedAt < to */
  from?: Date | undefined;
  to?: Date | undefined;
  surveyKeys?: readonly string[] | undefined;
  categories?: readonly Category[] | undefined;
  scores?: readonly number[] | undefined;
  dangerZone?: boolean | undefined;
  channels?: readonly Channel[] | undefined;
  touchpoints?: readonly string[] | undefined;
  segments?: readonly string[] | undefined;
  languages?: readonly string[] | undefined;
  accountIds?: readonly string[] | undefined;
  personIds?: readonly string[] | undefined;
  properties?: readonly { key: string; in: readonly string[] }[] | undefined;
  followUpRequested?: boolean | undefined;
  hasComment?: boolean | undefined;
  incentivised?: boolean | undefined;
  acknowledged?: boolean | undefined;
  /** A comment or a request to be contacted, and nobody acknowledged it or reached them since: the black hole. */
  unattended?: boolean | undefined;
  /** Whose comment speaks of any of these. */
  themes?: readonly string[] | undefined;
  /** Words in the comment, as people search: "exact phrases", -without, holds or. */
  search?: string | undefined;
  /** Inclusive. */
  updatedSince?: Date | undefined;
  sources?: readonly string[] | undefined;
  externalIds?: readonly string[] | undefined;
  /** true: only those out of the aggregates; false: only those in; absent: both. */
  excluded?: boolean | undefined;
}

/** The condition on `responses` that a filter means, within the workspace of the transaction. */
export function whereResponses(workspaceId: string, filter: ResponseFilter): SQL | undefined {
  return and(
    eq(responses.workspaceId, workspaceId),
    filter.from && gte(responses.respondedAt, filter.from),
    filter.to && lt(responses.respondedAt, filter.to),
    filter.updatedSince && gte(responses.updatedAt, filter.updatedSince),
    oneOf(responses.score, filter.scores, "smallint"),
    oneOf(responses.score, filter.categories?.flatMap(scoresOf), "smallint"),
    holds(lte(responses.score, DANGER_ZONE_MAX), filter.dangerZone),
    oneOf(responses.surveyKey, filter.surveyKeys),
    oneOf(responses.channel, filter.channels),
    oneOf(responses.touchpoint, filter.touchpoints),
    oneOf(responses.segment, filter.segments),
    oneOf(responses.language, filter.languages),
    oneOf(responses.source, filter.sources),
    oneOf(responses.externalId, filter.externalIds),
    oneOf(responses.accountId, filter.accountIds, "uuid"),
    oneOf(responses.personId, filter.personIds, "uuid"),
    ...(filter.properties ?? []).map(
      ({ key, in: values }) => sql`${responses.properties} ->> ${key} = ${anyOf("text", values.flatMap(textsOf))}`,
    ),
    holds(eq(responses.followUpRequested, true), filter.followUpRequested),
    holds(isNotNull(responses.comment), filter.hasComment),
    holds(eq(responses.incentivised, true), filter.incentivised),
    holds(isNotNull(responses.acknowledgedAt), filter.acknowledged),
    filter.themes && speaksOf(workspaceId, filter.themes),
    filter.search === undefined ? undefined : speaksIn(workspaceId, filter.search),
    holds(IS_UNATTENDED, filter.unattended),
    holds(isNotNull(responses.exclusionReason), filter.excluded),
  );
}

/** Through the view, because under row-level security full text uses no index; nor would it in a join with the answers. */
function speaksIn(workspaceId: string, search: string): SQL {
  return sql`${responses.id} = any (array(select id from commented_responses where workspace_id = ${workspaceId}
    and to_tsvector('simple', fold_text(comment)) @@ websearch_to_tsquery('simple', fold_text(${search}))))`;
}

/** Themes are a later slice's; its table is named here, so that a filter stays one statement. */
function speaksOf(workspaceId: string, keys: readonly string[]): SQL {
  return sql`exists (select 1 from response_themes where response_themes.workspace_id = ${workspaceId}
    and response_themes.response_id = ${responses.id} and theme_key = ${anyOf("text", keys)})`;
}

const IS_UNATTENDED = sql`((${responses.comment} is not null or ${responses.followUpRequested})
  and ${responses.acknowledgedAt} is null and ${responses.reachedAt} is null)`;

/** Beyond what a double has; written out, one of more digits would be as long as it says. */
const EXPONENT_MAX = 400;

/** The texts of a property's value. JSON writes large and small numbers with an exponent, PostgreSQL writes them out. */
export function textsOf(value: string): string[] {
  const [, sign = "", whole = "", fraction = "", exponent = ""] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value) ?? [];
  if (exponent === "" || Math.abs(Number(exponent)) > EXPONENT_MAX) return [value];
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  const written =
    point <= 0
      ? `0.${"0".repeat(-point)}${digits}`
      : `${digits.slice(0, point).padEnd(point, "0")}${digits.length > point ? `.${digits.slice(point)}` : ""}`;
  return [value, sign + written];
}

function scoresOf(category: Category): number[] {
  const { min, max } = CATEGORY_SCORES[category];
  return Array.from({ length: max - min + 1 }, (_, offset) => min + offset);
}

import { type SQL, sql } from "drizzle-orm";
import { invalidRequest } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, whereResponses } from "../responses/index.ts";
import { CATEGORY_SCORES, emptyDistribution, type Moments } from "../scoring/index.ts";
import type { RollupDimension } from "./rollups.ts";
import type { CountingRules } from "./rules.ts";

/** What was counted of one group of answers. */
export interface Tally {
  /** Of the answers that were counted: 11 counts, scores 0 to 10. */
  distribution: number[];
  /** Over which the mean is, where it is not over answers that all count the same. */
  moments: Moments | null;
  /** Counted answers of weight 0. */
  unweighted: number;
  /** The accounts of the answers, whether they weigh anything or not. */
  accounts: number;
}

/** What puts answers into groups: an expression over `responses`, and what is joined for it. */
export interface Grouping {
  key: SQL;
  from?: SQL;
  /** The same over `days (value, survey_key, day)`, where the counts by day can be grouped so. */
  daily?: { key: SQL; from?: SQL; dimension?: RollupDimension };
}

/** Counts the answers that a filter names from the rows, group by group. A group without any is not there. */
export async function countRows(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  rules: CountingRules,
  grouping: Grouping,
): Promise<Map<string, Tally>> {
  const counted = countedAnswers(tx, filter, rules, grouping);
  const rows = await tx.run<{ key: string; score: number; n: number }>(sql`/* aggregates.countScores */
    select key, score, count(*) as n from (${counted}) as counted group by key, score`);
  const tallies = new Map<string, Tally>();
  for (const { key, score, n } of rows) {
    const tally = tallies.get(key) ?? { distribution: emptyDistribution(), moments: null, unweighted: 0, accounts: 0 };
    tally.distribution[score] = n;
    tallies.set(key, tally);
  }
  if (rules.unit === "ACCOUNT" || rules.weighting === "ACCOUNT_VALUE") {
    for (const { key, ...sums } of await sumAccounts(tx, counted, rules)) {
      const tally = tallies.get(key);
      if (tally !== undefined) tallies.set(key, { ...tally, ...sums });
    }
  }
  return tallies;
}

/**
 * The answers that count, one row each: every one that the filter names, or of each person the latest of
 * them in the group; an answer without a person stands for itself. For ACCOUNT those without an account do
 * not count.
 */
function countedAnswers(
  tx: WorkspaceTx,
  filter: ResponseFilter,
  { unit }: CountingRules,
  { key, from = sql`` }: Grouping,
): SQL {
  const where = whereResponses(tx.workspaceId, filter);
  const columns = sql`${key} as key, responses.score, responses.account_id`;
  if (unit !== "RESPONDENT") {
    const having = unit === "ACCOUNT" ? sql`and responses.account_id is not null` : sql``;
    return sql`select ${columns} from responses ${from} where ${where} ${having}`;
  }
  return sql`select distinct on (key, person) key, score, account_id from (
      select ${columns}, coalesce(responses.person_id, responses.id) as person, responses.responded_at, responses.id
      from responses ${from} where ${where}
    ) as each_one order by key, person, responded_at desc, id desc`;
}

interface Sums extends Pick<Tally, "unweighted" | "accounts"> {
  key: string;
  moments: Moments;
}

/** Squares of weights must be numbers too: what is worth nothing to speak of weighs nothing. */
const WEIGHT = sql`case when annual_value >= 1e-9 then least(annual_value, 1e100) else 0 end`;

/**
 * The sums over accounts: for ACCOUNT each counts once with its own score, weighted or not; otherwise each
 * shares its value among its counted answers. An account without a value, or in another currency than the
 * one asked for, weighs nothing, and so does an answer without an account.
 */
async function sumAccounts(tx: WorkspaceTx, counted: SQL, rules: CountingRules): Promise<Sums[]> {
  const { DETRACTOR, PROMOTER } = CATEGORY_SCORES;
  const isWeighted = rules.weighting === "ACCOUNT_VALUE";
  const { currency } = rules;
  const value = isWeighted
    ? sql`case when ${currency}::text is null or currency = ${currency} then ${WEIGHT} else 0 end`
    : sql`1`;
  // Of answers, each of n has the weight value / n and its own score; of accounts, there is one score.
  const terms =
    rules.unit === "ACCOUNT"
      ? { w2: sql`v * v`, w2s: sql`v * v * s`, w2s2: sql`v * v * s * s` }
      : { w2: sql`v * v / n`, w2s: sql`v * v / n * s`, w2s2: sql`v * v / n * (p + d) / n` };
  const rows = await tx.run<Moments & Omit<Sums, "moments"> & { currencies: string[] | null }>(
    sql`/* aggregates.sumAccounts */
    with of_accounts as (
      select key, account_id, count(*)::float8 as n, count(*) filter (where score >= ${PROMOTER.min})::float8 as p,
        count(*) filter (where score <= ${DETRACTOR.max})::float8 as d
      from (${counted}) as counted group by key, account_id
    ), weighed as (
      select key, account_id, n, p, d, (p - d) / n as s, (case when account_id is null then 0 else ${value} end)::float8 as v,
        case when annual_value >= 1e-9 then coalesce(currency, '') end as currency
      from of_accounts left join accounts on accounts.workspace_id = ${tx.workspaceId} and accounts.id = account_id
    )
    select key, count(*) filter (where v > 0)::int as units, sum(v) as w, sum(v * s) as ws, sum(${terms.w2}) as w2,
      sum(${terms.w2s}) as w2s, sum(${terms.w2s2}) as w2s2, coalesce(sum(n) filter (where v = 0), 0) as unweighted,
      count(account_id)::int as accounts,
      array_agg(distinct currency) filter (where currency is not null) as currencies
    from weighed group by key`,
  );
  if (isWeighted && currency === null) requireOneCurrency(rows.flatMap(({ currencies }) => currencies ?? []));
  return rows.map(({ key, unweighted, accounts, currencies: _currencies, ...moments }) => {
    return { key, unweighted, accounts, moments };
  });
}

function requireOneCurrency(found: readonly string[]): void {
  const currencies = [...new Set(found)].toSorted();
  if (currencies.length < 2) return;
  const names = currencies.map((currency) => (currency === "" ? "none" : currency)).join(", ");
  throw invalidRequest([{ name: "currency", reason: `must be given: the weights are in ${names}` }]);
}

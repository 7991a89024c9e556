import { sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { type Change, changeOf, pairedChangeOf } from "../scoring/index.ts";
import { getWorkspace } from "../workspaces/index.ts";
import { countRows } from "./counting.ts";
import { requireDisjoint } from "./disjoint.ts";
import { countAnswers } from "./rollupCounting.ts";
import { type CountingRules, defineNps } from "./rules.ts";
import { estimate, type NpsSummary, summarise } from "./summary.ts";
import { countPairs } from "./transitions.ts";

/** The score of the answers that a filter names. */
export async function scoreOf(tx: WorkspaceTx, filter: ResponseFilter, rules: CountingRules): Promise<NpsSummary> {
  return (await measure(tx, filter, rules)).summary;
}

async function measure(tx: WorkspaceTx, filter: ResponseFilter, rules: CountingRules) {
  const { timeZone } = await getWorkspace(tx);
  const tally = (await countAnswers(tx, filter, rules)).get("");
  return { tally, summary: summarise(tally, rules, defineNps(filter, rules, timeZone)) };
}

/** The scores of these accounts, each of its own answers; every account has one. */
export async function scoresOfAccounts(
  tx: WorkspaceTx,
  accountIds: readonly string[],
  filter: ResponseFilter,
  rules: CountingRules,
): Promise<Map<string, NpsSummary>> {
  const { timeZone } = await getWorkspace(tx);
  const asked = new Set(filter.accountIds ?? accountIds);
  const own = { ...filter, accountIds: accountIds.filter((id) => asked.has(id)) };
  const tallies = await countRows(tx, own, rules, { key: sql`responses.account_id::text` });
  return new Map(
    accountIds.map((id) => {
      const definition = defineNps({ ...filter, accountIds: asked.has(id) ? [id] : [] }, rules, timeZone);
      return [id, summarise(tallies.get(id), rules, definition)];
    }),
  );
}

export interface NpsChange extends Change {
  baseline: NpsSummary;
  current: NpsSummary;
}

/**
 * Whether the score moved: of two heaps of answers that have none in common, or of the people who are in
 * both, by the latest answer of each.
 * @throws {AppError} `invalid_request` when an answer can be on both sides
 */
export async function changeBetween(
  tx: WorkspaceTx,
  sides: { baseline: ResponseFilter; current: ResponseFilter },
  rules: CountingRules,
): Promise<NpsChange> {
  requireDisjoint(sides.baseline, sides.current);
  const baseline = await measure(tx, sides.baseline, rules);
  const current = await measure(tx, sides.current, rules);
  const [before, after] = [baseline, current].map(({ summary, tally }) => estimate(summary, tally, rules));
  if (before === undefined || after === undefined) throw new Error("a change has two sides");
  const change = changeOf(before, after);
  const interval =
    change.interval && rules.unit === "ACCOUNT"
      ? { ...change.interval, method: "ACCOUNT_MEANS" as const }
      : change.interval;
  return { baseline: baseline.summary, current: current.summary, ...change, interval };
}

/** The same for the people who are on both sides. */
export async function pairedChangeBetween(
  tx: WorkspaceTx,
  { baseline, current }: { baseline: ResponseFilter; current: ResponseFilter },
): Promise<NpsChange> {
  requireDisjoint(baseline, current);
  const rules: CountingRules = { unit: "RESPONDENT", weighting: "NONE", currency: null, confidence: 0.95 };
  const { timeZone } = await getWorkspace(tx);
  const { transitions, before, after } = await countPairs(tx, baseline, current);
  // Who counts on one side is decided by the other as well.
  const summaryOf = (distribution: number[], filter: ResponseFilter, other: ResponseFilter) =>
    summarise(
      { distribution, moments: null, unweighted: 0, accounts: 0 },
      rules,
      defineNps(filter, rules, timeZone, { pairedWith: defineNps(other, rules, timeZone).hash }),
    );
  return {
    baseline: summaryOf(before, baseline, current),
    current: summaryOf(after, current, baseline),
    ...pairedChangeOf(transitions),
  };
}

import { sql } from "drizzle-orm";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { type ResponseFilter, whereResponses } from "../responses/index.ts";
import { changeOf, emptyDistribution, type Interval, type Rate, rateOf } from "../scoring/index.ts";
import { getWorkspace } from "../workspaces/index.ts";
import type { Tally } from "./counting.ts";
import { defineNps, toRules } from "./rules.ts";
import { estimate, type NpsSummary, summarise } from "./summary.ts";

/** Why the difference is not all the doing of those who called. */
export const CAVEATS = ["SELF_SELECTION", "REGRESSION_TO_MEAN", "ATTRITION", "SMALL_SAMPLE"] as const;

/** The next score of customers who were contacted against that of those who were not. */
export interface ClosedLoopEffect {
  contacted: NpsSummary;
  notContacted: NpsSummary;
  difference: number | null;
  interval: Interval | null;
  contactedAnsweredAgain: Rate;
  notContactedAnsweredAgain: Rate;
  caveats: (typeof CAVEATS)[number][];
}

/**
 * Of the people whose first answer in the filter had a case: contacted are those who were reached before
 * they answered again. Both summaries are over the next answers. Who is called is not drawn by lot, the
 * unhappiest would come up a little by themselves, and who left does not answer: the caveats say so.
 */
export async function measureEffect(tx: WorkspaceTx, filter: ResponseFilter): Promise<ClosedLoopEffect> {
  const rows = await tx.run<{ contacted: boolean; next: number | null; n: number }>(sql`/* aggregates.measureEffect */
    with answers as (
      select person_id, id, reached_at, row_number() over of_person as place,
        lead(score) over of_person as next, lead(responded_at) over of_person as next_at
      from responses where ${whereResponses(tx.workspaceId, filter)} and person_id is not null
      window of_person as (partition by person_id order by responded_at, id)
    )
    select (reached_at is not null and (next_at is null or reached_at < next_at)) as contacted, next, count(*) as n
    from answers
    join case_responses on case_responses.workspace_id = ${tx.workspaceId} and case_responses.response_id = answers.id
    where place = 1 group by 1, 2`);
  const rules = toRules({});
  const { timeZone } = await getWorkspace(tx);
  const sideOf = (contacted: boolean) => {
    const distribution = emptyDistribution();
    let [again, all] = [0, 0];
    for (const { next, n } of rows.filter((row) => row.contacted === contacted)) {
      all += n;
      if (next === null) continue;
      again += n;
      distribution[next] = (distribution[next] ?? 0) + n;
    }
    const tally: Tally = { distribution, moments: null, unweighted: 0, accounts: 0 };
    const definition = defineNps(filter, rules, timeZone, { nextAnswerOf: contacted ? "contacted" : "notContacted" });
    const summary = summarise(tally, rules, definition);
    return { summary, estimate: estimate(summary, tally, rules), answeredAgain: rateOf(again, all) };
  };
  const [contacted, notContacted] = [sideOf(true), sideOf(false)];
  const { difference, interval } = changeOf(notContacted.estimate, contacted.estimate);
  const isSmall = contacted.summary.lowConfidence || notContacted.summary.lowConfidence;
  return {
    contacted: contacted.summary,
    notContacted: notContacted.summary,
    difference,
    interval,
    contactedAnsweredAgain: contacted.answeredAgain,
    notContactedAnsweredAgain: notContacted.answeredAgain,
    caveats: CAVEATS.filter((caveat) => caveat !== "SMALL_SAMPLE" || isSmall),
  };
}

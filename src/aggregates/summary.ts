import { hashJson } from "../platform/json.ts";
import type { ResponseFilter } from "../responses/index.ts";
import {
  adjustedWaldInterval,
  type Counts,
  countsOf,
  type Distribution,
  type Interval,
  npsOf,
  roundedNpsOf,
} from "../scoring/index.ts";

/** RESPONSE: every answer counts. RESPONDENT: the latest of each person. ACCOUNT: the mean over accounts. */
export const COUNTING_UNITS = ["RESPONSE", "RESPONDENT", "ACCOUNT"] as const;
export const WEIGHTINGS = ["NONE", "ACCOUNT_VALUE"] as const;
/** Whether responses taken out of the aggregates were counted all the same. */
export const EXCLUSION_RULES = ["LEFT_OUT", "COUNTED"] as const;
export const ROUNDINGS = ["HALF_AWAY_FROM_ZERO"] as const;
export const INTERVAL_METHODS = ["ADJUSTED_WALD"] as const satisfies readonly Interval["method"][];

/** Below this many counted, a score says little: shown, and marked. */
const LOW_CONFIDENCE_BELOW = 30;

/** The rules by which a score was counted. The same hash on the same data is the same number. */
export interface NpsDefinition {
  unit: (typeof COUNTING_UNITS)[number];
  weighting: (typeof WEIGHTINGS)[number];
  currency: string | null;
  from: string | null;
  to: string | null;
  timeZone: string;
  exclusions: (typeof EXCLUSION_RULES)[number];
  rounding: (typeof ROUNDINGS)[number];
  /** SHA-256 in hex over all of the above, the filter and the confidence. */
  hash: string;
}

/** A Net Promoter Score with everything that is needed to judge it. */
export interface NpsSummary extends Counts {
  nps: number | null;
  npsRounded: number | null;
  answered: number;
  dangerZone: number;
  counted: number;
  distribution: Distribution;
  interval: Interval | null;
  unweighted: number;
  effectiveSampleSize: number | null;
  lowConfidence: boolean;
  definition: NpsDefinition;
}

/** The summary of answers counted one by one, unweighted. */
export function summarise(distribution: Distribution, confidence: number, definition: NpsDefinition): NpsSummary {
  const counts = countsOf(distribution);
  return {
    ...counts,
    nps: npsOf(counts),
    npsRounded: roundedNpsOf(counts),
    counted: counts.answered,
    distribution,
    interval: adjustedWaldInterval(counts, confidence),
    unweighted: 0,
    effectiveSampleSize: counts.answered,
    lowConfidence: counts.answered < LOW_CONFIDENCE_BELOW,
    definition,
  };
}

/** @param filter as it was given: its terms are part of the hash */
export function defineNps(filter: ResponseFilter, confidence: number, timeZone: string): NpsDefinition {
  const rules = {
    unit: "RESPONSE",
    weighting: "NONE",
    currency: null,
    from: filter.from?.toISOString() ?? null,
    to: filter.to?.toISOString() ?? null,
    timeZone,
    exclusions: filter.excluded === false ? "LEFT_OUT" : "COUNTED",
    rounding: "HALF_AWAY_FROM_ZERO",
  } as const;
  return { ...rules, hash: hashJson({ ...rules, filter: normalised(filter), confidence }).toString("hex") };
}

/** A list means any of its values, so neither their order nor a repetition makes another rule. */
function normalised(filter: ResponseFilter): Record<string, unknown> {
  const terms = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    terms.map(([name, value]) => {
      if (value instanceof Date) return [name, value.toISOString()];
      return [name, Array.isArray(value) ? [...new Set(value.map((item) => JSON.stringify(item)))].toSorted() : value];
    }),
  );
}

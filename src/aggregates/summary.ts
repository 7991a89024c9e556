import {
  accountMeansInterval,
  accountStandardError,
  adjustedMoments,
  adjustedWaldInterval,
  type Counts,
  countsOf,
  type Distribution,
  type Estimate,
  effectiveSampleSize,
  emptyDistribution,
  type Interval,
  meanScore,
  npsOf,
  roundedMean,
  roundedNpsOf,
  weightedInterval,
  weightedStandardError,
} from "../scoring/index.ts";
import type { Tally } from "./counting.ts";
import type { CountingRules, NpsDefinition } from "./rules.ts";

/** Below this many counted, a score says little: shown, and marked. */
const LOW_CONFIDENCE_BELOW = 30;

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

const NOTHING: Tally = { distribution: emptyDistribution(), moments: null, unweighted: 0, accounts: 0 };

/** What a tally says, by the rules it was counted by. */
export function summarise(tally: Tally | undefined, rules: CountingRules, definition: NpsDefinition): NpsSummary {
  const { distribution, moments, unweighted, accounts } = tally ?? NOTHING;
  const counts = countsOf(distribution);
  const isMean = moments !== null;
  const counted = rules.unit === "ACCOUNT" ? accounts : counts.answered;
  const mean = isMean ? meanScore(moments) : null;
  return {
    ...counts,
    nps: isMean ? mean : npsOf(counts),
    npsRounded: isMean ? roundedMean(mean) : roundedNpsOf(counts),
    counted,
    distribution,
    interval: isMean ? meanInterval(tally, rules) : adjustedWaldInterval(counts, rules.confidence),
    unweighted: rules.weighting === "NONE" ? 0 : unweighted,
    effectiveSampleSize: rules.weighting === "NONE" ? counts.answered : isMean ? effectiveSampleSize(moments) : null,
    lowConfidence: counted < LOW_CONFIDENCE_BELOW,
    definition,
  };
}

function meanInterval(tally: Tally | undefined, { weighting, confidence }: CountingRules): Interval | null {
  if (!tally?.moments) return null;
  const interval = weighting === "NONE" ? accountMeansInterval : weightedInterval;
  return interval(tally.moments, confidence);
}

/** What a test of change must know of a tally. */
export function estimate(summary: NpsSummary, tally: Tally | undefined, rules: CountingRules): Estimate {
  const { nps: score, counted } = summary;
  const moments = tally?.moments ?? null;
  if (moments === null) {
    const { mean, standardError } = adjustedMoments(summary);
    return { score, centre: mean, standardError, counted };
  }
  const known = rules.weighting === "NONE" ? accountStandardError(moments) : weightedStandardError(moments);
  // Where so many say the same the error is nothing to speak of, though no interval can be made of it; of few it is unknown.
  const standardError = known ?? (moments.units < LOW_CONFIDENCE_BELOW ? null : 0);
  return { score, centre: moments.w > 0 ? moments.ws / moments.w : 0, standardError, counted };
}

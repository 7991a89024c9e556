import type { CasePriority } from "../responses/index.ts";

/** What the order of the queue is made of. */
export const PRIORITY_TERMS = [
  "DANGER_ZONE",
  "HEAVY_HITTER",
  "DETRACTOR",
  "ACCOUNT_VALUE",
  "SEGMENT",
  "FOLLOW_UP_REQUESTED",
  "FRESHLY_TIPPED",
  "LONG_STANDING",
  "NO_COMMENT",
  "PUBLIC_RISK",
  "FEASIBILITY",
  "ALIGNMENT",
  "WAITING",
] as const;
export type PriorityTermName = (typeof PRIORITY_TERMS)[number];

export interface PriorityTerm {
  term: PriorityTermName;
  /** How far the term applies: 0 to 1, −1 to 1 for what was assessed, hours for WAITING. */
  value: number;
  /** Points per unit of `value`. */
  weight: number;
  points: number;
}

/**
 * Every weight and threshold of the queue, and no other place has one.
 *
 * A heavy hitter in the danger zone comes first: what all other terms of anybody else can add up to is
 * less, and a test holds that. Waiting has no cap, so that nobody waits for ever.
 */
export const PRIORITY = {
  /** In points; of WAITING, per hour since the clock started. */
  weights: {
    DANGER_ZONE: 30,
    /** In the danger zone, from an account that counts: see `heavyHitter`. */
    HEAVY_HITTER: 110,
    DETRACTOR: 20,
    ACCOUNT_VALUE: 30,
    SEGMENT: 10,
    FOLLOW_UP_REQUESTED: 15,
    /** The answer before was better: they have only just tipped, and are the easiest to win back. */
    FRESHLY_TIPPED: 10,
    /** The answer before was a detractor's too. */
    LONG_STANDING: 4,
    /** A detractor who did not say why: the call is the only way to learn it. */
    NO_COMMENT: 5,
    PUBLIC_RISK: 20,
    FEASIBILITY: 10,
    ALIGNMENT: 10,
    WAITING: 0.5,
  } satisfies Record<PriorityTermName, number>,
  /** The least points of each priority, without what waiting adds. */
  least: { URGENT: 70, HIGH: 45, NORMAL: 20 } satisfies Partial<Record<CasePriority, number>>,
  /** The annual value, in the account's own currency, that counts in full; a tenfold smaller one a quarter less. */
  valueFull: 1_000_000,
  valueDecades: 4,
  /** How much a segment counts, by its name in capitals; others do not. */
  segments: { ENTERPRISE: 1, MID_MARKET: 0.5 } as Record<string, number>,
  /** An account counts as a heavy hitter from this annual value on, or in these segments. */
  heavyHitter: { annualValue: 100_000, segments: ["ENTERPRISE"] },
  /** What people assess counts from 1 to 5; the middle is as good as not assessed. */
  assessment: { middle: 3, span: 2 },
} as const;

/** What is known of the case and whom it is about. */
export interface PriorityFacts {
  dangerZone: boolean;
  detractor: boolean;
  followUpRequested: boolean;
  freshlyTipped: boolean;
  longStanding: boolean;
  withoutComment: boolean;
  annualValue: number | null;
  segment: string | null;
}

/** What people say of the case. */
export interface Assessment {
  feasibility: number | null;
  alignment: number | null;
  publicRisk: boolean;
}

const HOUR_MS = 3_600_000;

/** The terms that follow from what is known: they do not change by time alone. Those that apply only. */
export function factTerms(facts: PriorityFacts): PriorityTerm[] {
  return termsOf({
    DANGER_ZONE: Number(facts.dangerZone),
    HEAVY_HITTER: Number(facts.dangerZone && isHeavyHitter(facts)),
    DETRACTOR: Number(facts.detractor),
    ACCOUNT_VALUE: shareOfValue(facts.annualValue),
    SEGMENT: PRIORITY.segments[segmentOf(facts)] ?? 0,
    FOLLOW_UP_REQUESTED: Number(facts.followUpRequested),
    FRESHLY_TIPPED: Number(facts.freshlyTipped),
    LONG_STANDING: Number(facts.longStanding),
    NO_COMMENT: Number(facts.withoutComment),
  });
}

/** The terms with those that follow from what people said of the case, in place of what they said before. */
export function assess(
  terms: readonly PriorityTerm[],
  { feasibility, alignment, publicRisk }: Assessment,
): PriorityTerm[] {
  const { middle, span } = PRIORITY.assessment;
  const centred = (mark: number | null) => (mark === null ? 0 : (mark - middle) / span);
  const values = { PUBLIC_RISK: Number(publicRisk), FEASIBILITY: centred(feasibility), ALIGNMENT: centred(alignment) };
  return [...terms.filter(({ term }) => !(term in values)), ...termsOf(values)];
}

export function priorityOf(terms: readonly PriorityTerm[]): CasePriority {
  const points = sumOf(terms);
  const { URGENT, HIGH, NORMAL } = PRIORITY.least;
  if (points >= URGENT) return "URGENT";
  if (points >= HIGH) return "HIGH";
  return points >= NORMAL ? "NORMAL" : "LOW";
}

/**
 * Where a case stands in the queue, the highest first. Every hour adds the same to every case, so the
 * order by this figure is the order by score at any moment, and it can be stored.
 */
export function queueRankOf(terms: readonly PriorityTerm[], startedAt: Date): number {
  return sumOf(terms) - (PRIORITY.weights.WAITING * startedAt.getTime()) / HOUR_MS;
}

/** The terms as they are now, with what waiting has added since the clock started; they sum to the score. */
export function termsAt(terms: readonly PriorityTerm[], startedAt: Date, now: Date): PriorityTerm[] {
  return [...terms, toTerm("WAITING", Math.max(0, (now.getTime() - startedAt.getTime()) / HOUR_MS))];
}

export function sumOf(terms: readonly PriorityTerm[]): number {
  return terms.reduce((sum, { points }) => sum + points, 0);
}

function termsOf(values: Partial<Record<PriorityTermName, number>>): PriorityTerm[] {
  return PRIORITY_TERMS.filter((term) => (values[term] ?? 0) !== 0).map((term) => toTerm(term, values[term] ?? 0));
}

function toTerm(term: PriorityTermName, value: number): PriorityTerm {
  const weight = PRIORITY.weights[term];
  return { term, value, weight, points: value * weight };
}

function isHeavyHitter(facts: PriorityFacts): boolean {
  const { annualValue, segments } = PRIORITY.heavyHitter;
  return (facts.annualValue ?? 0) >= annualValue || segments.some((segment) => segment === segmentOf(facts));
}

/** Segments are named by the customer: `Mid-market`, `mid market` and `MID_MARKET` are one. */
function segmentOf({ segment }: PriorityFacts): string {
  return (segment ?? "").toUpperCase().replaceAll(/[\s-]+/g, "_");
}

/** Logarithmic: from 100 to a million counts up from 0 to 1, as the difference between customers is one of magnitude. */
function shareOfValue(annualValue: number | null): number {
  if (annualValue === null || annualValue <= 0) return 0;
  const share = 1 + Math.log10(annualValue / PRIORITY.valueFull) / PRIORITY.valueDecades;
  return Math.min(1, Math.max(0, share));
}

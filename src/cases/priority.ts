import type { CasePriority } from "../responses/index.ts";

/** What the order of the queue is made of. */
export const PRIORITY_TERMS = [
  "DANGER_ZONE",
  "DETRACTOR",
  "FOLLOW_UP_REQUESTED",
  "FRESHLY_TIPPED",
  "NO_COMMENT",
  "ACCOUNT_VALUE",
  "WAITING",
] as const;
export type PriorityTermName = (typeof PRIORITY_TERMS)[number];

export interface PriorityTerm {
  term: PriorityTermName;
  /** How far the term applies: 0 to 1, hours for WAITING. */
  value: number;
  /** Points per unit of `value`. */
  weight: number;
  points: number;
}

/** What is known of the case and whom it is about. */
export interface PriorityFacts {
  dangerZone: boolean;
  detractor: boolean;
  followUpRequested: boolean;
  /** The answer before was better: they have only just tipped. */
  freshlyTipped: boolean;
  /** A detractor who did not say why: the call is the only way to learn it. */
  withoutComment: boolean;
  annualValue: number | null;
}

/** Every weight of the queue, in points. WAITING is per hour and has no cap, so nobody waits for ever. */
const PRIORITY_WEIGHTS: Record<PriorityTermName, number> = {
  DANGER_ZONE: 30,
  DETRACTOR: 20,
  FOLLOW_UP_REQUESTED: 15,
  FRESHLY_TIPPED: 10,
  NO_COMMENT: 5,
  ACCOUNT_VALUE: 40,
  WAITING: 0.5,
};

/** The least points of each priority, without what waiting adds. */
const THRESHOLDS: [CasePriority, number][] = [
  ["URGENT", 70],
  ["HIGH", 45],
  ["NORMAL", 20],
];

/** The annual value that counts in full: a tenfold smaller one counts for a quarter less. */
const VALUE_FULL = 1_000_000;
const VALUE_DECADES = 4;

const HOUR_MS = 3_600_000;

/** The terms that do not change by time alone, those that apply only. */
export function baseTermsOf(facts: PriorityFacts): PriorityTerm[] {
  const values: [PriorityTermName, number][] = [
    ["DANGER_ZONE", Number(facts.dangerZone)],
    ["DETRACTOR", Number(facts.detractor)],
    ["FOLLOW_UP_REQUESTED", Number(facts.followUpRequested)],
    ["FRESHLY_TIPPED", Number(facts.freshlyTipped)],
    ["NO_COMMENT", Number(facts.withoutComment)],
    ["ACCOUNT_VALUE", shareOfValue(facts.annualValue)],
  ];
  return values.filter(([, value]) => value > 0).map(([term, value]) => toTerm(term, value));
}

export function priorityOf(terms: readonly PriorityTerm[]): CasePriority {
  const points = sumOf(terms);
  return THRESHOLDS.find(([, least]) => points >= least)?.[0] ?? "LOW";
}

/**
 * Where a case stands in the queue, the highest first. Every hour adds the same to every case, so the
 * order by this figure is the order by score at any moment, and it can be stored.
 */
export function queueRankOf(terms: readonly PriorityTerm[], startedAt: Date): number {
  return sumOf(terms) - (PRIORITY_WEIGHTS.WAITING * startedAt.getTime()) / HOUR_MS;
}

/** The terms as they are now, with what waiting has added since the clock started; they sum to the score. */
export function termsAt(terms: readonly PriorityTerm[], startedAt: Date, now: Date): PriorityTerm[] {
  return [...terms, toTerm("WAITING", Math.max(0, (now.getTime() - startedAt.getTime()) / HOUR_MS))];
}

export function sumOf(terms: readonly PriorityTerm[]): number {
  return terms.reduce((sum, { points }) => sum + points, 0);
}

function toTerm(term: PriorityTermName, value: number): PriorityTerm {
  const weight = PRIORITY_WEIGHTS[term];
  return { term, value, weight, points: value * weight };
}

/** Logarithmic: from 100 to a million counts up from 0 to 1, as the difference between customers is one of magnitude. */
function shareOfValue(annualValue: number | null): number {
  if (annualValue === null || annualValue <= 0) return 0;
  return Math.min(1, Math.max(0, 1 + Math.log10(annualValue / VALUE_FULL) / VALUE_DECADES));
}

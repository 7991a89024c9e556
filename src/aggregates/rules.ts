import { invalidRequest } from "../platform/errors.ts";
import { canonicalJson, hashJson } from "../platform/json.ts";
import { FORMAT_TESTS } from "../platform/schema.ts";
import type { ResponseFilter } from "../responses/index.ts";

/** RESPONSE: every answer counts. RESPONDENT: the latest of each person. ACCOUNT: the mean over accounts. */
export const COUNTING_UNITS = ["RESPONSE", "RESPONDENT", "ACCOUNT"] as const;
export type CountingUnit = (typeof COUNTING_UNITS)[number];
export const WEIGHTINGS = ["NONE", "ACCOUNT_VALUE"] as const;
/** Whether responses taken out of the aggregates were counted all the same. */
export const EXCLUSION_RULES = ["LEFT_OUT", "COUNTED"] as const;
export const ROUNDINGS = ["HALF_AWAY_FROM_ZERO"] as const;

/** How a score is counted. */
export interface CountingRules {
  unit: CountingUnit;
  weighting: (typeof WEIGHTINGS)[number];
  /** Of the weights; accounts in another weigh nothing. */
  currency: string | null;
  confidence: number;
}

const CONFIDENCE_DEFAULT = 0.95;
/** Nearer to 1 the interval is everything, and the figures are noise. */
const CONFIDENCE_MAX = 0.999999;

/** @throws {AppError} `invalid_request` for rules that do not go together */
export function toRules(given: {
  unit?: CountingRules["unit"] | null | undefined;
  weighting?: CountingRules["weighting"] | null | undefined;
  currency?: string | null | undefined;
  confidence?: number | null | undefined;
}): CountingRules {
  const { unit, weighting, currency, confidence } = given;
  const rules = {
    unit: unit ?? "RESPONSE",
    weighting: weighting ?? "NONE",
    currency: currency ?? null,
    confidence: confidence ?? CONFIDENCE_DEFAULT,
  };
  if (!(rules.confidence > 0 && rules.confidence <= CONFIDENCE_MAX)) {
    throw invalidRequest([{ name: "confidence", reason: `must be more than 0 and at most ${CONFIDENCE_MAX}` }]);
  }
  if (rules.currency !== null && !FORMAT_TESTS["currency"]?.(rules.currency)) {
    throw invalidRequest([{ name: "currency", reason: "must be an ISO 4217 code, like EUR" }]);
  }
  if (rules.currency !== null && rules.weighting === "NONE") {
    throw invalidRequest([
      { name: "currency", reason: "is of the weights, and there are none: set weighting as well" },
    ]);
  }
  return rules;
}

/** The rules by which a score was counted. The same hash on the same data is the same number. */
export interface NpsDefinition {
  unit: CountingRules["unit"];
  weighting: CountingRules["weighting"];
  currency: string | null;
  from: string | null;
  to: string | null;
  timeZone: string;
  exclusions: (typeof EXCLUSION_RULES)[number];
  rounding: (typeof ROUNDINGS)[number];
  /** SHA-256 in hex over all of the above, the filter and the confidence. */
  hash: string;
}

/**
 * @param filter as it was given: its terms are part of the hash
 * @param group what else the answers share, where they are one group of several
 */
export function defineNps(
  filter: ResponseFilter,
  { unit, weighting, currency, confidence }: CountingRules,
  timeZone: string,
  group: Record<string, string> = {},
): NpsDefinition {
  const rules = {
    unit,
    weighting,
    currency,
    from: filter.from?.toISOString() ?? null,
    to: filter.to?.toISOString() ?? null,
    timeZone,
    exclusions: filter.excluded === false ? "LEFT_OUT" : "COUNTED",
    rounding: "HALF_AWAY_FROM_ZERO",
  } as const;
  const terms = filter.properties?.length === 0 ? { ...filter, properties: undefined } : filter;
  return {
    ...rules,
    // Of many points or groups few are asked for it.
    get hash() {
      return hashJson({ ...rules, filter: normalised(terms), confidence, group }).toString("hex");
    },
  };
}

/** Of lists that are the same for every point of a trend. */
const normalisedLists = new WeakMap<object, string[]>();

/** Every list of a filter is a set: neither the order of its values nor a repetition asks for something else. */
function normalised(term: unknown): unknown {
  if (term instanceof Date) return term.toISOString();
  if (Array.isArray(term)) {
    const known =
      normalisedLists.get(term) ?? [...new Set(term.map((item) => canonicalJson(normalised(item))))].toSorted();
    normalisedLists.set(term, known);
    return known;
  }
  if (typeof term !== "object" || term === null) return term;
  return Object.fromEntries(Object.entries(term).map(([name, value]) => [name, normalised(value)]));
}

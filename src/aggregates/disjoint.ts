import { invalidRequest } from "../platform/errors.ts";
import { type ResponseFilter, textsOf } from "../responses/index.ts";
import { CATEGORY_SCORES, DANGER_ZONE_MAX, SCORE_MAX } from "../scoring/index.ts";

/** An answer has one value of each of these. */
const SINGLE = [
  "surveyKeys",
  "channels",
  "touchpoints",
  "segments",
  "languages",
  "accountIds",
  "personIds",
] as const satisfies readonly (keyof ResponseFilter)[];
const EITHER = [
  "followUpRequested",
  "hasComment",
  "incentivised",
  "acknowledged",
  "unattended",
] as const satisfies readonly (keyof ResponseFilter)[];

/**
 * Holds that no answer can be on both sides: by their times, or because they ask for different values of
 * something of which an answer has one.
 * @throws {AppError} `invalid_request`
 */
export function requireDisjoint(baseline: ResponseFilter, current: ResponseFilter): void {
  if (areDisjoint(baseline, current)) return;
  const reason = "must not name answers that baseline names too: give both windows of time that do not overlap";
  throw invalidRequest([{ name: "current", reason }]);
}

function areDisjoint(a: ResponseFilter, b: ResponseFilter): boolean {
  if ((a.to && b.from && a.to <= b.from) || (b.to && a.from && b.to <= a.from)) return true;
  if (EITHER.some((name) => a[name] !== undefined && b[name] !== undefined && a[name] !== b[name])) return true;
  if (SINGLE.some((name) => haveNothingInCommon(a[name], b[name]))) return true;
  if (haveNothingInCommon(scoresOf(a), scoresOf(b))) return true;
  return (a.properties ?? []).some(({ key, in: values }) =>
    (b.properties ?? []).some(
      (other) => other.key === key && haveNothingInCommon(values.flatMap(textsOf), other.in.flatMap(textsOf)),
    ),
  );
}

function haveNothingInCommon<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): boolean {
  return a !== undefined && b !== undefined && !a.some((value) => b.includes(value));
}

/** The scores that the terms about scores leave. */
export function scoresOf({ scores, categories, dangerZone }: ResponseFilter): number[] {
  return Array.from({ length: SCORE_MAX + 1 }, (_, score) => score).filter(
    (score) =>
      (scores?.includes(score) ?? true) &&
      (categories?.some((name) => score >= CATEGORY_SCORES[name].min && score <= CATEGORY_SCORES[name].max) ?? true) &&
      (dangerZone === undefined || score <= DANGER_ZONE_MAX === dangerZone),
  );
}
